using Workflow.Durable;
using Workflow.Testing;

namespace Workflow.App.Tests.Faults;

/// <summary>ingest-check-ins, killed (SIGKILL) after each of its activities.</summary>
public sealed class IngestCheckInsKillTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Every_row_is_there_once_when_it_is_killed_after_each_activity()
    {
        const string landed = "local://landing/table=dailycheckins/year=2024/month=3/day=3/dailycheckins.csv";
        await using var installation = await Installation.CreateAsync(postgres);
        installation.With("check-ins", "ingest-check-ins", new { hardTesting = false, slack = "local:etl" });
        installation.Drop(landed, "user,timestamp,hours,project\nned,26 сентября 2019 00:00,4,bizdev\nned,26 сентября 2019 00:00,4,bizdev\n,02/28/2018 12:05 AM,1,x\n");

        var killed = await KilledRun.CompleteAsync(installation, "check-ins", new { @object = landed });

        Assert.Equal(OrchestrationRuntimeStatus.Completed, killed.Run.Status);
        Assert.Equal(
            ["activity:TransformCheckIns", "activity:TestCheckIns", "activity:LoadCheckIns", "activity:Notify"],
            killed.Kills.Select(kill => kill.Split(' ')[1]).Where(activity => !activity.Contains("Record", StringComparison.Ordinal)));
        Assert.Equal(["ned|bizdev|4.00", "ned|bizdev|4.00"], await installation.QueryAsync("select username, project, hours from daily_checkins"));
        Assert.Equal(["3|2|1|0"], await installation.QueryAsync("select rows_in, loaded, quarantined, skipped from load_ledger"));
        Assert.Equal(3, installation.Objects("staging").Count);
    }
}
