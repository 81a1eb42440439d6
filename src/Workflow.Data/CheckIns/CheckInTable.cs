using System.Runtime.CompilerServices;
using Npgsql;
using NpgsqlTypes;
using Workflow.Data.DuckDb;
using Workflow.Data.Warehouse;

namespace Workflow.Data.CheckIns;

/// <summary>The table of check-ins: <c>id, username, project, hours, timestamp</c>. Made by the first load.</summary>
public sealed class CheckInTable(NpgsqlDataSource warehouse, TableName table)
{
    /// <summary>
    /// Adds the rows of a Parquet file of <c>line, username, project, hours, timestamp</c>. Of a content that was loaded before, whatever
    /// its source was called, only rows are added whose lines no load has brought: those that a test refused then and lets pass now. Equal
    /// rows of one source are all added; so are those of another one.
    /// </summary>
    /// <param name="identity">Of the source; its table is this one.</param>
    /// <param name="quarantined">Rows of the source that are not in the file.</param>
    /// <exception cref="WarehouseException">The table does not take the rows; trying again does not help.</exception>
    /// <exception cref="NpgsqlException">The warehouse is out of reach or refuses.</exception>
    public Task<CheckInLoad> LoadAsync(string parquetFile, LoadIdentity identity, long quarantined, CancellationToken cancellation) =>
        LoadTransaction.RunAsync(warehouse, identity, load => LoadAsync(load, parquetFile, quarantined, cancellation), cancellation);

    /// <summary>All check-ins of a user, in the order they were loaded; none before the first load.</summary>
    public IAsyncEnumerable<CheckIn> OfUserAsync(string user, CancellationToken cancellation) =>
        ReadAsync(user, after: 0, limit: null, cancellation).Select(row => row.CheckIn);

    /// <summary>A page of them.</summary>
    /// <param name="after">The id of the last one before it.</param>
    public async Task<IReadOnlyList<(long Id, CheckIn CheckIn)>> OfUserAsync(string user, long after, int limit, CancellationToken cancellation) =>
        await ReadAsync(user, after, limit, cancellation).ToListAsync(cancellation);

    private async Task<CheckInLoad> LoadAsync(LoadTransaction load, string parquetFile, long quarantined, CancellationToken cancellation)
    {
        using var duckDb = DuckDbDatabase.Open(new() { Threads = 1 });
        using var source = duckDb.Connect();
        var before = await TargetTable.FindAsync(load.Connection, table, cancellation) is null ? null : await load.FindContentAsync<CheckInLoad>(cancellation);
        // A load of before lines were noted has brought all that passed.
        IReadOnlyList<LineRange> lines = before is null ? [] : before.Lines ?? [new(0, long.MaxValue)];
        await CreateAsync(load.Connection, cancellation);
        FindNewRows(source, parquetFile, lines, cancellation);
        var loaded = await QueryCopy.RunAsync(source, "select username, project, hours, \"timestamp\" from new_rows order by line", load.Connection, table, cancellation);
        var passed = (long)source.Scalar("select count(*) from read_parquet(?)", cancellation, parquetFile)!;
        return new(RowsIn: passed + quarantined, loaded, quarantined, Skipped: passed - loaded, [.. lines, .. ReadNewLines(source, cancellation)]);
    }

    private static void FindNewRows(DuckDbConnection source, string parquetFile, IReadOnlyList<LineRange> loaded, CancellationToken cancellation)
    {
        source.Execute("create table loaded (first_line bigint, last_line bigint)", cancellation);
        using (var ranges = source.Append("loaded"))
        {
            foreach (var (first, last) in loaded)
            {
                ranges.Append(first);
                ranges.Append(last);
                ranges.EndRow();
            }

            ranges.Complete();
        }

        source.Execute(SqlText.Read("CheckIns/new_rows.sql", ("file", SqlText.Literal(parquetFile))), cancellation);
    }

    private static List<LineRange> ReadNewLines(DuckDbConnection source, CancellationToken cancellation)
    {
        using var ranges = source.Query(SqlText.Read("CheckIns/new_lines.sql"), cancellation);
        return [.. ranges.Rows(cancellation).Select(row => new LineRange((long)row[0]!, (long)row[1]!))];
    }

    private async Task CreateAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        var create = SqlText.Read("CheckIns/create_table.sql", ("table", table.Quoted), ("index", SqlText.Identifier($"{table.Name}_username")));
        await using var command = new NpgsqlCommand(create, connection);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    private async IAsyncEnumerable<(long Id, CheckIn CheckIn)> ReadAsync(
        string user, long after, int? limit, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await using var command = warehouse.CreateCommand(SqlText.Read("CheckIns/of_user.sql", ("table", table.Quoted)));
        command.Parameters.Add(new() { Value = user });
        command.Parameters.Add(new() { Value = after });
        command.Parameters.Add(new() { Value = (object?)limit ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Integer });
        await using var rows = await OpenAsync(command, cancellation);
        while (rows is not null && await rows.ReadAsync(cancellation))
        {
            yield return (rows.GetInt64(0), new(rows.GetString(1), rows.GetString(2), rows.GetDecimal(3), rows.GetDateTime(4)));
        }
    }

    /// <returns>Null where there is no table yet.</returns>
    private static async Task<NpgsqlDataReader?> OpenAsync(NpgsqlCommand command, CancellationToken cancellation)
    {
        try
        {
            return await command.ExecuteReaderAsync(cancellation);
        }
        catch (PostgresException missing) when (missing.SqlState is PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InvalidSchemaName)
        {
            return null;
        }
    }
}

/// <summary>Lines of a file that follow each other, both inclusive.</summary>
public sealed record LineRange(long First, long Last);

/// <summary>What a load of check-ins did. Skipped are rows that a load before has brought.</summary>
/// <param name="Lines">Those of the content whose rows are in the table, by this load or one before.</param>
public sealed record CheckInLoad(long RowsIn, long Loaded, long Quarantined, long Skipped, IReadOnlyList<LineRange>? Lines)
    : LoadCounts(RowsIn, Loaded, Quarantined, Skipped, Duplicates: 0);
