using System.Text;
using Workflow.Data.Csv;
using Workflow.Data.Warehouse;

namespace Workflow.Data.ChangeCapture;

/// <summary>Turns the records of one file into rows of a binary COPY into the staging table; what cannot be one goes to quarantine.</summary>
internal sealed class ChangeRows(ChangeSource source, CsvReader reader, ChangeLayout layout, ChangeOptions options, QuarantineFile refused)
{
    private readonly byte[] _nullText = source.File.IsParquet ? [] : Encoding.UTF8.GetBytes(options.NullText);

    public long Staged { get; private set; }

    /// <summary>Writes rows until the buffer holds about <paramref name="size"/> bytes.</summary>
    /// <returns>False at the end of the file.</returns>
    public bool Fill(CopyBuffer buffer, int size)
    {
        while (buffer.Length < size)
        {
            if (!reader.Read())
            {
                return false;
            }

            var begin = buffer.Length;
            if ((reader.Fault is { } fault ? new("csv", fault, null) : Write(buffer)) is { } refusal)
            {
                buffer.Truncate(begin);
                refused.Write(refusal.Rule, refusal.Reason, source.Address, layout.LineOf(reader), refusal.Column, reader.Raw);
            }
            else
            {
                Staged++;
            }
        }

        return true;
    }

    private Refusal? Write(CopyBuffer buffer)
    {
        var operation = layout.OpIndex is { } op ? reader[op] : "I"u8;
        if (!(operation.SequenceEqual("I"u8) || operation.SequenceEqual("U"u8) || operation.SequenceEqual("D"u8)))
        {
            return new("op", $"'{Encoding.UTF8.GetString(operation)}' is neither I, U nor D", ChangeLayout.Op);
        }

        var order = layout.OrderIndex is { } index ? Value(index) : [];
        if (ChangePosition.Of(source.File, order, layout.OrderIndex is not null, reader.Row) is not { } position)
        {
            return new("order", $"'{Encoding.UTF8.GetString(order)}' is neither a whole number nor a timestamp, and orders nothing", options.OrderColumn);
        }

        buffer.WriteFieldCount((short)(layout.Columns.Count + 2));
        buffer.Write(operation);
        buffer.Write(Encoding.ASCII.GetBytes(position));
        var isDelete = operation.SequenceEqual("D"u8);
        foreach (var column in layout.Columns)
        {
            // What a deleted row held, of which DMS says as much as the source logs, is nobody's value any more.
            if (isDelete && !column.IsKey)
            {
                buffer.WriteNull();
            }
            else if (column.Write(Value(column.FileIndex), buffer) is { } reason)
            {
                return new("type", reason, column.Name);
            }
        }

        return null;
    }

    private ReadOnlySpan<byte> Value(int index)
    {
        var value = reader[index];
        return _nullText.Length > 0 && value.SequenceEqual(_nullText) ? [] : value;
    }
}

/// <summary>Why a row was refused.</summary>
/// <param name="Rule"><c>csv</c>, <c>op</c>, <c>order</c> or <c>type</c>.</param>
/// <param name="Column">Null where it is the whole row.</param>
internal sealed record Refusal(string Rule, string Reason, string? Column);
