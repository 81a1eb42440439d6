using Npgsql;

namespace Workflow.Data.Warehouse;

/// <summary>What the ledger knows a load by.</summary>
/// <param name="Table">Where the rows go; loads into one table wait for each other. The ledger is in its schema.</param>
/// <param name="LoadKey">The idempotency key: the same for every attempt at this load, and no other load's.</param>
/// <param name="Source">Where the rows came from.</param>
/// <param name="ContentSha256">Of the bytes they came in.</param>
public sealed record LoadIdentity(TableName Table, string LoadKey, string Source, string ContentSha256);

/// <summary>
/// A load into PostgreSQL as one transaction with its row in <c>load_ledger</c>: what the load does on <see cref="Connection"/> and that it
/// was done are committed together or not at all, and asked for again under the same load key it is answered from the ledger.
/// </summary>
public sealed class LoadTransaction
{
    private const string IntegrityViolation = "23";

    private readonly LoadLedger _ledger;

    private LoadTransaction(NpgsqlConnection connection, LoadLedger ledger)
    {
        Connection = connection;
        _ledger = ledger;
    }

    /// <summary>In the transaction; the load neither commits nor closes it.</summary>
    public NpgsqlConnection Connection { get; }

    /// <param name="load">Writes the rows and returns what is reported, now and to whoever asks again: its JSON is kept in the ledger.</param>
    /// <exception cref="WarehouseException">The table does not take the rows, or the load key is another load's; trying again does not help.</exception>
    /// <exception cref="NpgsqlException">The warehouse is out of reach or refuses.</exception>
    public static async Task<TResult> RunAsync<TResult>(
        NpgsqlDataSource warehouse, LoadIdentity identity, Func<LoadTransaction, Task<TResult>> load, CancellationToken cancellation)
        where TResult : LoadCounts
    {
        await using var connection = await warehouse.OpenConnectionAsync(cancellation);
        var ledger = new LoadLedger(connection, identity);
        await ledger.EnsureAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        try
        {
            await WaitForOthersAsync(connection, identity.Table, cancellation);
            if (await ledger.FindAsync<TResult>(cancellation) is { } done)
            {
                return done;
            }

            var result = await load(new(connection, ledger));
            await ledger.RecordAsync(Balanced(result), cancellation);
            await transaction.CommitAsync(cancellation);
            return result;
        }
        catch (PostgresException refusal) when (refusal.SqlState.StartsWith(IntegrityViolation, StringComparison.Ordinal))
        {
            throw new WarehouseException($"{identity.Table} refuses the rows: {refusal.MessageText}. {refusal.Detail}", refusal);
        }
    }

    /// <summary>Whether this content was the last to be loaded into the table.</summary>
    public Task<bool> IsLastContentAsync(CancellationToken cancellation) => _ledger.IsLastContentAsync(cancellation);

    /// <summary>What was reported when this content was loaded into the table the last time, however long ago; null where it never was.</summary>
    public Task<TResult?> FindContentAsync<TResult>(CancellationToken cancellation) where TResult : LoadCounts => _ledger.FindContentAsync<TResult>(cancellation);

    private static async Task WaitForOthersAsync(NpgsqlConnection connection, TableName table, CancellationToken cancellation)
    {
        // As long as the load before takes; the token is what ends it.
        await using var wait = new NpgsqlCommand(SqlText.Read("Warehouse/begin_load.sql"), connection)
        {
            CommandTimeout = 0,
            Parameters = { new() { Value = table.ToString() } },
        };
        await wait.ExecuteNonQueryAsync(cancellation);
    }

    internal static TResult Balanced<TResult>(TResult result) where TResult : LoadCounts =>
        result.RowsIn == result.Loaded + result.Quarantined + result.Skipped && result.Skipped >= result.Duplicates && result.Duplicates >= 0
            ? result
            : throw new InvalidOperationException($"A load does not balance and was not committed: {result}");
}
