using Workflow.App.Hosting;
using Workflow.App.Pipelines.QualityGate;
using Workflow.Cloud.Aws;
using Workflow.Cloud.Objects;
using Workflow.Data.DuckDb;
using Workflow.Data.Mapping;
using Workflow.Data.Parquet;
using Workflow.Data.Quality;
using Workflow.Durable;

namespace Workflow.App.Pipelines.JsonToParquet;

/// <param name="Version">Of what this run writes; see <see cref="ParquetDataset"/>.</param>
internal sealed record ParquetRun(JsonToParquetInput Settings, string Version, string Pipeline)
{
    public ParquetDataset Dataset(ObjectStores stores) => new(stores, ObjectAddress.Parse(Settings.Output));
}

/// <summary>What lies ready to be published.</summary>
/// <param name="Columns">With their types in the catalog, those of the partitions too; empty without a catalog.</param>
internal sealed record StagedParquet(long RowsIn, long Loaded, long Quarantined, int Files, long Bytes, int Partitions)
{
    public string? QuarantineObject { get; init; }

    public IReadOnlyList<string> Issues { get; init; } = [];

    public IReadOnlyList<GlueColumn> Columns { get; init; } = [];

    public JsonToParquetResult Describe(ParquetRun run) => new()
    {
        RowsIn = RowsIn,
        Loaded = Loaded,
        Quarantined = Quarantined,
        QuarantineObject = QuarantineObject,
        Table = run.Settings.Database is null ? null : $"{run.Settings.Database}.{run.Settings.Table}",
        Written = run.Settings.Output,
        Files = Files,
        Bytes = Bytes,
        Partitions = Partitions,
        Issues = Issues,
        Version = Loaded > 0 ? run.Version : null,
    };
}

/// <summary>Reads the records, types them, sets aside what will not do, and puts the rest where the dataset will have it.</summary>
internal sealed class StageParquet(ObjectStores stores, Scratch scratch, TimeProvider time) : TaskActivity<ParquetRun, StagedParquet>
{
    public override async Task<StagedParquet> RunAsync(TaskActivityContext context, ParquetRun run)
    {
        var cancellation = context.CancellationToken;
        using var folder = scratch.CreateFolder();
        var sources = await DownloadAsync(ObjectAddress.Parse(run.Settings.Object!), folder, cancellation);
        using var database = DuckDbDatabase.Open(new() { TempDirectory = folder.File("spill") });
        var output = Directory.CreateDirectory(folder.File("out")).FullName;
        database.Lock(output);
        var records = await JsonRecords.LoadAsync(database, sources, run.Settings.Mapping(), cancellation);
        if (records.Rows == 0)
        {
            return new(0, 0, 0, 0, 0, 0);
        }

        var report = await QualityRules.RunAsync(database, run.Settings.Rules, GateRules.Records, time.GetUtcNow(), cancellation);
        var refused = records.Refused + report.Quarantined;
        var quarantine = refused == 0 ? null : await QuarantineAsync(database, records, run, output, cancellation);
        if (report.Stop is { } stop)
        {
            throw new NonRetriableException($"Rule '{stop.Name}' stops the run: {stop.Description}, {stop.Error ?? stop.Note ?? $"{stop.Count} rows"}. {(quarantine is null ? "" : $"What was refused is in {quarantine}.")}".TrimEnd());
        }

        var (files, columns) = report.Good == 0 ? ([], []) : await StageAsync(database, run, Path.Combine(output, "data"), cancellation);
        return new(records.Rows, report.Good, refused, files.Count, files.Sum(file => file.Bytes), files.Select(file => string.Join('/', file.Partition)).Distinct().Count())
        {
            QuarantineObject = quarantine,
            Issues = [.. report.Issues.Select(issue => $"{issue.Name}: {issue.Action}, {issue.Error ?? issue.Note ?? $"{issue.Count} rows"}")],
            Columns = columns,
        };
    }

    private async Task<IReadOnlyList<JsonSource>> DownloadAsync(ObjectAddress address, ScratchFolder folder, CancellationToken cancellation)
    {
        var store = stores.For(address);
        var found = address.Name.Length > 0
            ? [await store.FindAsync(address, cancellation) ?? throw new ObjectNotFoundException(address)]
            : await store.ListAsync(address, cancellation).ToListAsync(cancellation);
        var sources = new List<JsonSource>();
        foreach (var one in found)
        {
            var file = folder.File("in", $"{sources.Count}", one.Address.Name);
            await stores.DownloadAsync(one.Address, file, cancellation);
            sources.Add(new(file, one.Address.ToString()));
        }

        return sources;
    }

