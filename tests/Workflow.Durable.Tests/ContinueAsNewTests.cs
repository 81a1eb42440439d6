using Workflow.Durable.Protocol;
using Workflow.Durable.Store;
using Workflow.Durable.Tests.Hosting;
using Workflow.Durable.Worker;
using Workflow.Testing;

namespace Workflow.Durable.Tests;

[TakesLong]
public sealed class ContinueAsNewTests(HubDatabase database) : IClassFixture<HubDatabase>
{
    [Fact]
    public async Task A_thousand_executions_take_every_event_once_and_in_order_and_history_stays_short()
    {
        await using var host = await database.StartHostAsync(registry => registry
            .AddOrchestratorFunc<int, int>("Follow", async (context, next) =>
            {
                var number = await context.WaitForExternalEvent<int>("number");
                if (number != next)
                {
                    throw new InvalidDataException($"{number} came where {next} should have come");
                }

                if (next < 999)
                {
                    context.ContinueAsNew(next + 1);
                }

                return next + 1;
            }));
        var id = await host.ScheduleAsync("Follow", 0);

        for (var i = 0; i < 1000; i++)
        {
            await host.Client.RaiseEventAsync(id, "number", i);
        }

        Assert.Equal(1000, await host.OutputAsync<int>(id));
        Assert.InRange((await host.HistoryAsync(id)).Count, 3, 6);
        Assert.InRange(await host.Hub.ReadOneAsync<long>("SELECT count(*) FROM history"), 1, 3);
        Assert.Equal(999, (await host.Client.GetInstanceAsync(id))!.ReadInputAs<int>());
    }

    [Fact]
    public async Task Events_that_nobody_took_go_over_in_the_order_they_came()
    {
        var hub = database.NewHub();
        await using var host = new HubHost(hub, Register);
        var id = await host.ScheduleAsync("Take", "");
        foreach (var (name, word) in new[] { ("a", "1"), ("b", "2"), ("A", "3"), ("b", "4"), ("a", "5"), ("b", "6") })
        {
            await host.Client.RaiseEventAsync(id, name, word);
        }

        await host.StartAsync();

        Assert.Equal("1 3 5 2 4 6", await host.OutputAsync<string>(id));

        static void Register(DurableTaskRegistry registry) => registry.AddOrchestratorFunc<string, string>("Take", async (context, taken) =>
        {
            taken += " " + await context.WaitForExternalEvent<string>(taken.Length < 6 ? "a" : "b");
            if (taken.Length < 12)
            {
                context.ContinueAsNew(taken);
            }

            return taken.Trim();
        });
    }

    [Fact]
    public async Task What_goes_over_goes_first_even_for_a_host_that_read_the_clock_before()
    {
        var tables = database.NewHub();
        await using var hub = new TaskHub(tables.ConnectionString, tables.Name, TimeProvider.System);
        await hub.PrepareAsync(TestContext.Current.CancellationToken);
        await using var lease = new HostLease(hub, TimeSpan.FromMinutes(1), TimeProvider.System);
        await lease.EnsureAsync(nothingInHand: true, TestContext.Current.CancellationToken);
        var started = Messages.ExecutionStarted("i", Guid.Empty, "Any", null, null, DateTimeOffset.UnixEpoch).ToBytes();
        var raised = Messages.EventRaised("any", null, TimeProvider.System).ToBytes();
        await tables.ReadAsync<object>(
            """
            WITH i AS (
                INSERT INTO instances (instance_id, execution_id, name, status, ready_at, created_at, updated_at)
                VALUES ('i', gen_random_uuid(), 'Any', 'Running', '2026-01-01 00:00:01Z', 'epoch', 'epoch'))
            INSERT INTO messages (instance_id, carried, visible_at, event)
            VALUES ('i', false, '2026-01-01 00:00:01Z', $1), ('i', true, '2026-01-01 00:00:03Z', $2)
            """,
            raised,
            started);

        var taken = await new WorkStore(hub, TimeSpan.FromMinutes(1)).TakeAsync(
            lease.Id, new DateTimeOffset(2026, 1, 1, 0, 0, 2, TimeSpan.Zero), 10, 10, TestContext.Current.CancellationToken);

        Assert.Equal([HistoryEvent.EventTypeOneofCase.ExecutionStarted, HistoryEvent.EventTypeOneofCase.EventRaised], taken.Messages.Select(message => message.Event.EventTypeCase));
    }

    [Fact]
    public async Task Events_are_dropped_where_the_orchestrator_says_so()
    {
        var hub = database.NewHub();
        await using var host = new HubHost(
            hub,
            registry => registry.AddOrchestratorFunc<string?, string>("Forget", async (context, taken) =>
            {
                if (taken is not null)
                {
                    return taken + await context.WaitForExternalEvent<string>("word");
                }

                context.ContinueAsNew(await context.WaitForExternalEvent<string>("word"), preserveUnprocessedEvents: false);
                return "";
            }),
            null);
        var id = await host.ScheduleAsync("Forget");
        await host.Client.RaiseEventAsync(id, "word", "a");
        await host.Client.RaiseEventAsync(id, "word", "b");
        await host.StartAsync();
        await Eventually.TrueAsync(async () => (await host.Client.GetInstanceAsync(id))!.SerializedInput is not null, cancellation: TestContext.Current.CancellationToken);

        await host.Client.RaiseEventAsync(id, "word", "c");

        Assert.Equal("ac", await host.OutputAsync<string>(id));
    }

