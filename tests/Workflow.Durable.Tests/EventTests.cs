using Workflow.Durable.Tests.Hosting;

namespace Workflow.Durable.Tests;

public sealed class EventTests(HubDatabase database) : IClassFixture<HubDatabase>
{
    private static void RegisterCollect(DurableTaskRegistry registry) => registry
        .AddOrchestratorFunc<int, List<int>>("Collect", async (context, count) =>
        {
            var taken = new List<int>();
            while (taken.Count < count)
            {
                taken.Add(await context.WaitForExternalEvent<int>("number"));
            }

            return taken;
        });

    [Fact]
    public async Task Early_events_wait_and_are_taken_in_the_order_they_came_whatever_the_case_of_their_name()
    {
        var hub = database.NewHub();
        await using var host = new HubHost(hub, RegisterCollect);
        var id = await host.ScheduleAsync("Collect", 20);
        for (var i = 0; i < 20; i++)
        {
            await host.Client.RaiseEventAsync(id, i % 2 == 0 ? "number" : "NUMBER", i);
        }

        await host.StartAsync();

        Assert.Equal(Enumerable.Range(0, 20), await host.OutputAsync<List<int>>(id));
    }

    [Fact]
    public async Task Events_of_different_names_do_not_wait_for_each_other()
    {
        await using var host = await database.StartHostAsync(registry => registry
            .AddOrchestratorFunc<string?, string>("Two", async (context, _) =>
            {
                var second = await context.WaitForExternalEvent<string>("second");
                return second + await context.WaitForExternalEvent<string>("first");
            }));
        var id = await host.ScheduleAsync("Two");

        await host.Client.RaiseEventAsync(id, "first", "a");
        await host.Client.RaiseEventAsync(id, "second", "b");

        Assert.Equal("ba", await host.OutputAsync<string>(id));
    }

    [Fact]
    public async Task Those_who_wait_for_one_name_are_served_in_turn_and_a_cancelled_one_takes_nothing()
    {
        await using var host = await database.StartHostAsync(registry => registry
            .AddOrchestratorFunc<string?, string>("Queue", async (context, _) =>
            {
                using var cancel = new CancellationTokenSource();
                var first = context.WaitForExternalEvent<string>("go");
                var cancelled = context.WaitForExternalEvent<string>("go", cancel.Token);
                var last = context.WaitForExternalEvent<string>("go");
                cancel.Cancel();
                return string.Join(',', await first, await last, cancelled.IsCanceled);
            }));
        var id = await host.ScheduleAsync("Queue");

        await host.Client.RaiseEventAsync(id, "go", "one");
        await host.Client.RaiseEventAsync(id, "go", "two");

        Assert.Equal("one,two,True", await host.OutputAsync<string>(id));
    }

    [Fact]
    public async Task A_thousand_at_once_are_each_taken_once()
    {
        await using var host = await database.StartHostAsync(RegisterCollect);
        var id = await host.ScheduleAsync("Collect", 1000);

        await Parallel.ForAsync(0, 1000, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, cancellation) =>
            await host.Client.RaiseEventAsync(id, "number", i, cancellation));

