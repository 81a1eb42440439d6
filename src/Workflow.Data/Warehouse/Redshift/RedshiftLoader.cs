using System.Text.Json;
using Npgsql;
using Workflow.Cloud.Objects;

namespace Workflow.Data.Warehouse.Redshift;

/// <summary>How rows come to Redshift.</summary>
/// <param name="Prefix">Where they are staged: <c>s3://bucket/prefix/</c>.</param>
/// <param name="IamRole">The ARN of the role that the cluster reads them as.</param>
public sealed record RedshiftStaging(ObjectAddress Prefix, string IamRole);

/// <summary>
/// Loads CSV files into tables of Amazon Redshift: rows are staged as objects, copied by the cluster itself, and merged by key in one
/// transaction with the ledger row. Loads into one schema wait for each other.
/// </summary>
public sealed class RedshiftLoader(NpgsqlDataSource redshift, ObjectStores objects, RedshiftStaging staging, TimeProvider time)
{
    /// <summary>Has the cluster read the manifest; another in tests, where there is no cluster.</summary>
    internal Func<NpgsqlConnection, string, CancellationToken, Task> Copy { get; init; } = (connection, copy, cancellation) => ExecuteAsync(connection, copy, cancellation);

    /// <exception cref="WarehouseException">The table cannot take the file; trying again does not help.</exception>
    /// <exception cref="BadInputException">The file is not CSV as a whole.</exception>
    /// <exception cref="NpgsqlException">Redshift is out of reach or refuses.</exception>
    public async Task<LoadResult> LoadAsync(LoadRequest request, CancellationToken cancellation)
    {
        await using var connection = await redshift.OpenConnectionAsync(cancellation);
        var ledger = new RedshiftLedger(connection, request.Identity, time);
        await ledger.EnsureAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await ledger.LockAsync(cancellation);
        if (await ledger.FindAsync(cancellation) is { } done)
        {
            return done;
        }

        var target = await FindAsync(connection, request.Table, cancellation);
        var result = target is not null && await ledger.IsLastContentAsync(cancellation)
            ? WarehouseLoader.Nothing(request)
            : await LoadAsync(connection, request, Plan(request, target), cancellation);
        await ledger.RecordAsync(result, cancellation);
        await transaction.CommitAsync(cancellation);
        return result;
    }

    private async Task<LoadResult> LoadAsync(NpgsqlConnection connection, LoadRequest request, LoadPlan plan, CancellationToken cancellation)
    {
        using var encoder = new RowEncoder(request, plan);
        var folder = Directory.CreateDirectory($"{request.QuarantineFile}.staged").FullName;
        var parts = new RedshiftRows(plan.Columns, folder).Write(encoder.Fill, cancellation);
        encoder.Dispose();
        WarehouseLoader.CheckRows(request, encoder.Rows);
        if (encoder.Quarantined > 0 && request.PublishQuarantine is { } publish)
        {
            await publish(request.QuarantineFile, cancellation);
        }

        var (inserted, updated) = (0L, 0L);
        if (encoder.Encoded > 0)
        {
            var staged = await StageAsync(request, parts, cancellation);
            await ExecuteAsync(connection, RedshiftSql.CreateStage(plan), cancellation);
            await Copy(connection, RedshiftSql.Copy(plan, staged[^1].ToString(), staging.IamRole), cancellation);
            (inserted, updated) = await MergeAsync(connection, plan, encoder.Encoded, cancellation);
            foreach (var used in staged)
            {
                await objects.For(used).DeleteAsync(used, cancellation);
            }
        }

        return WarehouseLoader.Report(request, plan, encoder, inserted, updated);
    }

    /// <summary>Puts the files where the cluster reads them, under names that every attempt at the load shares.</summary>
    /// <returns>Their addresses, the manifest's last: COPY reads what it lists, and fails where any of it is missing.</returns>
    private async Task<IReadOnlyList<ObjectAddress>> StageAsync(LoadRequest request, IReadOnlyList<string> parts, CancellationToken cancellation)
    {
        var prefix = $"{staging.Prefix.Key}{request.LoadKey}/";
        var addresses = new List<ObjectAddress>();
        foreach (var part in parts)
        {
            var address = staging.Prefix.WithKey(prefix + Path.GetFileName(part));
            await objects.UploadAsync(part, address, WriteCondition.Always, cancellation);
            addresses.Add(address);
        }

        var manifest = staging.Prefix.WithKey(prefix + "manifest");
        var entries = new { entries = addresses.Select(address => new { url = address.ToString(), mandatory = true }) };
        using var content = new MemoryStream(JsonSerializer.SerializeToUtf8Bytes(entries));
        await objects.For(manifest).WriteAsync(manifest, content, WriteCondition.Always, cancellation);
        return [.. addresses, manifest];
    }

    private static async Task<(long Inserted, long Updated)> MergeAsync(NpgsqlConnection connection, LoadPlan plan, long encoded, CancellationToken cancellation)
    {
        foreach (var change in plan.CreatesTable ? [RedshiftSql.CreateTable(plan)] : RedshiftSql.AddColumns(plan))
        {
            await ExecuteAsync(connection, change, cancellation);
        }

        var copied = await CountAsync(connection, $"select count(*) from {RedshiftSql.Stage}", cancellation);
        if (copied != encoded)
        {
            throw new WarehouseException($"Redshift copied {copied} of {encoded} rows for {plan.Table}. Look into stl_load_errors or sys_load_error_detail.");
        }

        var dropped = await ExecuteAsync(connection, RedshiftSql.DropDuplicates(plan), cancellation);
        var updated = await CountAsync(connection, RedshiftSql.CountUpdates(plan), cancellation);
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

    private static async Task<TargetTable?> FindAsync(NpgsqlConnection connection, TableName table, CancellationToken cancellation)
    {
        await using var find = new NpgsqlCommand(SqlText.Read("Warehouse/Redshift/find_table.sql"), connection)
        {
            Parameters = { new() { Value = table.Schema }, new() { Value = table.Name } },
        };
        await using var rows = await find.ExecuteReaderAsync(cancellation);
        var columns = new List<TargetColumn>();
        while (await rows.ReadAsync(cancellation))
        {
            var type = RedshiftTypes.FromCatalog(rows.GetString(1), Number(2), Number(3), Number(4));
            // Redshift enforces no key, and the merge needs none.
            columns.Add(new(rows.GetString(0), rows.GetString(1), type, rows.GetString(5) == "NO", IsUnique: true));
        }

        return columns.Count > 0 ? new(0, columns) : null;

        int? Number(int column) => rows.IsDBNull(column) ? null : rows.GetInt32(column);
    }

    private static async Task<long> CountAsync(NpgsqlConnection connection, string count, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(count, connection) { CommandTimeout = 0 };
        return (long)(await command.ExecuteScalarAsync(cancellation))!;
    }

    private static async Task<int> ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation)
    {
        // A copy takes as long as it takes; the token is what ends it.
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        return await command.ExecuteNonQueryAsync(cancellation);
    }
}
