using Npgsql;

namespace Workflow.Data.Warehouse;

/// <summary>
/// Loads CSV files into PostgreSQL tables, each in one transaction: the rows, the table's changes and the ledger row are committed
/// together or not at all. Needs PostgreSQL 15 (<c>merge</c>).
/// </summary>
public sealed class WarehouseLoader(NpgsqlDataSource warehouse)
{
    /// <exception cref="WarehouseException">The table cannot take the file; trying again does not help.</exception>
    /// <exception cref="BadInputException">The file is not CSV as a whole.</exception>
    /// <exception cref="NpgsqlException">The warehouse is out of reach or refuses.</exception>
    public Task<LoadResult> LoadAsync(LoadRequest request, CancellationToken cancellation) =>
        LoadTransaction.RunAsync(warehouse, request.Identity, load => LoadAsync(load, request, cancellation), cancellation);

    private static async Task<LoadResult> LoadAsync(LoadTransaction load, LoadRequest request, CancellationToken cancellation)
    {
        var target = await TargetTable.FindAsync(load.Connection, request.Table, cancellation);
        return target is not null && await load.IsLastContentAsync(cancellation)
            ? Nothing(request)
            : await LoadAsync(load.Connection, request, LoadPlan.Make(request, target), cancellation);
    }

    private static async Task<LoadResult> LoadAsync(NpgsqlConnection connection, LoadRequest request, LoadPlan plan, CancellationToken cancellation)
    {
        await ExecuteAsync(connection, SqlText.Read("Warehouse/settings.sql"), cancellation);
        await ExecuteAsync(connection, LoadSql.CreateStage(plan), cancellation);

        using var encoder = new RowEncoder(request, plan);
        await BinaryCopy.RunAsync(connection, LoadSql.CopyStage(plan), encoder.Fill, cancellation);
        encoder.Dispose();
        CheckRows(request, encoder.Rows);

        if (encoder.Quarantined > 0 && request.PublishQuarantine is { } publish)
        {
            await publish(request.QuarantineFile, cancellation);
        }

        // No row, no change: a header alone says nothing about types.
        var (inserted, updated) = encoder.Encoded > 0 ? await MergeAsync(connection, plan, encoder.KeysAscend, cancellation) : (0, 0);
        return Report(request, plan, encoder, inserted, updated);
    }

    /// <exception cref="WarehouseException">The file is not what it was.</exception>
    internal static void CheckRows(LoadRequest request, long rows)
    {
        if (rows != request.Schema.Rows)
        {
            throw new WarehouseException($"The file {request.File} had {request.Schema.Rows} rows when its types were inferred and has {rows} now. Load a file that nobody writes to.");
        }
    }

    internal static LoadResult Report(LoadRequest request, LoadPlan plan, RowEncoder encoder, long inserted, long updated)
    {
        var duplicates = encoder.Encoded - inserted - updated;
        var changed = encoder.Encoded > 0;
        return new(
            RowsIn: encoder.Rows,
            Loaded: inserted + updated,
            Inserted: inserted,
            Updated: updated,
            Quarantined: encoder.Quarantined,
            Skipped: duplicates,
            Duplicates: duplicates,
            SameContent: false,
            CreatedTable: changed && plan.CreatesTable,
            AddedColumns: changed && !plan.CreatesTable ? [.. plan.Added.Select(column => column.Name)] : [],
            WidenedColumns: changed ? plan.Widened : [],
            Columns: Describe(request));
    }

    /// <summary>Changes the table where it has to, and moves the staged rows into it.</summary>
    private static async Task<(long Inserted, long Updated)> MergeAsync(NpgsqlConnection connection, LoadPlan plan, bool keysAscend, CancellationToken cancellation)
    {
        if ((plan.CreatesTable ? LoadSql.CreateTable(plan) : LoadSql.AlterTable(plan)) is { } change)
        {
            await ExecuteAsync(connection, change, cancellation);
        }

        var before = await CountChangesAsync(connection, plan, cancellation);
        var merged = await ExecuteAsync(connection, LoadSql.Merge(plan, keysAscend), cancellation);
        var after = await CountChangesAsync(connection, plan, cancellation);
        var (inserted, updated) = (after.Inserted - before.Inserted, after.Updated - before.Updated);
        return inserted + updated == merged ? (inserted, updated) : throw new WarehouseException(
            $"The warehouse merged {merged} rows into {plan.Table} but counts {inserted} inserted and {updated} updated: a trigger changes the table's rows, or track_counts is off.");
    }

    private static async Task<(long Inserted, long Updated)> CountChangesAsync(NpgsqlConnection connection, LoadPlan plan, CancellationToken cancellation)
    {
        await using var count = new NpgsqlCommand(SqlText.Read("Warehouse/changes.sql"), connection) { Parameters = { new() { Value = plan.Table.Quoted } } };
        await using var row = await count.ExecuteReaderAsync(cancellation);
        await row.ReadAsync(cancellation);
        return (row.GetInt64(0), row.GetInt64(1));
    }

    /// <summary>Of a file that was the last to be loaded.</summary>
    internal static LoadResult Nothing(LoadRequest request) => new(
        RowsIn: request.Schema.Rows,
        Loaded: 0,
        Inserted: 0,
        Updated: 0,
        Quarantined: 0,
        Skipped: request.Schema.Rows,
        Duplicates: 0,
        SameContent: true,
        CreatedTable: false,
        AddedColumns: [],
        WidenedColumns: [],
        Columns: Describe(request));

    private static LoadedColumn[] Describe(LoadRequest request) =>
        [.. request.Schema.Columns.Select(column => new LoadedColumn(TableName.Fold(column.Name), column.Type.ToString(), column.Nulls, column.Evidence?.Reason))];

    private static async Task<int> ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation)
    {
        // A merge takes as long as it takes; the token is what ends it.
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        return await command.ExecuteNonQueryAsync(cancellation);
    }
}
