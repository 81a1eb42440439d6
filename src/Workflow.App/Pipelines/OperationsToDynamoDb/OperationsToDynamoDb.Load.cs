using Amazon.DynamoDBv2;
using Workflow.App.Hosting;
using Workflow.Cloud.Aws;
using Workflow.Cloud.DynamoDb;
using Workflow.Cloud.Objects;
using Workflow.Data.Operations;
using Workflow.Data.Parquet;
using Workflow.Durable;

namespace Workflow.App.Pipelines.OperationsToDynamoDb;

internal sealed record LoadOperationsInput(OperationsRun Run, IReadOnlyList<ParsedOperations> Files);

/// <summary>What became of the records of all files.</summary>
/// <param name="Refused">Lines that were refused for what other lines say, or with an item that is too large.</param>
internal sealed record LoadedOperations(
    long Lines, long Duplicates, long RepeatedMetadata, long Refused, string? QuarantineObject, DynamoDbWritten Written, long Disagreements, IReadOnlyList<string> FirstDisagreements)
{
    public string? Remark() => Disagreements == 0 ? null : $"{Disagreements} disagree with their metadata; {string.Join("; ", FirstDisagreements)}{(Disagreements > FirstDisagreements.Count ? "; …" : "")}.";

    public OperationsToDynamoDbResult Describe(OperationsToDynamoDbInput input, IReadOnlyList<ParsedOperations> files, int notTaken, int partitions)
    {
        var quarantine = files.Select(file => file.QuarantineObject).Append(QuarantineObject).OfType<string>().ToList();
        return new()
        {
            RowsIn = files.Sum(file => file.Lines),
            Loaded = Lines - Duplicates - RepeatedMetadata - Refused,
            Quarantined = files.Sum(file => file.Refused) + Refused,
            Skipped = Duplicates + RepeatedMetadata,
            Duplicates = Duplicates,
            RepeatedMetadata = RepeatedMetadata,
            Table = input.Table,
            Written = input.Catalog.Length == 0 ? null : input.Catalog,
            Partitions = partitions,
            Files = files.Count,
            FilesNotTaken = notTaken,
            Items = Written.Items,
            WriteUnits = Written.Units,
            Returned = Written.Returned,
            Disagreements = Disagreements,
            FirstDisagreements = FirstDisagreements,
            QuarantineObject = quarantine.Count == 1 ? quarantine[0] : null,
            QuarantineObjects = quarantine.Count > 1 ? quarantine : [],
        };
    }
}

/// <summary>Groups the records of all files and puts the items into the table. Done again, it puts the same items.</summary>
internal sealed class LoadOperations(ObjectStores stores, IAmazonDynamoDB dynamo, Scratch scratch, TimeProvider time) : TaskActivity<LoadOperationsInput, LoadedOperations>
{
    private const int ShownDisagreements = 5;

    public override async Task<LoadedOperations> RunAsync(TaskActivityContext context, LoadOperationsInput input)
    {
        var cancellation = context.CancellationToken;
        using var folder = scratch.CreateFolder();
        var records = await FetchAsync(input.Files, folder, cancellation);
        var refused = folder.File("refused.csv");
        LoadedOperations loaded;
        using (var groups = await Task.Run(() => OperationGroups.Group(records, refused, folder.File("spill"), cancellation), cancellation))
        {
            RefuseLarge(groups, cancellation);
            groups.Write(folder.File("items.parquet"), cancellation);
            await stores.UploadAsync(folder.File("items.parquet"), input.Run.ItemsAddress(), WriteCondition.Always, cancellation);
            var written = await WriteAsync(groups, input.Run.Settings, cancellation);
            loaded = new(
                groups.Lines, groups.Duplicates, groups.RepeatedMetadata, groups.Refused, null, written,
                groups.Disagreements.Count, [.. groups.Disagreements.Take(ShownDisagreements).Select(operation => operation.ToString())]);
        }

        return loaded with { QuarantineObject = loaded.Refused == 0 ? null : (await stores.UploadAsync(refused, input.Run.QuarantineAddress(), WriteCondition.Always, cancellation)).Address.ToString() };
    }

