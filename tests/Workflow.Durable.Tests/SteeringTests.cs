using Workflow.Durable.Tests.Hosting;
using Workflow.Testing;

namespace Workflow.Durable.Tests;

/// <summary>Suspending, resuming and terminating.</summary>
public sealed class SteeringTests(HubDatabase database) : IClassFixture<HubDatabase>
{
    private readonly Gates _gates = new();

    private void Register(DurableTaskRegistry registry)
    {
        _gates.Register(registry);
        registry.AddOrchestratorFunc<string?, string>("Work", async (context, _) =>
        {
            var before = await context.CallActivityAsync<string>("Gate", "before");
            var word = await context.WaitForExternalEvent<string>("word") + await context.WaitForExternalEvent<string>("word");
            return before + word + await context.CallActivityAsync<string>("Gate", "after");
        });
        registry.AddOrchestratorFunc<int, string>("Family", async (context, depth) =>
        {
            context.SetCustomStatus($"depth {depth}");
            return depth == 0
                ? await context.CallActivityAsync<string>("Gate", "leaf")
                : await context.CallSubOrchestratorAsync<string>("Family", depth - 1, new SubOrchestrationOptions(InstanceId: $"{context.InstanceId}-{depth - 1}"));
        });
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    public async Task What_comes_during_a_suspension_is_kept_in_order_and_nothing_new_is_asked_for(int cached)
    {
        await using var host = await database.StartHostAsync(Register, options => options.MaxCachedOrchestrators = cached);
        var id = await host.ScheduleAsync("Work");
        await _gates.ReachedAsync("before");
        await host.Client.SuspendInstanceAsync(id, "to see");
        await host.StatusAsync(id, OrchestrationRuntimeStatus.Suspended);

        _gates.Open("before");
        await host.Client.RaiseEventAsync(id, "word", "1");
        await host.Client.RaiseEventAsync(id, "word", "2");
        await host.HistoryHoldsAsync(id, "EventRaised", 2);
        await host.HistoryHoldsAsync(id, "TaskCompleted");
        Assert.Equal(OrchestrationRuntimeStatus.Suspended, (await host.Client.GetInstanceAsync(id))!.RuntimeStatus);
        Assert.Equal(1, (await host.HistoryAsync(id)).Count(line => line.Type == "TaskScheduled"));

        await host.Client.ResumeInstanceAsync(id);
        await _gates.ReachedAsync("after");
        await host.StatusAsync(id, OrchestrationRuntimeStatus.Running);
        _gates.Open("after");

        Assert.Equal("before12after", await host.OutputAsync<string>(id));
    }

    [Fact]
    public async Task An_instance_suspended_before_its_first_turn_begins_when_it_is_resumed()
    {
        await using var host = new HubHost(database.NewHub(), Register);
        var id = await host.ScheduleAsync("Work");
        await host.Client.SuspendInstanceAsync(id);
        await host.Client.SuspendInstanceAsync(id);
        await host.StartAsync();
        await host.StatusAsync(id, OrchestrationRuntimeStatus.Suspended);

        await host.Client.ResumeInstanceAsync(id);

        await _gates.ReachedAsync("before");
    }

    [Fact]
    public async Task A_suspended_instance_can_be_terminated()
    {
        await using var host = await database.StartHostAsync(Register);
        var id = await host.ScheduleAsync("Work");
        await host.Client.SuspendInstanceAsync(id);
        await host.StatusAsync(id, OrchestrationRuntimeStatus.Suspended);

        await host.Client.TerminateInstanceAsync(id, "enough");

        var ended = await host.EndAsync(id);
        Assert.Equal((OrchestrationRuntimeStatus.Terminated, "enough"), (ended.RuntimeStatus, ended.ReadOutputAs<string>()));
    }

    [Fact]
    public async Task Termination_takes_the_whole_family_keeps_the_output_and_cancels_running_activities()
    {
        var cancelled = new TaskCompletionSource();
        await using var host = await database.StartHostAsync(registry => registry
            .AddOrchestratorFunc<int, string>("Family", async (context, depth) => depth == 0
                ? await context.CallActivityAsync<string>("Watch")
                : await context.CallSubOrchestratorAsync<string>("Family", depth - 1))
            .AddActivityFunc<string?, string>("Watch", async (context, _) =>
            {
                await using var registration = context.CancellationToken.Register(() => cancelled.TrySetResult());
                await cancelled.Task;
                context.CancellationToken.ThrowIfCancellationRequested();
                return "never";
            }));
        var id = await host.ScheduleAsync("Family", 2);
        await Eventually.TrueAsync(async () => (await host.Client.QueryInstancesAsync(new OrchestrationQuery())).Values.Count == 3, cancellation: TestContext.Current.CancellationToken);
        await Eventually.TrueAsync(async () => await host.Hub.ReadOneAsync<long>("SELECT count(*) FROM activities") == 1, cancellation: TestContext.Current.CancellationToken);

        await host.Client.TerminateInstanceAsync(id, new { reason = "enough" });

        var ended = await host.EndAsync(id);
        Assert.Equal("""{"reason":"enough"}""", ended.SerializedOutput);
        await Eventually.TrueAsync(
            async () => (await host.Client.QueryInstancesAsync(new OrchestrationQuery(Statuses: [OrchestrationRuntimeStatus.Terminated]))).Values.Count == 3,
            cancellation: TestContext.Current.CancellationToken);
        await cancelled.Task.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.Equal(0, await host.Hub.ReadOneAsync<long>("SELECT count(*) FROM activities"));
        Assert.Equal(0, await host.Hub.ReadOneAsync<long>("SELECT count(*) FROM messages"));
        Assert.DoesNotContain(await host.HistoryAsync(id), line => line.Type == "SubOrchestrationInstanceFailed");
    }

    [Fact]
    public async Task An_activity_on_another_host_is_cancelled_too()
    {
        var hub = database.NewHub();
        var cancelled = new TaskCompletionSource();
        Action<DurableTaskOptions> shortLease = options =>
        {
            options.LeaseDuration = TimeSpan.FromSeconds(3);
            options.MaxConcurrentActivities = 1;
        };
        void Both(DurableTaskRegistry registry, string who) => registry
            .AddOrchestratorFunc<string?, string[]>("Spread", (context, _) =>
                Task.WhenAll(Enumerable.Range(0, 2).Select(_ => context.CallActivityAsync<string>("Watch"))))
            .AddActivityFunc<string?, string>("Watch", async (context, _) =>
            {
                var stopped = new TaskCompletionSource();
                await using var registration = context.CancellationToken.Register(() => stopped.TrySetResult());
                await stopped.Task;
                if (who == "second")
                {
                    cancelled.TrySetResult();
                }

                context.CancellationToken.ThrowIfCancellationRequested();
                return who;
            });

        await using var first = await hub.StartHostAsync(registry => Both(registry, "first"), shortLease);
        await using var second = await hub.StartHostAsync(registry => Both(registry, "second"), shortLease);
        var id = await first.ScheduleAsync("Spread");
        await Eventually.TrueAsync(
            async () => await hub.ReadOneAsync<long>("SELECT count(DISTINCT lease) FROM activities WHERE lease IS NOT NULL") == 2, cancellation: TestContext.Current.CancellationToken);

        await first.Client.TerminateInstanceAsync(id);

        await first.EndAsync(id);
        await cancelled.Task.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Termination_that_is_not_recursive_leaves_the_children_running()
    {
        await using var host = await database.StartHostAsync(Register);
        var id = await host.ScheduleAsync("Family", 1, "family");
        await _gates.ReachedAsync("leaf");

        await host.Client.TerminateInstanceAsync(id, recursive: false);
        Assert.Equal(OrchestrationRuntimeStatus.Terminated, (await host.EndAsync(id)).RuntimeStatus);
        _gates.Open("leaf");

        Assert.Equal("leaf", await host.OutputAsync<string>("family-0"));
    }

    [Fact]
    public async Task Termination_before_the_first_turn_or_after_the_last_does_what_it_can()
    {
        await using var host = new HubHost(database.NewHub(), Register);
        var early = await host.ScheduleAsync("Family", 0);
        await host.Client.TerminateInstanceAsync(early, "too early");
        await host.StartAsync();
        Assert.Equal((OrchestrationRuntimeStatus.Terminated, "too early"), ((await host.EndAsync(early)).RuntimeStatus, (await host.EndAsync(early)).ReadOutputAs<string>()));

        var done = await host.ScheduleAsync("Family", 0);
        _gates.Open("leaf");
        await host.EndAsync(done);
        await host.Client.TerminateInstanceAsync(done, "too late");
        await host.Client.SuspendInstanceAsync(done);

        Assert.Equal((OrchestrationRuntimeStatus.Completed, "leaf"), ((await host.EndAsync(done)).RuntimeStatus, (await host.EndAsync(done)).ReadOutputAs<string>()));
    }

    [Fact]
    public async Task The_custom_status_is_what_was_set_last_and_null_clears_it()
    {
        await using var host = await database.StartHostAsync(registry => registry
            .AddOrchestratorFunc<string?, int>("Report", async (context, _) =>
            {
                context.SetCustomStatus(new { Step = 1 });
                await context.WaitForExternalEvent<string>("go");
                await context.WaitForExternalEvent<string>("go");
                context.SetCustomStatus(null);
                return await context.WaitForExternalEvent<int>("go");
            }));
        var id = await host.ScheduleAsync("Report");

        await SeesAsync("""{"step":1}""");
        await host.Client.RaiseEventAsync(id, "go");
        await host.HistoryHoldsAsync(id, "EventRaised");
        await SeesAsync("""{"step":1}""");
        await host.Client.RaiseEventAsync(id, "go");
        await SeesAsync(null);
        await host.Client.RaiseEventAsync(id, "go", 1);
        await host.EndAsync(id);

        Task SeesAsync(string? status) => Eventually.TrueAsync(
            async () => await host.Client.GetInstanceAsync(id) is { RuntimeStatus: OrchestrationRuntimeStatus.Running } seen && seen.SerializedCustomStatus == status,
            cancellation: TestContext.Current.CancellationToken,
            what: status ?? "null");
    }
}
