using Workflow.Data.Csv;
using Workflow.Data.DuckDb;
using Workflow.Data.Json;
using Workflow.Data.Sources;

namespace Workflow.Data.Merge;

/// <summary>
/// Completes the objects of a JSON file from a database table, joined by a key, into a CSV file: per column the file's value when it is
/// there and not null, else that of the table's first row with the key, else nothing.
/// </summary>
/// <remarks>Values are the text they are on their side: 12.50 stays 12.50, and the number 1 is the key of the text "1".</remarks>
public sealed class SourceMerge(ISourceDatabase database)
{
    private const int ShownKeys = 10;

    /// <exception cref="BadInputException">The file is not JSON objects, the table is missing, or one of them has no key column.</exception>
    /// <exception cref="System.Data.Common.DbException">The PostgreSQL database is out of reach or refuses.</exception>
    /// <exception cref="MySql.MySqlException">The MySQL or MariaDB database is out of reach or refuses.</exception>
    /// <exception cref="DuckDbException">The work does not fit the memory and the scratch folder.</exception>
    public async Task<MergeResult> RunAsync(MergeRequest request, CancellationToken cancellation)
    {
        using var duckDb = DuckDbDatabase.Open(new() { MemoryLimit = request.MemoryLimit, TempDirectory = request.ScratchFolder, PreserveInsertionOrder = false });
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var file = JsonTable.LoadAsync(duckDb, "file", request.JsonFile, stop.Token);
        var table = LoadAsync(duckDb, request, stop.Token);
        try
        {
            await (await Task.WhenAny(file, table));
            await Task.WhenAll(file, table);
        }
        catch
        {
            // Neither is left running on a database that is about to be closed.
            await stop.CancelAsync();
            await Task.WhenAny(Task.WhenAll(file, table));
            throw;
        }

        var (json, rows) = (await file, await table);
        return await Task.Run(() => Merge(duckDb, request, json, rows, cancellation), cancellation);
    }

    private async Task<SourceRows> LoadAsync(DuckDbDatabase duckDb, MergeRequest request, CancellationToken cancellation)
    {
        await using var snapshot = await database.OpenAsync(request.Table, request.ParallelReads, cancellation);
        return new(snapshot.Table, snapshot.Columns, await snapshot.LoadAsync(duckDb, "db", cancellation), snapshot.Reads, snapshot.Note);
    }

    private static MergeResult Merge(DuckDbDatabase duckDb, MergeRequest request, JsonTable file, SourceRows table, CancellationToken cancellation)
    {
        var columns = file.Columns.Concat(table.Columns.Where(column => !file.Columns.Contains(column))).ToList();
        var fileKey = $"c{IndexOfKey(file.Columns, request.Key, $"The file '{Path.GetFileName(request.JsonFile)}'")}";
        var tableKey = $"c{IndexOfKey(table.Columns, request.Key, $"The table {table.Table}")}";
        using var connection = duckDb.Connect();

        var unmatched = new List<string?>();
        using (var first = connection.Query(Sql("first_database_only"), cancellation, ShownKeys))
        {
            unmatched.AddRange(first.Rows(cancellation).Select(row => (string?)row[0]));
        }

        object?[] count;
        using (var counts = connection.Query(Sql("counts"), cancellation))
        {
            count = counts.Rows(cancellation).Single();
        }

        connection.Execute(Sql("keep_first"), cancellation);
        connection.Execute(Write(), cancellation);
        return new(file.Rows, table.Rows, (long)count[0]!, (long)count[1]!, unmatched, columns) { Table = table.Table, ParallelReads = table.Reads, ReadNote = table.Note };

        string Sql(string name) => SqlText.Read($"Merge/{name}.sql", ("file_key", fileKey), ("db_key", tableKey));

        string Write() => SqlText.Read(
            "Merge/write.sql",
            ("file_key", fileKey),
            ("db_key", tableKey),
            ("values", string.Join(", ", columns.Select(Value))),
            ("header", SqlText.Literal(string.Join(',', columns.Select(CsvText.Field)) + "\n")),
            ("output", SqlText.Literal(request.Output)));

        string Value(string column) => (IndexOf(file.Columns, column), IndexOf(table.Columns, column)) switch
        {
            (var inFile, < 0) => $"file.c{inFile}",
            ( < 0, var inTable) => $"db.c{inTable}",
            var (inFile, inTable) => $"coalesce(file.c{inFile}, db.c{inTable})",
        };
    }

    private static int IndexOfKey(IReadOnlyList<string> columns, string key, string side) =>
        IndexOf(columns, key) is >= 0 and var index ? index : throw new BadInputException(
            $"{side} has no column '{key}' to join by. It has: {(columns.Count == 0 ? "none" : string.Join(", ", columns))}.");

    private static int IndexOf(IReadOnlyList<string> columns, string column)
    {
        for (var index = 0; index < columns.Count; index++)
        {
            if (columns[index] == column)
            {
                return index;
            }
        }

        return -1;
    }

    /// <summary>What was read of the database.</summary>
    private sealed record SourceRows(string Table, IReadOnlyList<string> Columns, long Rows, int Reads, string? Note);
}
