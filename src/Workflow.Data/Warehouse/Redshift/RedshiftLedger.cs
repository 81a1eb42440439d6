using System.Text.Json;
using Npgsql;

namespace Workflow.Data.Warehouse.Redshift;

/// <summary>The table <c>load_ledger</c> of Redshift: a row per load, committed with the load's rows, under a lock on the table.</summary>
internal sealed class RedshiftLedger(NpgsqlConnection connection, LoadIdentity load, TimeProvider time)
{
    private readonly string _ledger = new TableName(load.Table.Schema, LoadLedger.Table).Quoted;

    public Task EnsureAsync(CancellationToken cancellation) =>
        RedshiftTable.EnsureAsync(connection, new(load.Table.Schema, LoadLedger.Table), "Warehouse/Redshift/create_ledger.sql", cancellation);

    /// <summary>Waits for the loads of the schema that are under way, and keeps others waiting until the transaction ends.</summary>
    public async Task LockAsync(CancellationToken cancellation)
    {
        await using var wait = new NpgsqlCommand($"lock table {_ledger}", connection) { CommandTimeout = 0 };
        await wait.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>What the load reported when it was done, if it was.</summary>
    /// <exception cref="WarehouseException">The load key belongs to another load.</exception>
    public async Task<TResult?> FindAsync<TResult>(CancellationToken cancellation) where TResult : LoadCounts
    {
        await using var find = new NpgsqlCommand($"select result, target, content_sha256 from {_ledger} where load_key = $1", connection) { Parameters = { new() { Value = load.LoadKey } } };
        await using var row = await find.ExecuteReaderAsync(cancellation);
        if (!await row.ReadAsync(cancellation))
        {
            return null;
        }

        return row.GetString(1) == load.Table.ToString() && row.GetString(2) == load.ContentSha256
            ? JsonSerializer.Deserialize<TResult>(row.GetString(0), JsonSerializerOptions.Web)
            : throw new WarehouseException($"The load key '{load.LoadKey}' was used for {row.GetString(1)} with content {row.GetString(2)}. Give every load a key of its own.");
    }

    /// <summary>Whether this content was the last to be loaded into the table.</summary>
    public async Task<bool> IsLastContentAsync(CancellationToken cancellation)
    {
        await using var last = new NpgsqlCommand($"select content_sha256 from {_ledger} where target = $1 order by id desc limit 1", connection) { Parameters = { new() { Value = load.Table.ToString() } } };
        return await last.ExecuteScalarAsync(cancellation) is string content && content == load.ContentSha256;
    }

    public async Task RecordAsync<TResult>(TResult result, CancellationToken cancellation) where TResult : LoadCounts
    {
        await using var insert = new NpgsqlCommand(SqlText.Read("Warehouse/Redshift/insert_ledger.sql", ("ledger", _ledger)), connection);
        foreach (var value in new object[]
        {
            load.LoadKey, load.Source, load.ContentSha256, load.Table.ToString(), result.RowsIn, result.Loaded, result.Quarantined, result.Skipped, result.Duplicates,
            JsonSerializer.Serialize(result, JsonSerializerOptions.Web), time.GetUtcNow(),
        })
        {
            insert.Parameters.Add(new() { Value = value });
        }

        await insert.ExecuteNonQueryAsync(cancellation);
    }
}
