using System.Text;
using Workflow.Data.DuckDb;

namespace Workflow.Data.Json;

/// <summary>Appends records to a table that gets a column whenever a property appears for the first time.</summary>
internal sealed class JsonTableWriter : IDisposable
{
    private readonly DuckDbConnection _connection;
    private readonly string _table;
    private readonly bool _asJson;
    private readonly List<byte[]> _names = [];
    private readonly Dictionary<string, int> _indexes = [];
    private DuckDbAppender? _appender;
    private int[] _fields = [];

    /// <param name="asJson">Keeps the JSON of the values instead of their text, so that 1 and "1" stay apart.</param>
    public JsonTableWriter(DuckDbConnection connection, string table, bool asJson = false)
    {
        _asJson = asJson;
        _connection = connection;
        _table = table;
        connection.Execute($"create table {SqlText.Identifier(table)} (_row bigint)", CancellationToken.None);
    }

    public IReadOnlyList<string> Columns => [.. _names.Select(name => Encoding.UTF8.GetString(name))];

    /// <param name="record">The record that the reader is at.</param>
    /// <param name="rowsBefore">Rows of the files before this one, where there are several.</param>
    public void Write(JsonRecordReader record, long rowsBefore = 0)
    {
        Array.Fill(_fields, -1);
        for (var field = 0; field < record.FieldCount; field++)
        {
            var column = Column(record.Name(field), likely: field);
            _fields[column] = field;
        }

        _appender ??= _connection.Append(_table);
        _appender.Append(rowsBefore + record.Row);
        for (var column = 0; column < _names.Count; column++)
        {
            var field = _fields[column];
            if (field < 0 || record.IsNull(field))
            {
                _appender.AppendNull();
            }
            else
            {
                _appender.Append(_asJson ? record.Json(field) : record.Value(field));
            }
        }

        _appender.EndRow();
    }

    public void Complete() => Close();

    public void Dispose() => _appender?.Dispose();

    /// <param name="likely">Records mostly have the same properties in the same order.</param>
    private int Column(ReadOnlySpan<byte> name, int likely)
    {
        if (likely < _names.Count && name.SequenceEqual(_names[likely]))
        {
            return likely;
        }

        var text = Encoding.UTF8.GetString(name);
        return _indexes.TryGetValue(text, out var index) ? index : Add(text, name.ToArray());
    }

    private int Add(string text, byte[] name)
    {
        Close();
        var index = _names.Count;
        _connection.Execute($"alter table {SqlText.Identifier(_table)} add column c{index} varchar", CancellationToken.None);
        _names.Add(name);
        _indexes.Add(text, index);
        Array.Resize(ref _fields, index + 1);
        _fields[index] = -1;
        return index;
    }

    private void Close()
    {
        _appender?.Complete();
        _appender?.Dispose();
        _appender = null;
    }
}
