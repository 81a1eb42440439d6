using Npgsql;
using Workflow.Cloud.Objects;

namespace Workflow.Data.Warehouse.Redshift;

/// <summary>
/// Loads CSV files into tables of Amazon Redshift: rows are staged as objects, copied by the cluster itself, and merged by key in one
/// transaction with the ledger row. Loads into one schema wait for each other.
/// </summary>
public sealed class RedshiftLoader(NpgsqlDataSource redshift, ObjectStores objects, RedshiftStaging staging, TimeProvider time)
{
    private readonly RedshiftCopy _copy = new(objects, staging);

    /// <exception cref="WarehouseException">The table cannot take the file; trying again does not help.</exception>
    /// <exception cref="BadInputException">The file is not CSV as a whole.</exception>
    /// <exception cref="NpgsqlException">Redshift is out of reach or refuses.</exception>
    public Task<LoadResult> LoadAsync(LoadRequest request, CancellationToken cancellation) =>
        RedshiftTransaction.RunAsync(redshift, request.Identity, time, async (connection, ledger) =>
        {
            var target = await RedshiftTable.FindAsync(connection, request.Table, cancellation);
            return target is not null && await ledger.IsLastContentAsync(cancellation)
                ? WarehouseLoader.Nothing(request)
                : await LoadAsync(connection, request, Plan(request, target), cancellation);
        }, cancellation);

    private async Task<LoadResult> LoadAsync(NpgsqlConnection connection, LoadRequest request, LoadPlan plan, CancellationToken cancellation)
    {
        using var encoder = new RowEncoder(request, plan);
        await _copy.RunAsync(connection, RedshiftSql.Stage(plan), encoder.Fill, request.LoadKey, $"{request.QuarantineFile}.staged", cancellation);
        encoder.Dispose();
        WarehouseLoader.CheckRows(request, encoder.Rows);
        if (encoder.Quarantined > 0 && request.PublishQuarantine is { } publish)
        {
            await publish(request.QuarantineFile, cancellation);
        }

        var (inserted, updated) = encoder.Encoded > 0 ? await MergeAsync(connection, plan, encoder.Encoded, cancellation) : (0, 0);
        return WarehouseLoader.Report(request, plan, encoder, inserted, updated);
    }

    private static async Task<(long Inserted, long Updated)> MergeAsync(NpgsqlConnection connection, LoadPlan plan, long encoded, CancellationToken cancellation)
    {
        foreach (var change in plan.CreatesTable ? [RedshiftSql.CreateTable(plan)] : RedshiftSql.AddColumns(plan))
        {
            await ExecuteAsync(connection, change, cancellation);
        }

        var dropped = await ExecuteAsync(connection, RedshiftSql.DropDuplicates(plan), cancellation);
        await using var count = new NpgsqlCommand(RedshiftSql.CountUpdates(plan), connection) { CommandTimeout = 0 };
        var updated = (long)(await count.ExecuteScalarAsync(cancellation))!;
        await ExecuteAsync(connection, RedshiftSql.Merge(plan), cancellation);
        return (encoded - dropped - updated, updated);
    }

    private static LoadPlan Plan(LoadRequest request, TargetTable? target)
    {
        var plan = LoadPlan.Make(request, target, RedshiftTypes.For);
        return plan.Widened is [] ? plan : throw new WarehouseException(
            $"Column {plan.Widened[0].Name} of {request.Table} is {plan.Widened[0].From} and would have to become {plan.Widened[0].To}: {plan.Widened[0].Evidence}. " +
            "Redshift does not change a column's type. Add a column of the wider type, copy the values over, and give it the name.");
    }

    private static async Task<int> ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation)
    {
        // A merge takes as long as it takes; the token is what ends it.
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        return await command.ExecuteNonQueryAsync(cancellation);
    }
}
