using Npgsql;
using Workflow.Durable.Tests.Hosting;
using Workflow.Testing;

namespace Workflow.Durable.Tests;

/// <summary>Listing, reading history, purging.</summary>
public sealed class QueryTests(HubDatabase database) : IClassFixture<HubDatabase>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static void Register(DurableTaskRegistry registry) => registry
        .AddOrchestratorFunc<string, string>("Echo", (_, input) => Task.FromResult(input))
        .AddOrchestratorFunc<string, string>("Fails", (_, input) => throw new InvalidDataException(input))
        .AddOrchestratorFunc<string, string>("Waits", (context, _) => context.WaitForExternalEvent<string>("go"))
        .AddOrchestratorFunc<int, int>("Tree", async (context, depth) => depth == 0
            ? await context.WaitForExternalEvent<int>("go")
            : (await Task.WhenAll(
                context.CallSubOrchestratorAsync<int>("Tree", depth - 1, new SubOrchestrationOptions(InstanceId: context.InstanceId + "a")),
                context.CallSubOrchestratorAsync<int>("Tree", depth - 1, new SubOrchestrationOptions(InstanceId: context.InstanceId + "b")))).Sum());

    [Fact]
    public async Task Filters_narrow_the_list_and_the_newest_come_first()
    {
        var clock = new FakeTimeProvider();
        await using var host = await database.StartHostAsync(Register, options => options.LeaseDuration = TimeSpan.FromHours(1), clock);
        var begun = clock.GetUtcNow();
        foreach (var (name, id) in new[] { ("Echo", "a-1"), ("Fails", "a-2"), ("Waits", "b-1"), ("Echo", "b-2"), ("Echo", "a_3") })
        {
            await host.ScheduleAsync(name, id, id);
            clock.Advance(TimeSpan.FromMinutes(1));
        }

        foreach (var id in new[] { "a-1", "a-2", "b-2", "a_3" })
        {
            await host.EndAsync(id);
        }

        await host.StatusAsync("b-1", OrchestrationRuntimeStatus.Running);

        Assert.Equal("a_3 b-2 b-1 a-2 a-1", await IdsAsync(new OrchestrationQuery()));
        Assert.Equal("a_3 b-2 a-1", await IdsAsync(new OrchestrationQuery(Name: "echo")));
        Assert.Equal("a-2 a-1", await IdsAsync(new OrchestrationQuery(InstanceIdPrefix: "a-")));
        Assert.Equal("a_3", await IdsAsync(new OrchestrationQuery(InstanceIdPrefix: "a_")));
        Assert.Equal("b-1 a-2", await IdsAsync(new OrchestrationQuery(Statuses: [OrchestrationRuntimeStatus.Running, OrchestrationRuntimeStatus.Failed])));
        Assert.Equal("", await IdsAsync(new OrchestrationQuery(Statuses: [])));
        Assert.Equal("b-1 a-2", await IdsAsync(new OrchestrationQuery(CreatedFrom: begun.AddMinutes(1), CreatedTo: begun.AddMinutes(3))));

        var bare = (await host.Client.QueryInstancesAsync(new OrchestrationQuery(InstanceIdPrefix: "b-2"), Cancellation)).Values.Single();
        var full = (await host.Client.QueryInstancesAsync(new OrchestrationQuery(InstanceIdPrefix: "b-2", FetchInputsAndOutputs: true), Cancellation)).Values.Single();
        Assert.Equal((null, null), (bare.SerializedInput, bare.SerializedOutput));
        Assert.Equal(("b-2", "b-2"), (full.ReadInputAs<string>(), full.ReadOutputAs<string>()));
        Assert.Equal((null, null), await host.Client.GetInstanceAsync("b-2", getInputsAndOutputs: false) is { } found ? (found.SerializedInput, found.SerializedOutput) : ("", ""));
        Assert.Equal("a-2", (await host.Client.GetInstanceAsync("a-2"))!.FailureDetails!.ErrorMessage);

        async Task<string> IdsAsync(OrchestrationQuery query) =>
            string.Join(' ', (await host.Client.QueryInstancesAsync(query, Cancellation)).Values.Select(instance => instance.InstanceId));
    }

    [Fact]
    public async Task What_the_database_refuses_of_one_query_is_not_the_fault_of_the_next()
    {
        await using var host = await database.StartHostAsync(Register);
        await host.ScheduleAsync("Echo", "a-1", "whole");
        await host.EndAsync("whole");

        // The second time the statement is prepared, and the third time it is taken for prepared.
        for (var time = 0; time < 2; time++)
        {
            await Assert.ThrowsAsync<PostgresException>(() => host.Client.QueryInstancesAsync(new OrchestrationQuery(InstanceIdPrefix: "\0"), Cancellation));
        }

        Assert.Single((await host.Client.QueryInstancesAsync(new OrchestrationQuery(InstanceIdPrefix: "whole"), Cancellation)).Values);
    }

    [Fact]
    public async Task Families_are_listed_by_their_parent_or_by_their_roots()
    {
        await using var host = await database.StartHostAsync(Register);
        await host.ScheduleAsync("Tree", 2, "t");
        await host.StatusAsync("tbb", OrchestrationRuntimeStatus.Running);
        await host.StatusAsync("tab", OrchestrationRuntimeStatus.Running);

        Assert.Equal(["t"], await IdsAsync(new OrchestrationQuery(RootsOnly: true)));
        Assert.Equal(["ta", "tb"], await IdsAsync(new OrchestrationQuery(ParentInstanceId: "t")));
        Assert.Equal(["tba", "tbb"], await IdsAsync(new OrchestrationQuery(ParentInstanceId: "tb")));
        Assert.Equal(7, (await IdsAsync(new OrchestrationQuery(Roots: [new("another"), new("TREE")]))).Count());
        Assert.Equal(7, (await IdsAsync(new OrchestrationQuery(Roots: [new("Tree", "x"), new("Tree", "T")]))).Count());
        Assert.Empty(await IdsAsync(new OrchestrationQuery(Roots: [new("Tree", "ta"), new("another", "t")])));
        Assert.Empty(await IdsAsync(new OrchestrationQuery(Roots: [])));

        async Task<IEnumerable<string>> IdsAsync(OrchestrationQuery query) =>
            (await host.Client.QueryInstancesAsync(query, Cancellation)).Values.Select(instance => instance.InstanceId).Order();
    }

    [Fact]
    public async Task Pages_show_each_instance_once_although_others_are_started_meanwhile()
    {
        await using var host = new HubHost(database.NewHub(), Register);
        for (var i = 0; i < 30; i++)
        {
            await host.ScheduleAsync("Echo", "", $"old-{i}");
        }

        var seen = new List<string>();
        await foreach (var instance in host.Client.GetAllInstancesAsync(new OrchestrationQuery(PageSize: 7), Cancellation))
        {
            seen.Add(instance.InstanceId);
            await host.ScheduleAsync("Echo", "", $"new-{seen.Count}");
        }

        Assert.Equal(Enumerable.Range(0, 30).Select(i => $"old-{i}").Reverse(), seen);
        await Assert.ThrowsAsync<ArgumentException>(() => host.Client.QueryInstancesAsync(new OrchestrationQuery(ContinuationToken: "no token"), Cancellation));
        await Assert.ThrowsAsync<ArgumentException>(() => host.Client.QueryInstancesAsync(new OrchestrationQuery(ContinuationToken: "bnVsbA=="), Cancellation));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => host.Client.QueryInstancesAsync(new OrchestrationQuery(PageSize: 0), Cancellation));
    }

    [Fact]
    public async Task Pages_hold_where_many_instances_were_created_in_one_moment()
    {
        await using var host = new HubHost(database.NewHub(), Register, null, new FakeTimeProvider());
        await Task.WhenAll(Enumerable.Range(0, 50).Select(i => host.ScheduleAsync("Echo", "", $"i{i}")));

        var seen = new List<string>();
        await foreach (var instance in host.Client.GetAllInstancesAsync(new OrchestrationQuery(PageSize: 3), Cancellation))
        {
            seen.Add(instance.InstanceId);
        }

        Assert.Equal(Enumerable.Range(0, 50).Select(i => $"i{i}").Order(StringComparer.Ordinal), seen.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task History_reads_like_a_diary()
    {
        await using var host = await database.StartHostAsync(registry => registry
            .AddOrchestratorFunc<string, string>("Diary", async (context, input) =>
            {
                await context.CreateTimer(TimeSpan.FromMilliseconds(1), CancellationToken.None);
                context.SendEvent("nobody", "note", 7);
                await context.CallSubOrchestratorAsync<string>("Echo", "child");
                await context.WaitForExternalEvent<int>("event");
                return await context.CallActivityAsync<string>("Break", input);
            })
            .AddOrchestratorFunc<string, string>("Echo", (_, input) => Task.FromResult(input))
            .AddActivityFunc<string, string>("Break", (_, input) => throw new IOException(input)));
        var id = await host.ScheduleAsync("Diary", "dear");
        await host.Client.RaiseEventAsync(id, "event", 1);
        await host.EndAsync(id);

        var history = await host.HistoryAsync(id);
        var lines = history
            .Where(line => line.Type != "OrchestratorStarted")
            .Select(line => $"{line.Type} {line.TaskId} {line.Name} {(line.Type.StartsWith("Timer", StringComparison.Ordinal) ? "" : line.Data)} {line.Failure?.ErrorMessage}".Trim());
        Assert.Equal(
            [
                "EventRaised  event 1",
                "EventSent 1 note 7",
                "ExecutionCompleted  Failed  Step 3 'Break' failed: dear",
                "ExecutionStarted  Diary \"dear\"",
                "SubOrchestrationInstanceCompleted 2  \"child\"",
                "SubOrchestrationInstanceCreated 2 Echo \"child\"",
                "TaskFailed 3   dear",
                "TaskScheduled 3 Break \"dear\"",
                "TimerCreated 0",
                "TimerFired 0",
            ],
            lines.Order(StringComparer.Ordinal));
        Assert.Equal(history.OrderBy(line => line.Type == "TimerFired" ? DateTimeOffset.MinValue : line.Timestamp).Count(), history.Count);
    }

    [Fact]
    public async Task Purging_takes_an_ended_instance_with_its_history_and_its_family()
    {
        await using var host = await database.StartHostAsync(Register);
        await StartTreeAsync(host, "t");
        Assert.Equal(0, await host.Client.PurgeInstanceAsync("t"));
        await EndTreeAsync(host, "t");
        await host.RunAsync("Echo", "", "other");

        Assert.Equal(7, await host.Client.PurgeInstanceAsync("t"));

        Assert.Null(await host.Client.GetInstanceAsync("t"));
        Assert.Equal("other", Assert.Single((await host.Client.QueryInstancesAsync(new OrchestrationQuery())).Values).InstanceId);
        Assert.Equal(["other"], await host.Hub.ReadAsync<string>("SELECT DISTINCT instance_id FROM history"));
    }

    [Fact]
    public async Task Purging_one_leaves_its_children_and_spares_what_still_runs()
    {
        await using var host = await database.StartHostAsync(Register);
        await StartTreeAsync(host, "s");
        await host.Client.TerminateInstanceAsync("s", recursive: false);
        await host.EndAsync("s");

        Assert.Equal(1, await host.Client.PurgeInstanceAsync("s", recursive: false));
        Assert.Equal(OrchestrationRuntimeStatus.Running, (await host.Client.GetInstanceAsync("sa"))!.RuntimeStatus);

        await host.Client.TerminateInstanceAsync("sa", recursive: false);
        await host.EndAsync("sa");
        await host.Client.RaiseEventAsync("saa", "go", 1);
        await host.EndAsync("saa");
        Assert.Equal(2, await host.Client.PurgeInstanceAsync("sa"));
        Assert.Equal(OrchestrationRuntimeStatus.Running, (await host.Client.GetInstanceAsync("sab"))!.RuntimeStatus);
    }

    [Fact]
    public async Task Purging_by_filter_takes_the_ended_ones_that_match_and_refuses_live_statuses()
    {
        var clock = new FakeTimeProvider();
        await using var host = await database.StartHostAsync(Register, options => options.LeaseDuration = TimeSpan.FromHours(1), clock);
        var begun = clock.GetUtcNow();
        await host.ScheduleAsync("Waits", "", "waits");
        await host.RunAsync("Echo", "", "echo-1");
        await host.RunAsync("Fails", "", "fails-1");
        clock.Advance(TimeSpan.FromMinutes(1));
        await host.RunAsync("Echo", "", "echo-2");

        var live = await Assert.ThrowsAsync<ArgumentException>(() => host.Client.PurgeAllInstancesAsync(
            new PurgeInstancesFilter(Statuses: [OrchestrationRuntimeStatus.Completed, OrchestrationRuntimeStatus.Running])));
        Assert.Contains("Running is not an end", live.Message, StringComparison.Ordinal);
        Assert.Equal(1, await host.Client.PurgeAllInstancesAsync(new PurgeInstancesFilter(Statuses: [OrchestrationRuntimeStatus.Failed])));
        Assert.Equal(1, await host.Client.PurgeAllInstancesAsync(new PurgeInstancesFilter(CreatedTo: begun.AddMinutes(1))));
        Assert.NotNull(await host.Client.GetInstanceAsync("echo-2"));
        Assert.Equal(1, await host.Client.PurgeAllInstancesAsync(new PurgeInstancesFilter(CreatedFrom: begun)));
        Assert.Equal("waits", Assert.Single((await host.Client.QueryInstancesAsync(new OrchestrationQuery())).Values).InstanceId);
        Assert.Equal(["waits"], await host.Hub.ReadAsync<string>("SELECT DISTINCT instance_id FROM history"));
    }

    private static async Task StartTreeAsync(HubHost host, string root)
    {
        await host.ScheduleAsync("Tree", 2, root);
        foreach (var leaf in new[] { "aa", "ab", "ba", "bb" })
        {
            await host.StatusAsync(root + leaf, OrchestrationRuntimeStatus.Running);
        }
    }

    private static async Task EndTreeAsync(HubHost host, string root)
    {
        foreach (var leaf in new[] { "aa", "ab", "ba", "bb" })
        {
            await host.Client.RaiseEventAsync(root + leaf, "go", 1);
        }

        Assert.Equal(4, await host.OutputAsync<int>(root));
    }
}
