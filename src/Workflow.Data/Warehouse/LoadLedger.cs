using System.Text.Json;
using Npgsql;
using NpgsqlTypes;

namespace Workflow.Data.Warehouse;

/// <summary>The table <c>load_ledger</c> in the schema of the target: a row per load, committed with the load's rows.</summary>
internal sealed class LoadLedger(NpgsqlConnection connection, LoadIdentity load)
{
    public const string Table = "load_ledger";

    private readonly string _ledger = new TableName(load.Table.Schema, Table).Quoted;

    /// <summary>Makes schema and ledger where they are missing; outside of the load's transaction, so that nobody waits for a load to end.</summary>
    public async Task EnsureAsync(CancellationToken cancellation)
    {
        while (!await ExistsAsync(cancellation))
        {
            var create = SqlText.Read("Warehouse/create_ledger.sql", ("schema", SqlText.Identifier(load.Table.Schema)));
            await using var command = new NpgsqlCommand(create, connection);
            try
            {
                await command.ExecuteNonQueryAsync(cancellation);
            }
            catch (PostgresException raced) when (raced.SqlState is PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.DuplicateSchema
                or PostgresErrorCodes.DuplicateTable or PostgresErrorCodes.DuplicateObject)
            {
                // "if not exists" does not hold between sessions that create at once: another one has just done it.
            }
        }
    }

    /// <summary>What the load reported when it was done, if it was.</summary>
    /// <exception cref="WarehouseException">The load key belongs to another load.</exception>
    public async Task<TResult?> FindAsync<TResult>(CancellationToken cancellation) where TResult : LoadCounts
    {
        await using var command = new NpgsqlCommand($"select result, target, content_sha256 from {_ledger} where load_key = $1", connection)
        {
            Parameters = { new() { Value = load.LoadKey } },
        };
        await using var row = await command.ExecuteReaderAsync(cancellation);
        if (!await row.ReadAsync(cancellation))
        {
            return null;
        }

        var (target, content) = (row.GetString(1), row.GetString(2));
        return target == load.Table.ToString() && content == load.ContentSha256
            ? JsonSerializer.Deserialize<TResult>(row.GetString(0), JsonSerializerOptions.Web)
            : throw new WarehouseException(
                $"The load key '{load.LoadKey}' was used for {target} with content {content}, and not for {load.Table} with {load.ContentSha256}. Give every load a key of its own.");
    }

    /// <summary>Whether this content was the last to be loaded into the table.</summary>
    public async Task<bool> IsLastContentAsync(CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand($"select content_sha256 from {_ledger} where target = $1 order by id desc limit 1", connection)
        {
            Parameters = { new() { Value = load.Table.ToString() } },
        };
        return await command.ExecuteScalarAsync(cancellation) is string last && last == load.ContentSha256;
    }

    /// <summary>What was reported when this content was loaded into the table the last time, however long ago; null where it never was.</summary>
    public async Task<TResult?> FindContentAsync<TResult>(CancellationToken cancellation) where TResult : LoadCounts
    {
        await using var command = new NpgsqlCommand($"select result from {_ledger} where target = $1 and content_sha256 = $2 order by id desc limit 1", connection)
        {
            Parameters = { new() { Value = load.Table.ToString() }, new() { Value = load.ContentSha256 } },
        };
        return await command.ExecuteScalarAsync(cancellation) is string result ? JsonSerializer.Deserialize<TResult>(result, JsonSerializerOptions.Web) : null;
    }

    public async Task RecordAsync<TResult>(TResult result, CancellationToken cancellation) where TResult : LoadCounts
    {
        var insert = SqlText.Read("Warehouse/insert_ledger.sql", ("ledger", _ledger));
        await using var command = new NpgsqlCommand(insert, connection)
        {
            Parameters =
            {
                new() { Value = load.LoadKey },
                new() { Value = load.Source },
                new() { Value = load.ContentSha256 },
                new() { Value = load.Table.ToString() },
                new() { Value = result.RowsIn },
                new() { Value = result.Loaded },
                new() { Value = result.Quarantined },
                new() { Value = result.Skipped },
                new() { Value = result.Duplicates },
                new() { Value = JsonSerializer.Serialize(result, JsonSerializerOptions.Web), NpgsqlDbType = NpgsqlDbType.Jsonb },
            },
        };
        await command.ExecuteNonQueryAsync(cancellation);
    }

    private async Task<bool> ExistsAsync(CancellationToken cancellation)
    {
        await using var find = new NpgsqlCommand("select to_regclass($1) is not null", connection) { Parameters = { new() { Value = _ledger } } };
        return await find.ExecuteScalarAsync(cancellation) is true;
    }
}
