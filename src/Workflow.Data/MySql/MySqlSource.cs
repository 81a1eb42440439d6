using Workflow.Data.Sources;

namespace Workflow.Data.MySql;

/// <summary>
/// Tables of MySQL or MariaDB. An InnoDB table lies in the order of its primary key; it is read in that order, and in ranges of it.
/// </summary>
public sealed class MySqlSource(MySqlAddress address) : ISourceDatabase
{
    public async Task<SourceSnapshot> OpenAsync(SourceTable table, int reads, CancellationToken cancellation)
    {
        var name = new MySqlTableName(table.Schema ?? address.Database, table.Name);
        await using var control = await ConnectAsync(cancellation);
        var columns = await DescribeAsync(control, name, cancellation);
        var key = await MySqlPrimaryKey.FindAsync(control, name, cancellation);
        var ranges = reads > 1 && key is not null ? await key.SplitAsync(control, name, reads, cancellation) : MySqlRange.Whole;
        var refusal = ranges.Count > 1 ? await TryLockAsync(control, name, cancellation) : null;
        if (refusal is not null)
        {
            ranges = MySqlRange.Whole;
        }

        var parts = new List<MySqlPart>();
        try
        {
            foreach (var range in ranges)
            {
                var part = new MySqlPart(await ConnectAsync(cancellation), Select(name, columns, range, key));
                parts.Add(part);
                await part.BeginAsync(cancellation);
            }

            return new(name.ToString(), [.. columns.Select(column => column.Name)], parts, refusal);
        }
        catch
        {
            foreach (var part in parts)
            {
                await part.DisposeAsync();
            }

            throw;
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private async Task<MySqlConnection> ConnectAsync(CancellationToken cancellation)
    {
        var connection = await MySqlConnection.OpenAsync(address, cancellation);
        try
        {
            await connection.ExecuteAsync(SqlText.Read("MySql/session.sql"), cancellation);
            await connection.ExecuteAsync("set session transaction isolation level repeatable read", cancellation);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private async Task<IReadOnlyList<MySqlColumn>> DescribeAsync(MySqlConnection connection, MySqlTableName table, CancellationToken cancellation)
    {
        try
        {
            var nothing = await connection.QueryAsync($"select * from {table.Quoted} limit 0", cancellation);
            await nothing.ReadAsync(cancellation);
            return nothing.Columns;
        }
        catch (MySqlException missing) when (missing.Code is ErrorCode.NoSuchTable or ErrorCode.UnknownDatabase)
        {
            throw new BadInputException($"There is no table {table} in the database at {address.Host}:{address.Port}. Name one that is there.", missing);
        }
    }

    /// <summary>
    /// There is no snapshot that connections could share. So writers of the table wait until each connection has one of its own: the
    /// lock comes after the writes that are under way, and goes when this connection closes.
    /// </summary>
    /// <returns>Why it is not to be had; null where it is.</returns>
    private static async Task<string?> TryLockAsync(MySqlConnection connection, MySqlTableName table, CancellationToken cancellation)
    {
        try
        {
            await connection.ExecuteAsync($"lock tables {table.Quoted} read", cancellation);
            return null;
        }
        catch (MySqlException refused) when (refused.Code is ErrorCode.DatabaseAccessDenied or ErrorCode.TableAccessDenied or ErrorCode.SpecificAccessDenied)
        {
            return $"{table} was read by one connection: its user may not LOCK TABLES, which several that see one state need.";
        }
        catch (MySqlException late) when (late.Code == ErrorCode.LockWaitTimeout)
        {
            return $"{table} was read by one connection: a writer kept the others from one state for too long.";
        }
    }

    private static string Select(MySqlTableName table, IReadOnlyList<MySqlColumn> columns, MySqlRange range, MySqlPrimaryKey? key) =>
        $"select {string.Join(", ", columns.Select(column => column.AsText))} from {table.Quoted}{(key is null ? "" : $"{range.Where(key)} order by {key.Order}")}";
}

internal sealed record MySqlTableName(string Database, string Name)
{
    public string Quoted => $"{MySqlText.Identifier(Database)}.{MySqlText.Identifier(Name)}";

    public override string ToString() => $"{Database}.{Name}";
}