    [Fact]
    public async Task What_the_old_execution_had_asked_for_does_not_reach_the_new_one()
    {
        var gates = new Gates();
        await using var host = await database.StartHostAsync(registry =>
        {
            gates.Register(registry);
            registry.AddOrchestratorFunc<string, string>("Twice", async (context, which) =>
            {
                var gate = context.CallActivityAsync<string>("Gate", which);
                var timer = context.CreateTimer(which == "old" ? TimeSpan.FromMilliseconds(100) : TimeSpan.FromDays(1), CancellationToken.None);
                if (which == "old")
                {
                    await context.WaitForExternalEvent<string>("next");
                    context.ContinueAsNew("new");
                    return "";
                }

                return await Task.WhenAny(gate, timer) == timer ? "the old timer fired" : await gate;
            });
        });
        var id = await host.ScheduleAsync("Twice", "old");
        await gates.ReachedAsync("old");
        await host.Client.RaiseEventAsync(id, "next");
        await gates.ReachedAsync("new");

        gates.Open("old");
        await Eventually.TrueAsync(
            async () => await host.Hub.ReadOneAsync<long>("SELECT count(*) FROM activities") == 1, cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(1, await host.Hub.ReadOneAsync<long>("SELECT count(*) FROM messages"));  // the new timer
        gates.Open("new");

        Assert.Equal("new", await host.OutputAsync<string>(id));
    }

    [Fact]
    public async Task Results_that_come_while_the_execution_changes_stay_with_the_one_that_asked()
    {
        await using var host = await database.StartHostAsync(registry => registry
            .AddOrchestratorFunc<int, int>("Race", async (context, round) =>
            {
                var first = await await Task.WhenAny(Enumerable.Range(0, 20).Select(_ => context.CallActivityAsync<int>("Echo", round)));
                if (first != round)
                {
                    throw new InvalidDataException($"round {round} got the result of round {first}");
                }

                if (round < 30)
                {
                    context.ContinueAsNew(round + 1);
                }

                return round;
            })
            .AddActivityFunc<int, int>("Echo", (_, round) => Task.FromResult(round)));

        var ids = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => host.ScheduleAsync("Race", 0)));

        Assert.All(await Task.WhenAll(ids.Select(id => host.OutputAsync<int>(id))), rounds => Assert.Equal(30, rounds));
        await Eventually.TrueAsync(
            async () => await host.Hub.ReadOneAsync<long>("SELECT count(*) FROM activities") == 0, cancellation: TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_refused_child_of_the_old_execution_does_not_fail_a_step_of_the_new_one()
    {
        var gates = new Gates();
        await using var host = await database.StartHostAsync(registry =>
        {
            gates.Register(registry);
            registry.AddOrchestratorFunc<string, string>("Hasty", async (context, which) =>
            {
                if (which == "old")
                {
                    _ = context.CallSubOrchestratorAsync<string>("Hasty", "old", new SubOrchestrationOptions(InstanceId: context.InstanceId));
                    context.ContinueAsNew("new");
                    return "";
                }

                return await context.CallActivityAsync<string>("Gate", which);
            });
        });
        var id = await host.ScheduleAsync("Hasty", "old");
        await gates.ReachedAsync("new");
        await Eventually.TrueAsync(
            async () => await host.Hub.ReadOneAsync<long>("SELECT count(*) FROM messages") == 0, cancellation: TestContext.Current.CancellationToken);
        gates.Open("new");

        Assert.Equal("new", await host.OutputAsync<string>(id));
    }

    [Theory]
    [InlineData(OrchestrationRuntimeStatus.Terminated)]
    [InlineData(OrchestrationRuntimeStatus.Suspended)]
    public async Task An_order_that_comes_with_the_event_that_ends_the_execution_is_obeyed_by_the_next(OrchestrationRuntimeStatus status)
    {
        var hub = database.NewHub();
        await using var host = new HubHost(hub, Register);
        var id = await host.ScheduleAsync("Forever");
        await host.Client.RaiseEventAsync(id, "again");
        await (status == OrchestrationRuntimeStatus.Terminated ? host.Client.TerminateInstanceAsync(id) : host.Client.SuspendInstanceAsync(id));
        await host.Client.RaiseEventAsync(id, "again");

        await host.StartAsync();

        await host.StatusAsync(id, status);

        static void Register(DurableTaskRegistry registry) => registry.AddOrchestratorFunc<string?, int>("Forever", async (context, _) =>
        {
            await context.WaitForExternalEvent<string>("again");
            context.ContinueAsNew();
            return 0;
        });
    }

    [Fact]
    public async Task A_child_that_continues_as_new_answers_its_parent_at_its_end()
    {
        await using var host = await database.StartHostAsync(registry => registry
            .AddOrchestratorFunc<int, int>("Parent", (context, rounds) => context.CallSubOrchestratorAsync<int>("Countdown", rounds))
            .AddOrchestratorFunc<int, int>("Countdown", async (context, left) =>
            {
                await context.CallActivityAsync("Nothing");
                if (left > 0)
                {
                    context.ContinueAsNew(left - 1);
                }

                return left == 0 && context.Parent is not null ? 42 : -1;
            })
            .AddActivityFunc<string?, int>("Nothing", (_, _) => Task.FromResult(0)));

        Assert.Equal(42, await host.OutputAsync<int>("Parent", 20));
    }
}
