using System.Net.Http.Json;
using Workflow.Cloud.Aws;
using Workflow.Cloud.Local;
using Workflow.Testing;

namespace Workflow.Cloud.Tests.Aws;

/// <summary>The client of DMS against the stand-in, over HTTP.</summary>
public sealed class DmsClientTests : IAsyncLifetime
{
    private static readonly string Arn = LocalDms.TaskArn("hr");

    private readonly TempFolder _data = new();
    private AwsStandIn _aws = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private DmsClient Dms => _aws.Dms;

    public async ValueTask InitializeAsync() => _aws = await AwsStandIn.StartAsync(_data);

    public async ValueTask DisposeAsync()
    {
        await _aws.DisposeAsync();
        _data.Dispose();
    }

    [Fact]
    public async Task A_full_load_is_started_and_ends()
    {
        await PutAsync(new("hr") { Tables = [new("HR", "EMPLOYEES", 107)] });
        Assert.Equal("ready", (await Dms.FindTaskAsync(Arn, Cancellation))!.Status);

        var started = await Dms.StartAsync(Arn, DmsStart.StartReplication, Cancellation);

        Assert.Equal((Arn, "hr", "starting", "full-load", 0), (started.Arn, started.Id, started.Status, started.MigrationType, started.FullLoadProgress));
        Assert.NotNull(started.StartedAt);
        await ReachesAsync("running");
        await ReachesAsync("stopped");
        Assert.Contains("FULL_LOAD_ONLY_FINISHED", (await Dms.FindTaskAsync(Arn, Cancellation))!.StopReason, StringComparison.Ordinal);
        Assert.Equal(new DmsTableStatistics("HR", "EMPLOYEES", "Table completed", 107, 0, 0, 0, 0, 0), Assert.Single(await Dms.ListTableStatisticsAsync(Arn, Cancellation)));
    }

    [Fact]
    public async Task A_failed_task_says_why_and_goes_on_where_it_stopped()
    {
        await PutAsync(new("hr", "full-load-and-cdc", Ends: "failed", LastFailure: "ORA-01291: missing logfile", Seconds: 0.05));
        await Dms.StartAsync(Arn, DmsStart.StartReplication, Cancellation);
        await ReachesAsync("failed");
        Assert.Equal("ORA-01291: missing logfile", (await Dms.FindTaskAsync(Arn, Cancellation))!.LastFailure);

        await PutAsync(new("hr", "full-load-and-cdc", Ends: null, Seconds: 0.05));
        await Dms.StartAsync(Arn, DmsStart.ResumeProcessing, Cancellation);

        await ReachesAsync("running");
        Assert.Equal(100, (await Dms.FindTaskAsync(Arn, Cancellation))!.FullLoadProgress);
    }

    [Fact]
    public async Task A_full_load_that_stopped_half_way_says_so_and_goes_on_once_it_is_not_held()
    {
        await PutAsync(new("hr", Seconds: 0) { FullLoadProgress = 40, StopReason = "Stop Reason NORMAL" });
        await Dms.StartAsync(Arn, DmsStart.StartReplication, Cancellation);
        await ReachesAsync("stopped");
        var half = (await Dms.FindTaskAsync(Arn, Cancellation))!;
        await PutAsync(new("hr", Seconds: 0) { Holds = "modifying", Tables = [new("HR", "T", 1, FullLoadEndedAt: 17.5)] });

        Assert.Equal((40, "Stop Reason NORMAL"), (half.FullLoadProgress, half.StopReason));
        Assert.Equal("InvalidResourceStateFault", (await RefusedAsync(DmsStart.ResumeProcessing)).Code);
        Assert.Equal(17.5, Assert.Single(await Dms.ListTableStatisticsAsync(Arn, Cancellation)).FullLoadEndedAt);
        await PutAsync(new("hr", Seconds: 0));
        await Dms.StartAsync(Arn, DmsStart.ResumeProcessing, Cancellation);
    }

    [Fact]
    public async Task Statistics_come_page_by_page()
    {
        await PutAsync(new("hr", Seconds: 0) { Tables = [.. Enumerable.Range(1, 250).Select(number => new LocalDmsTable("HR", $"T{number}", number))] });
        await Dms.StartAsync(Arn, DmsStart.StartReplication, Cancellation);

        var tables = await Dms.ListTableStatisticsAsync(Arn, Cancellation);

        Assert.Equal(Enumerable.Range(1, 250).Select(number => (long)number), tables.Select(table => table.FullLoadRows));
    }

    [Fact]
    public async Task A_task_that_is_not_there_is_none_and_cannot_be_started()
    {
        Assert.Null(await Dms.FindTaskAsync(Arn, Cancellation));
        Assert.Equal("ResourceNotFoundFault", (await RefusedAsync(DmsStart.StartReplication)).Code);
    }

    [Fact]
    public async Task What_the_state_of_a_task_does_not_allow_is_refused()
    {
        await PutAsync(new("hr", Seconds: 0.3));
        Assert.Equal("InvalidResourceStateFault", (await RefusedAsync(DmsStart.ResumeProcessing)).Code);
        Assert.Equal("InvalidResourceStateFault", (await RefusedAsync(DmsStart.ReloadTarget)).Code);

        await Dms.StartAsync(Arn, DmsStart.StartReplication, Cancellation);
        Assert.Contains("invalid state: starting", (await RefusedAsync(DmsStart.StartReplication)).Reason, StringComparison.Ordinal);

        await ReachesAsync("stopped");
        Assert.Contains("first time", (await RefusedAsync(DmsStart.StartReplication)).Reason, StringComparison.Ordinal);
        Assert.Equal("starting", (await Dms.StartAsync(Arn, DmsStart.ReloadTarget, Cancellation)).Status);
    }

    [Fact]
    public async Task A_start_whose_answer_is_lost_happens_once()
    {
        await PutAsync(new("hr"));
        await _aws.FailAsync(new(Times: 1, Service: "dms", Operation: "StartReplicationTask", Code: "InternalFailure", Status: 500, AfterEffect: true));

        await Assert.ThrowsAsync<AwsException>(() => Dms.StartAsync(Arn, DmsStart.StartReplication, Cancellation));

        Assert.Single((await _aws.Http.GetFromJsonAsync<LocalDmsStart[]>("/local/aws/dms/starts", Cancellation))!);
    }

    private async Task<AwsRefusedException> RefusedAsync(DmsStart how) => await Assert.ThrowsAsync<AwsRefusedException>(() => Dms.StartAsync(Arn, how, Cancellation));

    private Task ReachesAsync(string status) => Eventually.TrueAsync(async () => (await Dms.FindTaskAsync(Arn, Cancellation))!.Status == status);

    private async Task PutAsync(LocalDmsTask task)
    {
        using var response = await _aws.Http.PostAsJsonAsync("/local/aws/dms/tasks", task, Cancellation);
        response.EnsureSuccessStatusCode();
    }
}
