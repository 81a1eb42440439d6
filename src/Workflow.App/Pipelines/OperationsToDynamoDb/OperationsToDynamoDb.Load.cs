using Amazon.DynamoDBv2;
using Npgsql;
using Workflow.App.Hosting;
using Workflow.Cloud.Aws;
using Workflow.Cloud.DynamoDb;
using Workflow.Cloud.Objects;
using Workflow.Data.Operations;
using Workflow.Data.Parquet;
using Workflow.Durable;

namespace Workflow.App.Pipelines.OperationsToDynamoDb;

internal sealed record LoadOperationsInput(OperationsRun Run, IReadOnlyList<OperationsObject> Files);

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

/// <summary>
/// Groups the records of all files, together with those of the items that are in the table, and puts the items into it. Done again, it
/// puts the same items: a record that is there already is an exact duplicate of itself.
/// </summary>
internal sealed class LoadOperations(ObjectStores stores, IAmazonDynamoDB dynamo, Warehouse warehouse, Scratch scratch, TimeProvider time)
    : TaskActivity<LoadOperationsInput, LoadedOperations>
{
    private const int ShownDisagreements = 5;

    public override async Task<LoadedOperations> RunAsync(TaskActivityContext context, LoadOperationsInput input)
    {
        var (cancellation, settings) = (context.CancellationToken, input.Run.Settings);
        using var folder = scratch.CreateFolder();
        var records = await FetchAsync(input, folder, cancellation);
        var refused = folder.File("refused.csv");
        LoadedOperations loaded;
        using (var groups = await Task.Run(() => OperationGroups.Read(records, refused, folder.File("spill"), cancellation), cancellation))
        {
            await using var turn = await LoadTurn.TakeAsync(warehouse.Source, settings.Table, groups.Loads(cancellation), cancellation);
            await foreach (var stored in settings.Reader(dynamo, time).ReadAsync(groups.Keys(cancellation).Select(key => new DynamoDbItem(key.Attributes())), cancellation))
            {
                groups.Add(stored.Select(item => OperationItem.Read(item.Attributes)));
            }

            await Task.Run(() => groups.Group(cancellation), cancellation);
            RefuseLarge(groups, cancellation);
            groups.Write(folder.File("items.parquet"), cancellation);
            await stores.UploadAsync(folder.File("items.parquet"), input.Run.ItemsAddress(), WriteCondition.Always, cancellation);
            var written = await settings.Writer(dynamo, time).WriteAsync(groups.Items(cancellation).Select(ToDynamoDb), cancellation);
            await turn.EndAsync(cancellation);
            loaded = new(
                groups.Lines, groups.Duplicates, groups.RepeatedMetadata, groups.Refused, null, written,
                groups.Disagreements.Count, [.. groups.Disagreements.Take(ShownDisagreements).Select(operation => operation.ToString())]);
        }

        return loaded with { QuarantineObject = loaded.Refused == 0 ? null : (await stores.UploadAsync(refused, input.Run.QuarantineAddress(), WriteCondition.Always, cancellation)).Address.ToString() };
    }

    private async Task<IReadOnlyList<string>> FetchAsync(LoadOperationsInput input, ScratchFolder folder, CancellationToken cancellation)
    {
        var fetched = new List<string>();
        foreach (var file in input.Files)
        {
            fetched.Add(folder.File("records", $"{fetched.Count}.parquet"));
            await stores.DownloadAsync(input.Run.RecordsAddress(file), fetched[^1], cancellation);
        }

        return fetched;
    }

    /// <summary>What the table has of the item stays as it is.</summary>
    private static void RefuseLarge(OperationGroups groups, CancellationToken cancellation)
    {
        var large = groups.Items(cancellation).Select(item => (item.Key, ToDynamoDb(item).Size)).Where(item => item.Size > DynamoDbItem.Largest).ToList();
        foreach (var (key, size) in large)
        {
            groups.Refuse(key, new("item-too-large", $"the {key.Name} item of operation {key.Operation} has {size} bytes, and DynamoDB takes {DynamoDbItem.Largest}"), cancellation);
        }
    }

    private static DynamoDbItem ToDynamoDb(OperationItem item) => new(item.Attributes());
}

/// <summary>
/// A run's turn at the items of some loads, over all hosts: from reading what the table has until all is written. Runs of other loads do
/// not wait for it.
/// </summary>
internal sealed class LoadTurn(NpgsqlConnection connection) : IAsyncDisposable
{
    /// <summary>Waits until no other run is at any of the loads.</summary>
    public static async Task<LoadTurn> TakeAsync(NpgsqlDataSource database, string table, IReadOnlyList<string> loads, CancellationToken cancellation)
    {
        var turn = new LoadTurn(await database.OpenConnectionAsync(cancellation));
        try
        {
            await turn.ExecuteAsync("begin", cancellation);
            await turn.ExecuteAsync(SqlText.Read("Pipelines/OperationsToDynamoDb/take_turn.sql"), cancellation, table, loads.ToArray());
            return turn;
        }
        catch
        {
            await turn.DisposeAsync();
            throw;
        }
    }

    /// <exception cref="NpgsqlException">The connection was lost, and the turn with it: another run may have come in between.</exception>
    public Task EndAsync(CancellationToken cancellation) => ExecuteAsync("commit", cancellation);

    /// <summary>Ends the turn where it has not ended.</summary>
    public ValueTask DisposeAsync() => connection.DisposeAsync();

    private async Task ExecuteAsync(string sql, CancellationToken cancellation, params object[] parameters)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(new() { Value = parameter });
        }

        await command.ExecuteNonQueryAsync(cancellation);
    }
}

/// <summary>Publishes the items of a run as Parquet, each load a partition, and registers the partitions in the Glue Data Catalog.</summary>
internal sealed class CatalogOperations(ObjectStores stores, GlueCatalog catalog, Scratch scratch) : TaskActivity<OperationsRun, int>
{
    private const string Text = "string";
    private static readonly string[] PartitionKeys = ["data_versao", "id_carga"];

    public override async Task<int> RunAsync(TaskActivityContext context, OperationsRun input)
    {
        var (cancellation, settings) = (context.CancellationToken, input.Settings);
        var dataset = new ParquetDataset(stores, ObjectAddress.Parse(settings.Catalog));
        var staged = await StageAsync(dataset, input, cancellation);
        await dataset.PublishAsync(staged.Version, cancellation);
        var table = new GlueTable(settings.CatalogDatabase, settings.CatalogTable, settings.Catalog, Columns(OperationCatalog.Columns), Columns(PartitionKeys));
        await catalog.RegisterAsync(table, [.. staged.Partitions.Select(partition => new GluePartition(partition.Values, partition.Location))], cancellation);
        return staged.Partitions.Count;
    }

    private async Task<ParquetVersion> StageAsync(ParquetDataset dataset, OperationsRun run, CancellationToken cancellation)
    {
        using var folder = scratch.CreateFolder();
        var (items, parts) = (folder.File("items.parquet"), folder.File("parts"));
        await stores.DownloadAsync(run.ItemsAddress(), items, cancellation);
        var files = await Task.Run(() => OperationCatalog.Export(items, parts, run.Version(), PartitionKeys, cancellation), cancellation);
        return await dataset.StageAsync(Runs.InstanceFor("run", run.Id), parts, files, cancellation);
    }

    private static IReadOnlyList<GlueColumn> Columns(IEnumerable<string> names) => [.. names.Select(name => new GlueColumn(name, Text))];
}
