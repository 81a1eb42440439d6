using Npgsql;

namespace Workflow.Data.Warehouse.Redshift;

/// <summary>
/// A load into Redshift as one transaction with its row in <c>load_ledger</c>, as <see cref="LoadTransaction"/> is one into PostgreSQL. Loads
/// into one schema wait for each other.
/// </summary>
internal static class RedshiftTransaction
{
    /// <param name="load">Writes the rows, and returns what is reported, now and to whoever asks again; it neither commits nor closes.</param>
    /// <exception cref="WarehouseException">The load key is another load's, or the load throws it.</exception>
    /// <exception cref="NpgsqlException">Redshift is out of reach or refuses.</exception>
    public static async Task<TResult> RunAsync<TResult>(
        NpgsqlDataSource redshift, LoadIdentity identity, TimeProvider time, Func<NpgsqlConnection, RedshiftLedger, Task<TResult>> load, CancellationToken cancellation)
        where TResult : LoadCounts
    {
        await using var connection = await redshift.OpenConnectionAsync(cancellation);
        var ledger = new RedshiftLedger(connection, identity, time);
        await ledger.EnsureAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await ledger.LockAsync(cancellation);
        if (await ledger.FindAsync<TResult>(cancellation) is { } done)
        {
            return done;
        }

        var result = await load(connection, ledger);
        await ledger.RecordAsync(LoadTransaction.Balanced(result), cancellation);
        await transaction.CommitAsync(cancellation);
        return result;
    }
}
