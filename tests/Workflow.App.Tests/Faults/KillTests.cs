using System.Globalization;
using System.Text.Json.Nodes;
using Workflow.App.Commands;
using Workflow.App.Hosting;
using Workflow.Durable;
using Workflow.Testing;

namespace Workflow.App.Tests.Faults;

/// <summary>
/// The service is killed (SIGKILL, by itself) after each thing that a run does outside itself, the last one of every activity among
/// them, and started again. However it went, the end is the same.
/// </summary>
[TakesLong]
public sealed class KillTests(PostgresFixture postgres)
{
    // One load of a file that has a refused row, from finding it to deleting it: the count is checked below.
    private const int CsvEffects = 11;

    // One merge: the JSON file is read, the CSV file written, and two messages are sent.
    private const int MergeEffects = 4;
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(1);

    public static TheoryData<int> CsvPoints => [.. Enumerable.Range(1, CsvEffects)];

    public static TheoryData<int> MergePoints => [.. Enumerable.Range(1, MergeEffects)];

    [Theory]
    [MemberData(nameof(CsvPoints))]
    public async Task Csv_to_warehouse_ends_the_same_when_it_is_killed(int afterEffect)
    {
        await using var installation = await PrepareCsvAsync();

        await RunKilledAsync(installation, "users", "local://crash/csv/a/users.csv", afterEffect);

        await AssertCsvAsync(installation);
    }

    [Fact]
    public async Task Csv_to_warehouse_is_killed_after_every_effect_there_is()
    {
        await using var installation = await PrepareCsvAsync();
        var count = Path.Combine(installation.Data.Path, "count");
        await using var service = await WorkflowProcess.ServeAsync(installation, Hooked(EffectCount.CountTo, count));

        await CompleteAsync(installation, "users", "local://crash/csv/a/users.csv");

        Assert.Equal($"{CsvEffects}", await File.ReadAllTextAsync(count, TestContext.Current.CancellationToken));
        await AssertCsvAsync(installation);
    }

    [Fact]
    public async Task Csv_to_warehouse_ends_the_same_when_it_is_killed_after_each_activity()
    {
        await using var installation = await PrepareCsvAsync();

        var killed = await KilledRun.CompleteAsync(installation, "users", new { @object = "local://crash/csv/a/users.csv" });

        Assert.Equal(OrchestrationRuntimeStatus.Completed, killed.Run.Status);
        Assert.Equal(["activity:FindObjects", "activity:LoadCsv", "activity:MoveObject"], killed.Kills.Select(kill => kill.Split(' ')[1]));
        await AssertCsvAsync(installation);
    }

    [Theory]
    [MemberData(nameof(MergePoints))]
    public async Task Merge_sources_ends_the_same_when_it_is_killed(int afterEffect)
    {
        await using var installation = await PrepareMergeAsync();

        await RunKilledAsync(installation, "tenant", "local://crash/test.json", afterEffect);

        await AssertMergeAsync(installation);
    }

    [Fact]
    public async Task Merge_sources_is_killed_after_every_effect_there_is()
    {
        await using var installation = await PrepareMergeAsync();
        var count = Path.Combine(installation.Data.Path, "count");
        await using var service = await WorkflowProcess.ServeAsync(installation, Hooked(EffectCount.CountTo, count));

        await CompleteAsync(installation, "tenant", "local://crash/test.json");

        Assert.Equal($"{MergeEffects}", await File.ReadAllTextAsync(count, TestContext.Current.CancellationToken));
        await AssertMergeAsync(installation);
    }

    private async Task<Installation> PrepareMergeAsync()
    {
        var installation = (await Installation.CreateAsync(postgres))
            .OpenToThisMachine()
            .With("tenant", "merge-sources", new { secret = "tenant", table = "customers", output = "local://merged/test.csv", slack = "local:tenants" })
            .WriteSettings();
        await installation.WriteDatabaseSecretAsync("tenant");
        await installation.ExecuteAsync("create table customers as select 1 as id, 'Ann' as name union all select 2, 'Bo'");
        installation.Drop("local://crash/test.json", """[{"id":1,"tag":"x"}]""");
        return installation;
    }

    private static async Task AssertMergeAsync(Installation installation)
    {
        Assert.Equal("id,tag,name\n1,x,Ann\n", installation.Read("local://merged/test.csv"));
        Assert.Equal(["test.csv"], installation.Objects("merged"));
        Assert.Equal(2, (await installation.SlackAsync()).Count);
    }

    private async Task<Installation> PrepareCsvAsync()
    {
        var installation = (await Installation.CreateAsync(postgres)).With("users", "csv-to-warehouse", new { table = "users" }).WriteSettings();
        installation.Drop("local://crash/csv/a/users.csv", "user_id,name\n1,Ann\n2\n3,Cy\n3,Cyd\n");
        return installation;
    }

    private static async Task AssertCsvAsync(Installation installation)
    {
        Assert.Equal(["1|Ann", "3|Cyd"], await installation.QueryAsync("select user_id, name from users order by user_id"));
        Assert.Equal(["4|2|1|1"], await installation.QueryAsync("select rows_in, loaded, quarantined, skipped from load_ledger"));
        Assert.Equal(["processed/a/users.csv", "quarantine/a/users.csv"], installation.Objects("crash"));
    }

    private static async Task RunKilledAsync(Installation installation, string pipeline, string address, int afterEffect)
    {
        await using (var service = await WorkflowProcess.ServeAsync(installation, Hooked(EffectCount.KillAfter, afterEffect.ToString(CultureInfo.InvariantCulture))))
        {
            await StartAsync(installation, pipeline, address);
            var killed = await service.WaitAsync();
            Assert.Equal(128 + 9, killed.ExitCode);
        }

        await installation.StartServiceAsync(ServiceRoles.Worker | ServiceRoles.Announced);
        await CompleteAsync(installation, pipeline, address);
    }

    private static async Task CompleteAsync(Installation installation, string pipeline, string address)
    {
        await StartAsync(installation, pipeline, address);
        using var client = await ClientAsync(installation);
        using var enough = new CancellationTokenSource(Deadline);
        var run = await client.WaitAsync("crash", enough.Token);
        Assert.Equal(OrchestrationRuntimeStatus.Completed, run.Status);
    }

    /// <summary>The same start every time: after the kill it finds the run that goes on.</summary>
    private static async Task StartAsync(Installation installation, string pipeline, string address)
    {
        using var client = await ClientAsync(installation);
        await client.StartAsync(pipeline, new JsonObject { ["object"] = address }, "crash", TestContext.Current.CancellationToken);
    }

    private static async Task<ServiceClient> ClientAsync(Installation installation) =>
        installation.CreateClient((await ServiceRecord.FindAsync(installation.Data, TestContext.Current.CancellationToken))!.Address);

    private static Dictionary<string, string> Hooked(string variable, string value) => new()
    {
        ["DOTNET_STARTUP_HOOKS"] = typeof(KillTests).Assembly.Location,
        [variable] = value,
    };
}
