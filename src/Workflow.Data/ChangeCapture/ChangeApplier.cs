using System.Security.Cryptography;
using System.Text;
using Npgsql;
using Workflow.Data.Warehouse;

namespace Workflow.Data.ChangeCapture;

/// <summary>
/// Applies files of changes to a table of PostgreSQL: a batch is one transaction, with its ledger row and the files it applied. Each key
/// keeps where its last applied change stands, and takes nothing older: files may come late, twice, or in any order.
/// </summary>
public sealed class ChangeApplier(NpgsqlDataSource warehouse)
{
    /// <exception cref="BadInputException">A file is broken as a whole, or lacks the key or what orders its changes.</exception>
    /// <exception cref="WarehouseException">The table cannot take the changes; nothing of the batch was applied.</exception>
    /// <exception cref="NpgsqlException">The warehouse is out of reach or refuses.</exception>
    public async Task<ChangeResult> ApplyAsync(ChangeBatch batch, CancellationToken cancellation)
    {
        var log = new ChangeLog(batch.Table.Schema);
        await log.EnsureAsync(warehouse, cancellation);
        var files = batch.Files.OrderBy(source => source.File.Sequence, StringComparer.Ordinal).ThenBy(source => source.Address, StringComparer.Ordinal).ToList();
        var content = string.Join('\n', files.Select(source => $"{source.Address}\n{source.ETag}"));
        var identity = new LoadIdentity(batch.Table, batch.LoadKey, files[0].Address, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(content))));
        return await LoadTransaction.RunAsync(warehouse, identity, async load =>
        {
            using var refused = new RefusedRows(batch.QuarantineFile);
            var applying = new ChangeTransaction(load.Connection, batch, log, refused);
            await applying.BeginAsync(cancellation);
            foreach (var source in files)
            {
                await applying.ApplyAsync(source, cancellation);
            }

            refused.Dispose();
            if (refused.Count > 0 && batch.PublishQuarantine is { } publish)
            {
                await publish(refused.Path, cancellation);
            }

            return await applying.ResultAsync(cancellation);
        }, cancellation);
    }
}