        Assert.Equal(Enumerable.Range(0, 1000), (await host.OutputAsync<List<int>>(id)).Order());
    }

    [Fact]
    public async Task Events_raised_while_activities_come_back_are_each_taken_once_and_in_order()
    {
        await using var host = await database.StartHostAsync(registry => registry
            .AddOrchestratorFunc<int, List<int>>("Busy", async (context, count) =>
            {
                var taken = new List<int>();
                var work = Work();
                while (taken.Count < count)
                {
                    taken.Add(await context.WaitForExternalEvent<int>("number"));
                }

                context.SetCustomStatus("taken");
                await context.WaitForExternalEvent<string>("stop");
                return taken;

                async Task Work()
                {
                    while (true)
                    {
                        await context.CallActivityAsync<int>("Nothing");
                    }
                }
            })
            .AddActivityFunc<string?, int>("Nothing", (_, _) => Task.FromResult(0)));
        var id = await host.ScheduleAsync("Busy", 150);

        for (var i = 0; i < 150; i++)
        {
            await host.Client.RaiseEventAsync(id, "number", i);
        }

        await Testing.Eventually.TrueAsync(async () => (await host.Client.GetInstanceAsync(id))!.SerializedCustomStatus is not null, cancellation: TestContext.Current.CancellationToken);
        await host.Client.RaiseEventAsync(id, "stop");

        Assert.Equal(Enumerable.Range(0, 150), await host.OutputAsync<List<int>>(id));
        Assert.Equal(151, (await host.HistoryAsync(id)).Count(line => line.Type == "EventRaised"));
    }

    [Fact]
    public async Task An_event_for_an_ended_instance_is_dropped()
    {
        await using var host = await database.StartHostAsync(RegisterCollect);
        var ended = await host.RunAsync("Collect", 0);

        await host.Client.RaiseEventAsync(ended.InstanceId, "number", 1);

        Assert.Equal(0, await host.Hub.ReadOneAsync<long>("SELECT count(*) FROM messages"));
        Assert.Equal(ended, await host.Client.GetInstanceAsync(ended.InstanceId) is { } after ? after with { Tags = ended.Tags } : null);
    }

    [Fact]
    public async Task A_missing_instance_is_said_to_be_missing()
    {
        await using var host = await database.StartHostAsync(RegisterCollect);

        var missing = await Assert.ThrowsAsync<InstanceNotFoundException>(() => host.Client.RaiseEventAsync("nobody", "number", 1));
        Assert.Contains("'nobody'", missing.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<InstanceNotFoundException>(() => host.Client.TerminateInstanceAsync("nobody"));
        await Assert.ThrowsAsync<InstanceNotFoundException>(() => host.Client.SuspendInstanceAsync("nobody"));
        await Assert.ThrowsAsync<InstanceNotFoundException>(() => host.Client.ResumeInstanceAsync("nobody"));
        await Assert.ThrowsAsync<InstanceNotFoundException>(() => host.Client.GetOrchestrationHistoryAsync("nobody"));
        await Assert.ThrowsAsync<InstanceNotFoundException>(() => host.Client.WaitForInstanceCompletionAsync("nobody"));
        await Assert.ThrowsAsync<InstanceNotFoundException>(() => host.Client.WaitForInstanceStartAsync("nobody"));
        Assert.Null(await host.Client.GetInstanceAsync("nobody"));
        Assert.Equal(0, await host.Client.PurgeInstanceAsync("nobody"));
    }

    [Fact]
    public async Task Instances_talk_to_each_other_and_to_themselves()
    {
        await using var host = await database.StartHostAsync(registry => registry
            .AddOrchestratorFunc<string, string>("Ping", async (context, other) =>
            {
                for (var i = 0; i < 10; i++)
                {
                    context.SendEvent(other, "ball", i);
                    Assert.Equal(i, await context.WaitForExternalEvent<int>("ball"));
                }

                context.SendEvent("nobody", "ball", "lost");
                context.SendEvent(context.InstanceId, "note", "to self");
                return await context.WaitForExternalEvent<string>("note");
            })
            .AddOrchestratorFunc<string, int>("Pong", async (context, other) =>
            {
                for (var i = 0; i < 10; i++)
                {
                    context.SendEvent(other, "ball", await context.WaitForExternalEvent<int>("ball"));
                }

                return 10;
            }));

        await host.ScheduleAsync("Pong", "ping", "pong");
        await host.ScheduleAsync("Ping", "pong", "ping");

        Assert.Equal("to self", await host.OutputAsync<string>("ping"));
        Assert.Equal(10, await host.OutputAsync<int>("pong"));
    }

    [Fact]
    public async Task A_payload_of_another_type_fails_the_wait()
    {
        await using var host = await database.StartHostAsync(RegisterCollect);
        var id = await host.ScheduleAsync("Collect", 1);

        await host.Client.RaiseEventAsync(id, "number", "no number");

        Assert.Contains("'number' returned is not a Int32", (await host.FailureOfAsync(id)).ErrorMessage, StringComparison.Ordinal);
    }
}
