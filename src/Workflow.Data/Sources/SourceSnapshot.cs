using Workflow.Data.DuckDb;

namespace Workflow.Data.Sources;

/// <summary>One state of a table, open to be read in parts that follow each other in the table's order.</summary>
public sealed class SourceSnapshot : IAsyncDisposable
{
    // Rows are numbered part by part: the order is the table's, however the parts race and however many there are.
    private const int RowBits = 48;

    private readonly IReadOnlyList<ISourcePart> _parts;

    internal SourceSnapshot(string table, IReadOnlyList<string> columns, IReadOnlyList<ISourcePart> parts, string? note)
    {
        (Table, Columns, Note) = (table, columns, note);
        _parts = parts;
    }

    /// <summary>The table with its schema, for people.</summary>
    public string Table { get; }

    public IReadOnlyList<string> Columns { get; }

    /// <summary>How many connections read.</summary>
    public int Reads => _parts.Count;

    /// <summary>Why there are not as many as were asked for, where the database could have borne it.</summary>
    public string? Note { get; }

    /// <summary>
    /// Streams the table into a new DuckDB table of text; memory does not grow with it on this side. Column <c>_row</c> puts the rows in the
    /// table's order; the columns are <c>c0</c>, <c>c1</c>, … in the order of <see cref="Columns"/>, because DuckDB takes <c>"Name"</c> and
    /// <c>name</c> for one.
    /// </summary>
    /// <returns>The number of rows.</returns>
    public async Task<long> LoadAsync(DuckDbDatabase database, string table, CancellationToken cancellation)
    {
        using (var connection = database.Connect())
        {
            connection.Execute($"create table {SqlText.Identifier(table)} (_row bigint{string.Concat(Columns.Select((_, index) => $", c{index} varchar"))})", cancellation);
        }

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var reads = _parts.Select((part, index) => Task.Run(() => ReadAsync(part, index, database, table, stop.Token), stop.Token)).ToList();
        try
        {
            long rows = 0;
            await foreach (var read in Task.WhenEach(reads))
            {
                rows += await read;
            }

            return rows;
        }
        catch
        {
            // None is left running on connections that are about to be closed.
            await stop.CancelAsync();
            await Task.WhenAny(Task.WhenAll(reads));
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var part in _parts)
        {
            await part.DisposeAsync();
        }
    }

    private static async Task<long> ReadAsync(ISourcePart part, int index, DuckDbDatabase database, string table, CancellationToken cancellation)
    {
        using var connection = database.Connect();
        using var appender = connection.Append(table);
        return await part.ReadAsync(appender, ((long)index << RowBits) + 1, cancellation);
    }
}
