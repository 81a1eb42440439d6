using System.Security.Cryptography;
using System.Text;
using Npgsql;
using Workflow.Cloud.Objects;
using Workflow.Data.ChangeCapture.Redshift;
using Workflow.Data.Csv;
using Workflow.Data.Warehouse;
using Workflow.Data.Warehouse.Redshift;

namespace Workflow.Data.ChangeCapture;

/// <summary>
/// Applies files of changes to a table of PostgreSQL or Redshift: a batch is one transaction, with its ledger row and the files it applied.
/// Each key keeps where its last applied change stands, and takes nothing older: files may come late, twice, or in any order.
/// </summary>
public sealed class ChangeApplier
{
    private readonly NpgsqlDataSource _source;
    private readonly IChangeWarehouse _warehouse;
    private readonly TimeProvider _time;

    public ChangeApplier(NpgsqlDataSource postgres, TimeProvider time)
        : this(postgres, new PostgresChanges(postgres), time)
    {
    }

    public ChangeApplier(NpgsqlDataSource redshift, ObjectStores objects, RedshiftStaging staging, TimeProvider time)
        : this(redshift, new RedshiftChanges(redshift, objects, staging, time), time)
    {
    }

    private ChangeApplier(NpgsqlDataSource source, IChangeWarehouse warehouse, TimeProvider time)
    {
        _source = source;
        _warehouse = warehouse;
        _time = time;
    }

    /// <summary>Whether a table of this name is one of those that the applier itself keeps beside the others.</summary>
    public static bool KeepsForItself(TableName table) =>
        table.Name is ChangeLog.Table or "load_ledger" || table.Name.StartsWith(ChangeSql.PositionsPrefix, StringComparison.Ordinal);

    /// <summary>Of these files the ones that were applied to any table of the schema, as address and ETag.</summary>
    /// <exception cref="NpgsqlException">The warehouse is out of reach or refuses.</exception>
    public async Task<HashSet<(string File, string ETag)>> FindAppliedAsync(string schema, IEnumerable<string> files, CancellationToken cancellation)
    {
        await _warehouse.EnsureLogAsync(schema, cancellation);
        return await new ChangeLog(schema, _time).FindAppliedAsync(_source, files, cancellation);
    }

    /// <exception cref="BadInputException">A file is broken as a whole, or lacks the key or what orders its changes.</exception>
    /// <exception cref="WarehouseException">The table cannot take the changes; nothing of the batch was applied.</exception>
    /// <exception cref="NpgsqlException">The warehouse is out of reach or refuses.</exception>
    public async Task<ChangeResult> ApplyAsync(ChangeBatch batch, CancellationToken cancellation)
    {
        await _warehouse.EnsureLogAsync(batch.Table.Schema, cancellation);
        var files = batch.Files.OrderBy(source => source.File.Sequence, StringComparer.Ordinal).ThenBy(source => source.Address, StringComparer.Ordinal).ToList();
        var content = string.Join('\n', files.Select(source => $"{source.Address}\n{source.ETag}"));
        var identity = new LoadIdentity(batch.Table, batch.LoadKey, files[0].Address, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(content))));
        return await _warehouse.RunAsync(identity, async connection =>
        {
            using var refused = new QuarantineFile(batch.QuarantineFile);
            var applying = new ChangeTransaction(connection, _warehouse, batch, new(batch.Table.Schema, _time), refused);
            foreach (var source in files)
            {
                await applying.ApplyAsync(source, cancellation);
            }

            refused.Dispose();
            if (refused.Rows > 0 && batch.PublishQuarantine is { } publish)
            {
                await publish(refused.Path, cancellation);
            }

            return await applying.ResultAsync(cancellation);
        }, cancellation);
    }
}
