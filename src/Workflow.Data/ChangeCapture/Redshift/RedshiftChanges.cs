using Npgsql;
using Workflow.Cloud.Objects;
using Workflow.Data.Warehouse;
using Workflow.Data.Warehouse.Redshift;

namespace Workflow.Data.ChangeCapture.Redshift;

/// <summary>Changes into Redshift: staged as objects, which the cluster copies itself. Batches of one schema wait for each other.</summary>
internal sealed class RedshiftChanges(NpgsqlDataSource redshift, ObjectStores objects, RedshiftStaging staging, TimeProvider time) : IChangeWarehouse
{
    private readonly RedshiftCopy _copy = new(objects, staging);

    public ChangeTypes Types => RedshiftChangeSql.Types;

    public async Task EnsureLogAsync(string schema, CancellationToken cancellation)
    {
        await using var connection = await redshift.OpenConnectionAsync(cancellation);
        await RedshiftTable.EnsureAsync(connection, new(schema, ChangeLog.Table), "ChangeCapture/Redshift/create_change_files.sql", cancellation);
    }

    public Task<ChangeResult> RunAsync(LoadIdentity identity, Func<NpgsqlConnection, Task<ChangeResult>> apply, CancellationToken cancellation) =>
        RedshiftTransaction.RunAsync(redshift, identity, time, (connection, _) => apply(connection), cancellation);

    public Task<TargetTable?> FindAsync(NpgsqlConnection connection, TableName table, CancellationToken cancellation) => RedshiftTable.FindAsync(connection, table, cancellation);

    /// <summary>The files of a batch are staged one after the other under one name: each is copied before the next.</summary>
    public Task StageAsync(NpgsqlConnection connection, ChangeBatch batch, ChangeLayout layout, BinaryCopy.FillBuffer fill, CancellationToken cancellation) =>
        _copy.RunAsync(connection, RedshiftChangeSql.Stage(layout), fill, batch.LoadKey, Path.Combine(batch.ScratchFolder, "staged"), cancellation);

    public ChangeSql SqlFor(TableName table, IReadOnlyList<string> key, bool softDelete) => new RedshiftChangeSql(table, key, softDelete);
}