    /// <summary>Beside the dataset, in a folder that readers of datasets pass over; replaced by the next attempt's.</summary>
    private async Task<string> QuarantineAsync(DuckDbDatabase database, JsonRecords records, ParquetRun run, string folder, CancellationToken cancellation)
    {
        var file = Path.Combine(folder, "quarantine.csv");
        await Task.Run(
            () =>
            {
                using var connection = database.Connect();
                connection.ExportCsv(records.Quarantine(), file, cancellation);
            },
            cancellation);
        var output = ObjectAddress.Parse(run.Settings.Output);
        var address = output.WithKey($"{output.Key.TrimEnd('/')}/_quarantine/{run.Version}.csv".TrimStart('/'));
        await stores.UploadAsync(file, address, WriteCondition.Always, cancellation);
        return address.ToString();
    }

    private async Task<(IReadOnlyList<ParquetFile> Files, IReadOnlyList<GlueColumn> Columns)> StageAsync(
        DuckDbDatabase database, ParquetRun run, string folder, CancellationToken cancellation)
    {
        var settings = run.Settings;
        var (files, columns) = await Task.Run(() => Export(database, settings, folder, cancellation), cancellation);
        await run.Dataset(stores).StageAsync(run.Version, folder, files, cancellation);
        return (files, columns);
    }

    private static (IReadOnlyList<ParquetFile> Files, IReadOnlyList<GlueColumn> Columns) Export(
        DuckDbDatabase database, JsonToParquetInput settings, string folder, CancellationToken cancellation)
    {
        const string query = $"select * exclude ({QualityRules.RowColumn}) from {QualityRules.GoodRows}";
        using var connection = database.Connect();
        IReadOnlyList<DuckDbField> fields;
        using (var none = connection.Query($"{query} limit 0", cancellation))
        {
            fields = none.Columns;
        }

        if (settings.PartitionBy.FirstOrDefault(column => !fields.Any(field => field.Name.Equals(column, StringComparison.OrdinalIgnoreCase))) is { } missing)
        {
            throw new NonRetriableException($"There is no column '{missing}' to partition by. There are: {string.Join(", ", fields.Select(field => field.Name))}.");
        }

        if (fields.Count == settings.PartitionBy.Count)
        {
            throw new NonRetriableException("Every column is one to partition by, and the files would have none. Leave one out.");
        }

        IReadOnlyList<GlueColumn> columns = settings.Database is null ? [] : [.. fields.Select(field => new GlueColumn(field.Name, HiveType.Of(field.Type)))];
        return (connection.ExportParquet(query, folder, settings.PartitionBy, (long)settings.TargetFileMegabytes << 20, cancellation), columns);
    }
}

/// <summary>Lets readers see what was staged, a partition at a time.</summary>
internal sealed class PublishParquet(ObjectStores stores) : TaskActivity<ParquetRun, bool>
{
    public override async Task<bool> RunAsync(TaskActivityContext context, ParquetRun run)
    {
        await run.Dataset(stores).PublishAsync(run.Version, context.CancellationToken);
        return true;
    }
}

internal sealed record RegisterParquetInput(ParquetRun Run, IReadOnlyList<GlueColumn> Columns);

/// <summary>Tells the catalog, where there is one, of the columns, and where the partitions are now.</summary>
internal sealed class RegisterParquet(ObjectStores stores, GlueCatalog catalog) : TaskActivity<RegisterParquetInput, bool>
{
    public override async Task<bool> RunAsync(TaskActivityContext context, RegisterParquetInput input)
    {
        var (run, settings) = (input.Run, input.Run.Settings);
        if (settings.Database is null)
        {
            return false;
        }

        var staged = await run.Dataset(stores).FindAsync(run.Version, context.CancellationToken)
            ?? throw new NonRetriableException($"The version {run.Version} of {settings.Output} is gone: somebody has removed it.");
        var keys = settings.PartitionBy.Select(name => input.Columns.First(column => column.Name.Equals(name, StringComparison.OrdinalIgnoreCase))).ToList();
        var isPartitioned = keys.Count > 0;
        var table = new GlueTable(
            settings.Database, settings.Table!, isPartitioned ? settings.Output : staged.Partitions.Single().Location, [.. input.Columns.Except(keys)], keys);
        await catalog.RegisterAsync(
            table, isPartitioned ? [.. staged.Partitions.Select(partition => new GluePartition(partition.Values, partition.Location))] : [], context.CancellationToken);
        return true;
    }
}

/// <summary>Removes what the published version has replaced.</summary>
internal sealed class CleanParquet(ObjectStores stores) : TaskActivity<ParquetRun, bool>
{
    public override async Task<bool> RunAsync(TaskActivityContext context, ParquetRun run)
    {
        await run.Dataset(stores).CleanAsync(run.Version, context.CancellationToken);
        return true;
    }
}

/// <summary>Takes back what a run that failed has staged, so that the dataset is as it was.</summary>
internal sealed class DiscardParquet(ObjectStores stores) : TaskActivity<ParquetRun, bool>
{
    public override async Task<bool> RunAsync(TaskActivityContext context, ParquetRun run)
    {
        await run.Dataset(stores).DiscardAsync(run.Version, context.CancellationToken);
        return true;
    }
}
