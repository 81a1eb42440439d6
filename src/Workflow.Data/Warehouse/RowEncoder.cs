using Workflow.Data.Csv;

namespace Workflow.Data.Warehouse;

/// <summary>Turns the records of a CSV file into rows of a binary COPY; what cannot be one goes to quarantine.</summary>
internal sealed class RowEncoder : IDisposable
{
    private readonly LoadRequest _request;
    private readonly LoadPlan _plan;
    private readonly CsvReader _reader;
    private readonly ColumnEncoder[] _encoders;
    private readonly KeyOrder _order;
    private readonly QuarantineFile _quarantine;

    public RowEncoder(LoadRequest request, LoadPlan plan)
    {
        _request = request;
        _plan = plan;
        _reader = new(request.File, request.Csv);
        _encoders = [.. plan.Columns.Select(column => new ColumnEncoder(column.Name, column.Type, column.IsRequired, column.IsKey))];
        _order = new(plan.Key.Type);
        _quarantine = new(request.QuarantineFile);
    }

    public long Rows => _reader.Row;

    public long Encoded { get; private set; }

    public long Quarantined => _quarantine.Rows;

    /// <summary>Every key is greater than the one before: none repeats.</summary>
    public bool KeysAscend => _order.Ascends;

    /// <summary>Writes rows until the buffer holds about <paramref name="size"/> bytes.</summary>
    /// <returns>False at the end of the file.</returns>
    public bool Fill(CopyBuffer buffer, int size)
    {
        while (buffer.Length < size)
        {
            if (!_reader.Read())
            {
                return false;
            }

            if (_reader.Fault is { } fault)
            {
                Quarantine("csv", fault, column: null);
            }
            else
            {
                Encode(buffer);
            }
        }

        return true;
    }

    /// <summary>Closes the quarantine file, so that it is whole.</summary>
    public void Dispose()
    {
        _reader.Dispose();
        _quarantine.Dispose();
    }

    private void Encode(CopyBuffer buffer)
    {
        var begin = buffer.Length;
        buffer.WriteFieldCount((short)(_encoders.Length + 1));
        buffer.Write(_reader.Row);
        for (var index = 0; index < _encoders.Length; index++)
        {
            if (_encoders[index].Write(_reader[_plan.Columns[index].FileIndex], buffer) is var (rule, reason))
            {
                buffer.Truncate(begin);
                Quarantine(rule, reason, _encoders[index].Name);
                return;
            }
        }

        _order.Observe(_reader[_plan.Key.FileIndex]);
        Encoded++;
    }

    private void Quarantine(string rule, string reason, string? column) =>
        _quarantine.Write(rule, reason, _request.Source, _reader.Line, column, _reader.Raw);
}
