using System.Security.Cryptography;
using Npgsql;
using Workflow.App.Hosting;
using Workflow.Cloud.Objects;
using Workflow.Data.CheckIns;
using Workflow.Durable;

namespace Workflow.App.Pipelines.IngestCheckIns;

/// <summary>Turns the CSV file into a Parquet file in staging. Its address follows from the content: doing it again replaces it by an equal one.</summary>
internal sealed class TransformCheckIns(ObjectStores stores, Scratch scratch) : TaskActivity<IngestCheckInsInput, StagedCheckIns>
{
    private const int LongestName = 60;

    public override async Task<StagedCheckIns> RunAsync(TaskActivityContext context, IngestCheckInsInput input)
    {
        using var folder = scratch.CreateFolder();
        var landed = ObjectAddress.Parse(input.Object!);

        // Named as the object, because errors name the file.
        var file = folder.File("in", landed.Name.Length is > 0 and <= LongestName ? landed.Name : "object");
        await stores.DownloadAsync(landed, file, context.CancellationToken);
        var sha256 = await HashAsync(file, context.CancellationToken);
        var parquet = folder.File("staged.parquet");
        var rows = CheckInFile.WriteParquet(file, parquet, folder.File("spill"), context.CancellationToken);
        var staged = await stores.UploadAsync(parquet, StagedCheckIns.Place(input, "transformed", sha256, ".parquet"), WriteCondition.Always, context.CancellationToken);
        return new(staged.Address.ToString(), sha256, rows);
    }

    private static async Task<string> HashAsync(string file, CancellationToken cancellation)
    {
        await using var content = File.OpenRead(file);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(content, cancellation));
    }
}

internal sealed record TestCheckInsInput(StagedCheckIns Staged, IngestCheckInsInput Settings);

/// <summary>Tests the staged rows: those that pass go on as a file of their own, those that fail a rule are kept in a file per rule.</summary>
internal sealed class TestCheckIns(ObjectStores stores, Scratch scratch, ILogger<TestCheckIns> logger) : TaskActivity<TestCheckInsInput, TestedCheckIns>
{
    public override async Task<TestedCheckIns> RunAsync(TaskActivityContext context, TestCheckInsInput input)
    {
        using var folder = scratch.CreateFolder();
        var (staged, settings) = input;
        var parquet = folder.File("test", "staged.parquet");
        await stores.DownloadAsync(ObjectAddress.Parse(staged.Address), parquet, context.CancellationToken);
        var tested = await CheckInTest.RunAsync(
            new() { ParquetFile = parquet, Source = settings.Object!, MostHours = settings.MostHours, Folder = Path.GetDirectoryName(parquet)! }, context.CancellationToken);
        var failed = new List<FailedCheckIns>();
        foreach (var (rule, rows) in tested.Rules)
        {
            var address = staged.FailedAt(settings, rule);
            await stores.UploadAsync(folder.File("test", $"{rule}.csv"), address, WriteCondition.Always, context.CancellationToken);
            failed.Add(new(rule, rows, address.ToString()));
            logger.LogWarning("{Rows} rows of {Object} fail {Rule}; they lie at {Failed}.", rows, settings.Object, rule, address);
        }

        var passed = StagedCheckIns.Place(settings, "tested", staged.Sha256, ".parquet");
        await stores.UploadAsync(folder.File("test", CheckInTest.PassedFile), passed, WriteCondition.Always, context.CancellationToken);
        return new(passed.ToString(), tested.Passed, tested.Failed, failed);
    }
}

/// <param name="LoadKey">One for all attempts at this load, and another for every run.</param>
internal sealed record LoadCheckInsInput(StagedCheckIns Staged, TestedCheckIns Tested, IngestCheckInsInput Settings, Guid LoadKey);

/// <summary>Adds the rows that passed to the table in one transaction with the ledger row, which answers when it is done again.</summary>
internal sealed class LoadCheckIns(ObjectStores stores, Warehouse warehouse, Scratch scratch) : TaskActivity<LoadCheckInsInput, IngestCheckInsResult>
{
    public override async Task<IngestCheckInsResult> RunAsync(TaskActivityContext context, LoadCheckInsInput input)
    {
        using var folder = scratch.CreateFolder();
        var (staged, tested, settings, loadKey) = input;
        var parquet = folder.File("tested.parquet");
        await stores.DownloadAsync(ObjectAddress.Parse(tested.Address), parquet, context.CancellationToken);
        try
        {
            var loaded = await new CheckInTable(warehouse.Source, settings.Target()).LoadAsync(
                parquet, new(settings.Target(), $"{loadKey:N}", settings.Object!, staged.Sha256), tested.Failed, context.CancellationToken);
            await ForgetAsync(staged, tested, settings, context.CancellationToken);
            return new()
            {
                RowsIn = loaded.RowsIn,
                Loaded = loaded.Loaded,
                Quarantined = loaded.Quarantined,
                Skipped = loaded.Skipped,
                Table = settings.Target().ToString(),
                Staged = staged.Address,
                QuarantineObject = tested.Rules is [var only] ? only.Object : null,
                FailedRules = tested.Rules,
            };
        }
        catch (PostgresException refused) when (DatabaseRefusal.IsFinal(refused))
        {
            throw DatabaseRefusal.Explain($"The warehouse refused the load into {settings.Target()}", refused);
        }
    }

    /// <summary>Removes the files of rules that rows failed in a run before, with other limits, and none fails now: these rows are in the table.</summary>
    private async Task ForgetAsync(StagedCheckIns staged, TestedCheckIns tested, IngestCheckInsInput settings, CancellationToken cancellation)
    {
        foreach (var rule in CheckInTest.RuleNames.Except(tested.Rules.Select(failed => failed.Rule)))
        {
            var address = staged.FailedAt(settings, rule);
            await stores.For(address).DeleteAsync(address, cancellation);
        }
    }
}
