using Workflow.Data.DuckDb;

namespace Workflow.Data.Json;

/// <summary>The objects of a JSON file as a DuckDB table of text.</summary>
/// <remarks>
/// Column <c>_row</c> is the object's number, from 1; the properties are <c>c0</c>, <c>c1</c>, … in the order of
/// <see cref="Columns"/>. They go by number because DuckDB takes <c>Name</c> and <c>name</c> for one, and JSON does not. Values are text
/// because a number read as a double does not come back as it was: 12.50 would be 12.5. Null and absent are both null;
/// of a property named twice in one object the last counts.
/// </remarks>
/// <param name="Columns">Property names, in the order of their first appearance in the file.</param>
public sealed record JsonTable(string Table, IReadOnlyList<string> Columns, long Rows)
{
    /// <summary>Reads an array of objects or newline-delimited objects, gzip or not, into a new table.</summary>
    /// <exception cref="BadInputException">The file is not that.</exception>
    public static Task<JsonTable> LoadAsync(DuckDbDatabase database, string table, string file, CancellationToken cancellation) =>
        Task.Run(() => Load(database, table, file, cancellation), cancellation);

    private static JsonTable Load(DuckDbDatabase database, string table, string file, CancellationToken cancellation)
    {
        using var connection = database.Connect();
        using var records = new JsonRecordReader(file);
        using var writer = new JsonTableWriter(connection, table);
        while (records.Read())
        {
            cancellation.ThrowIfCancellationRequested();
            writer.Write(records);
        }

        writer.Complete();
        return new(table, writer.Columns, records.Row);
    }
}