    private async Task<IReadOnlyList<string>> FetchAsync(IReadOnlyList<ParsedOperations> files, ScratchFolder folder, CancellationToken cancellation)
    {
        var fetched = new List<string>();
        foreach (var file in files)
        {
            fetched.Add(folder.File("records", $"{fetched.Count}.parquet"));
            await stores.DownloadAsync(ObjectAddress.Parse(file.Staged), fetched[^1], cancellation);
        }

        return fetched;
    }

    private static void RefuseLarge(OperationGroups groups, CancellationToken cancellation)
    {
        var large = groups.Items(cancellation).Select(item => (Item: item, ToDynamoDb(item).Size)).Where(sized => sized.Size > DynamoDbItem.Largest).Select(sized => (sized.Item with { Data = "" }, sized.Size)).ToList();
        foreach (var (item, size) in large)
        {
            groups.Refuse(item, new("item-too-large", $"the {item.Name} item of operation {item.Operation} has {size} bytes, and DynamoDB takes {DynamoDbItem.Largest}"), cancellation);
        }
    }

    private Task<DynamoDbWritten> WriteAsync(OperationGroups groups, OperationsToDynamoDbInput settings, CancellationToken cancellation) =>
        new DynamoDbWriter(dynamo, new(settings.Table, settings.HashKey, settings.RangeKey), settings.CapacityShare, time)
            .WriteAsync(groups.Items(cancellation).Select(ToDynamoDb), cancellation);

    private static DynamoDbItem ToDynamoDb(OperationItem item) => new(item.Attributes());
}

/// <summary>Publishes the items of a run as Parquet, each load a partition, and registers the partitions in the Glue Data Catalog.</summary>
internal sealed class CatalogOperations(ObjectStores stores, GlueClient glue, Scratch scratch) : TaskActivity<OperationsRun, int>
{
    private const string Text = "string";
    private static readonly string[] PartitionKeys = ["data_versao", "id_carga"];

    public override async Task<int> RunAsync(TaskActivityContext context, OperationsRun input)
    {
        var cancellation = context.CancellationToken;
        var table = await EnsureTableAsync(input.Settings, cancellation);
        var keys = table.PartitionKeys.Select(key => key.Name).ToList();
        var dataset = new ParquetDataset(stores, ObjectAddress.Parse(table.Location));
        var staged = await StageAsync(dataset, input, keys, cancellation);
        await dataset.PublishAsync(staged.Version, cancellation);
        await glue.PutPartitionsAsync(table, staged.Partitions.Select(partition => new GluePartition(partition.Values, partition.Location)), cancellation);
        return staged.Partitions.Count;
    }

    private async Task<ParquetVersion> StageAsync(ParquetDataset dataset, OperationsRun run, IReadOnlyList<string> keys, CancellationToken cancellation)
    {
        using var folder = scratch.CreateFolder();
        var (items, parts) = (folder.File("items.parquet"), folder.File("parts"));
        await stores.DownloadAsync(run.ItemsAddress(), items, cancellation);
        var files = await Task.Run(() => OperationCatalog.Export(items, parts, run.Version(), keys, cancellation), cancellation);
        return await dataset.StageAsync(Runs.InstanceFor(nameof(run), run.Id), parts, files, cancellation);
    }

    /// <summary>A table that is there keeps its keys in its order.</summary>
    private async Task<GlueTable> EnsureTableAsync(OperationsToDynamoDbInput settings, CancellationToken cancellation)
    {
        var (database, name) = (settings.CatalogDatabase, settings.CatalogTable);
        await glue.CreateDatabaseAsync(database, cancellation);
        var wanted = new GlueTable(
            database, name, settings.Catalog, [.. OperationCatalog.Columns.Select(column => new GlueColumn(column, Text))], [.. PartitionKeys.Select(key => new GlueColumn(key, Text))]);
        await glue.CreateTableAsync(wanted, cancellation);
        var there = await glue.FindTableAsync(database, name, cancellation) ?? wanted;
        return there.PartitionKeys.Select(key => key.Name).Order(StringComparer.Ordinal).SequenceEqual(PartitionKeys.Order(StringComparer.Ordinal))
            ? there with { Location = settings.Catalog }
            : throw new NonRetriableException(
                $"The table {database}.{name} of the catalog is partitioned by {string.Join(", ", there.PartitionKeys.Select(key => key.Name))}, the items by {string.Join(", ", PartitionKeys)}. Name another CatalogTable.");
    }
}
