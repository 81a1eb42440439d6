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
/// <param name="Until">When the time of the run has passed; UTC.</param>
internal sealed record ParquetRun(JsonToParquetInput Settings, string Version, string Pipeline, DateTime Until)
{
    public ParquetDataset Dataset(ObjectStores stores) => new(stores, ObjectAddress.Parse(Settings.Output), Pipeline);

    /// <summary>Time that is left to the run.</summary>
    /// <exception cref="NonRetriableException">There is none.</exception>
    public TimeSpan Left(TimeProvider time) => Until - time.GetUtcNow().UtcDateTime is { Ticks: > 0 } left ? left : throw TooLate();

    /// <summary>A step that ends with the time of the run at the latest. The run waits for it, so that nothing of it goes on when the run has ended.</summary>
    /// <exception cref="NonRetriableException">The time has passed.</exception>
    public async Task<T> KeepAsync<T>(TimeProvider time, Func<CancellationToken, Task<T>> step, CancellationToken cancellation)
    {
        using var late = new CancellationTokenSource(Left(time), time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellation);
        try
        {
            return await step(either.Token);
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw TooLate();
        }
    }

    private NonRetriableException TooLate() => new($"it did not end within {Settings.Timeout:c}.");
}

/// <summary>What lies ready to be published.</summary>
internal sealed record StagedParquet(long RowsIn, long Loaded, long Quarantined, int Files, long Bytes, int Partitions)
{
    public string? QuarantineObject { get; init; }

    public IReadOnlyList<string> Issues { get; init; } = [];

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
    public override Task<StagedParquet> RunAsync(TaskActivityContext context, ParquetRun run) =>
        run.KeepAsync(time, cancellation => RunAsync(run, cancellation), context.CancellationToken);

    private async Task<StagedParquet> RunAsync(ParquetRun run, CancellationToken cancellation)
    {
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

        var files = report.Good == 0 ? [] : await StageAsync(database, run, Path.Combine(output, "data"), cancellation);
        return new(records.Rows, report.Good, refused, files.Count, files.Sum(file => file.Bytes), files.Select(file => string.Join('/', file.Partition)).Distinct().Count())
        {
            QuarantineObject = quarantine,
            Issues = [.. report.Issues.Select(issue => $"{issue.Name}: {issue.Action}, {issue.Error ?? issue.Note ?? $"{issue.Count} rows"}")],
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

    private async Task<IReadOnlyList<ParquetFile>> StageAsync(DuckDbDatabase database, ParquetRun run, string folder, CancellationToken cancellation)
    {
        var settings = run.Settings;
        var (files, columns) = await Task.Run(() => Export(database, settings, folder, cancellation), cancellation);
        await run.Dataset(stores).StageAsync(run.Version, folder, files, columns, cancellation);
        return files;
    }

    /// <returns>The columns only where there is a catalog, which may have no type for one.</returns>
    private static (IReadOnlyList<ParquetFile> Files, IReadOnlyList<ParquetColumn> Columns) Export(
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

        IReadOnlyList<ParquetColumn> columns = settings.Database is null ? [] : [.. fields.Select(field => new ParquetColumn(field.Name, HiveType.Of(field.Type)))];
        return (connection.ExportParquet(query, folder, settings.PartitionBy, (long)settings.TargetFileMegabytes << 20, cancellation), columns);
    }
}

/// <summary>Lets readers see what was staged, a partition at a time. It does not begin after the time of the run, but what it has begun it finishes.</summary>
internal sealed class PublishParquet(ObjectStores stores, TimeProvider time) : TaskActivity<ParquetRun, bool>
{
    public override async Task<bool> RunAsync(TaskActivityContext context, ParquetRun run)
    {
        run.Left(time);
        await run.Dataset(stores).PublishAsync(run.Version, context.CancellationToken);
        return true;
    }
}

/// <summary>
/// Tells the catalog, where there is one, of the columns, and where the partitions are now: those of this run, and those of runs before it
/// that could not.
/// </summary>
internal sealed class RegisterParquet(ObjectStores stores, GlueCatalog catalog) : TaskActivity<ParquetRun, bool>
{
    public override async Task<bool> RunAsync(TaskActivityContext context, ParquetRun run)
    {
        if (run.Settings.Database is null)
        {
            return false;
        }

        foreach (var version in await run.Dataset(stores).FindUnfinishedAsync(context.CancellationToken))
        {
            await RegisterAsync(run.Settings, version, context.CancellationToken);
        }

        return true;
    }

    private async Task RegisterAsync(JsonToParquetInput settings, ParquetVersion version, CancellationToken cancellation)
    {
        var columns = version.Columns.Select(column => new GlueColumn(column.Name, column.Type)).ToList();
        var keys = settings.PartitionBy.Select(name => columns.Find(column => column.Name.Equals(name, StringComparison.OrdinalIgnoreCase))).OfType<GlueColumn>().ToList();
        if (columns.Count == 0 || version.Partitions is not [var first, ..] || (first.Values.Count, keys.Count) != (keys.Count, settings.PartitionBy.Count))
        {
            // It holds no partition any more, or was written under settings with another catalog or other partitions than these.
            return;
        }

        var isPartitioned = keys.Count > 0;
        var table = new GlueTable(settings.Database!, settings.Table!, isPartitioned ? settings.Output : first.Location, [.. columns.Except(keys)], keys);
        await catalog.RegisterAsync(
            table, isPartitioned ? [.. version.Partitions.Select(partition => new GluePartition(partition.Values, partition.Location))] : [], cancellation);
    }
}

/// <summary>Removes what was replaced, by this run and by those before it that could not.</summary>
internal sealed class CleanParquet(ObjectStores stores) : TaskActivity<ParquetRun, bool>
{
    public override async Task<bool> RunAsync(TaskActivityContext context, ParquetRun run)
    {
        var dataset = run.Dataset(stores);
        foreach (var version in await dataset.FindUnfinishedAsync(context.CancellationToken))
        {
            await dataset.CleanAsync(version.Version, context.CancellationToken);
        }

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
