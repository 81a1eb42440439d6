using System.Security.Cryptography;
using Npgsql;
using Workflow.App.Hosting;
using Workflow.Cloud.Objects;
using Workflow.Data.Csv;
using Workflow.Data.Schema;
using Workflow.Data.Warehouse;
using Workflow.Durable;

namespace Workflow.App.Pipelines.CsvToWarehouse;

/// <param name="LoadKey">
/// One for all attempts at this load, and another for every run, also for one that takes over the id of a run that has ended:
/// the ledger answers a load it has seen instead of doing it again.
/// </param>
internal sealed record LoadCsvInput(FoundObject Object, CsvToWarehouseInput Settings, Guid LoadKey);

/// <summary>Loads one file: fetches it, finds its types, and loads it in one transaction together with its ledger row.</summary>
/// <remarks>
/// The refused rows are put where they are kept before the rows are committed. A crash in between leaves a quarantine file without a
/// load; the next attempt makes the same file, finds it there, and commits. The other order could lose the refused rows.
/// </remarks>
internal sealed class LoadCsv(ObjectStores stores, Warehouse warehouse, Scratch scratch) : TaskActivity<LoadCsvInput, CsvToWarehouseResult>
{
    private const int LongestName = 60;

    public override async Task<CsvToWarehouseResult> RunAsync(TaskActivityContext context, LoadCsvInput input)
    {
        using var folder = scratch.CreateFolder();
        var (file, sha256) = await FetchAsync(input.Object, folder, context.CancellationToken);
        var settings = input.Settings;
        var csv = new CsvOptions { Delimiter = settings.Delimiter?[0] };
        try
        {
            var result = await warehouse.LoadAsync(
                new()
                {
                    File = file,
                    Csv = csv,
                    Schema = await SchemaInference.InferAsync(file, csv, context.CancellationToken),
                    Table = settings.Target(),
                    Key = settings.Key,
                    LoadKey = input.LoadKey.ToString("N"),
                    Source = input.Object.Address,
                    ContentSha256 = sha256,
                    AllowWideningToText = settings.AllowWideningToText,
                    QuarantineFile = folder.File("quarantine.csv"),
                    PublishQuarantine = (refused, cancellation) => PublishAsync(refused, input.Object, cancellation),
                },
                context.CancellationToken);
            return Describe(result, settings) with { QuarantineObject = await FindQuarantineAsync(result, input.Object, context.CancellationToken) };
        }
        catch (PostgresException refused) when (DatabaseRefusal.IsFinal(refused))
        {
            throw DatabaseRefusal.Explain($"The warehouse refused the load into {settings.Target()}", refused);
        }
    }

    private async Task<(string File, string Sha256)> FetchAsync(FoundObject found, ScratchFolder folder, CancellationToken cancellation)
    {
        var address = ObjectAddress.Parse(found.Address);
        // Named as the object, because errors name the file; a name that no file system takes is not worth an error of its own.
        var file = folder.File("in", address.Name.Length <= LongestName ? address.Name : "object");
        await stores.DownloadAsync(address, file, cancellation);
        if ((await stores.For(address).FindAsync(address, cancellation))?.ETag != found.ETag)
        {
            throw new NonRetriableException($"{address} was replaced while it was being read. The new one gets a run of its own.");
        }

        await using var content = File.OpenRead(file);
        return (file, Convert.ToHexStringLower(await SHA256.HashDataAsync(content, cancellation)));
    }

    private Task<ObjectAddress> PublishAsync(string refused, FoundObject found, CancellationToken cancellation) =>
        stores.PlaceAsync(() => Task.FromResult<Stream>(File.OpenRead(refused)), QuarantineOf(found), found.Tag(), cancellation);

    private async Task<string?> FindQuarantineAsync(LoadResult result, FoundObject found, CancellationToken cancellation) =>
        result.Quarantined == 0 ? null : (await stores.FindPlacedAsync(QuarantineOf(found), found.Tag(), cancellation))?.ToString();

    /// <summary>Refused rows are plain text, whatever the file was packed in.</summary>
    private static ObjectAddress QuarantineOf(FoundObject found)
    {
        var address = Areas.In(Areas.Quarantine, ObjectAddress.Parse(found.Address));
        return address.Name.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) && address.Name.Length > 3 ? address.WithKey(address.Key[..^3]) : address;
    }

    private static CsvToWarehouseResult Describe(LoadResult result, CsvToWarehouseInput settings) => new()
    {
        RowsIn = result.RowsIn,
        Loaded = result.Loaded,
        Quarantined = result.Quarantined,
        Skipped = result.Skipped,
        Inserted = result.Inserted,
        Updated = result.Updated,
        Duplicates = result.Duplicates,
        SameContent = result.SameContent,
        Table = settings.Target().ToString(),
        CreatedTable = result.CreatedTable,
        AddedColumns = result.AddedColumns,
        WidenedColumns = result.WidenedColumns,
        Columns = result.Columns,
    };
}
