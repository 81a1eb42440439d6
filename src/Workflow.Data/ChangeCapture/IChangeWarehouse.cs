using Npgsql;
using Workflow.Data.Warehouse;

namespace Workflow.Data.ChangeCapture;

/// <summary>What a warehouse does in its own way when changes are applied to it.</summary>
internal interface IChangeWarehouse
{
    ChangeTypes Types { get; }

    /// <summary>Makes the schema and its table <c>change_files</c> where they are missing; outside of any load, so that nobody waits for one.</summary>
    Task EnsureLogAsync(string schema, CancellationToken cancellation);

    /// <summary>Applies a batch in one transaction with its ledger row; a batch that was applied is answered from there.</summary>
    /// <exception cref="WarehouseException">The load key is another batch's, or <paramref name="apply"/> throws it.</exception>
    Task<ChangeResult> RunAsync(LoadIdentity identity, Func<NpgsqlConnection, Task<ChangeResult>> apply, CancellationToken cancellation);

    /// <returns>Null where there is no such table.</returns>
    Task<TargetTable?> FindAsync(NpgsqlConnection connection, TableName table, CancellationToken cancellation);

    /// <summary>Puts the rows of a file into the temporary table <c>change_stage</c>.</summary>
    /// <param name="fill">The rows: operation, position, and the layout's columns.</param>
    Task StageAsync(NpgsqlConnection connection, ChangeBatch batch, ChangeLayout layout, BinaryCopy.FillBuffer fill, CancellationToken cancellation);

    /// <param name="key">The columns as the table has them.</param>
    ChangeSql SqlFor(TableName table, IReadOnlyList<string> key, bool softDelete);
}
