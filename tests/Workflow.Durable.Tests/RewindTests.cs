using System.Collections.Concurrent;
using Workflow.Durable.Tests.Hosting;
using Workflow.Testing;

namespace Workflow.Durable.Tests;

/// <summary>Failed instances that go on from the step that failed them.</summary>
public sealed class RewindTests(HubDatabase database) : IClassFixture<HubDatabase>
{
    private readonly Workshop _work = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private Task<HubHost> StartAsync(Func<TaskOrchestrationContext, Task<string>> run, Action<DurableTaskRegistry>? more = null) => database.StartHostAsync(
        registry =>
        {
            _work.Register(registry);
            registry.AddOrchestratorFunc<string?, string>("Code", (context, _) => run(context));
            more?.Invoke(registry);
        },
        options => options.MaxCachedOrchestrators = 0);

    private static Task<string> DoAsync(TaskOrchestrationContext context, string what, TaskOptions? options = null) => context.CallActivityAsync<string>("Do", what, options);

    [Fact]
    public async Task The_step_that_failed_is_done_again_and_what_succeeded_is_kept()
    {
        _work.Break("second");
        await using var host = await StartAsync(async context => $"{await DoAsync(context, "first")} {await DoAsync(context, "second")} {await DoAsync(context, "third")}");
        var id = await host.ScheduleAsync("Code");
        await host.FailureOfAsync(id);
        _work.Mend("second");

        await host.Client.RewindInstanceAsync(id, "the source is back", Cancellation);

        Assert.Equal("first second third", await host.OutputAsync<string>(id));
        Assert.Equal(["first", "second", "second", "third"], _work.Done);
        Assert.Equal([$"{id}/1 1", $"{id}/1 2"], _work.Attempts("second"));
    }

    [Fact]
    public async Task History_shows_what_was_taken_back_and_why()
    {
        _work.Break("second");
        await using var host = await StartAsync(async context => $"{await DoAsync(context, "first")} {await DoAsync(context, "second")}");
        var id = await host.ScheduleAsync("Code");
        await host.FailureOfAsync(id);
        _work.Mend("second");

        await host.Client.RewindInstanceAsync(id, "the source is back", Cancellation);
        await host.EndAsync(id);

        var history = await host.HistoryAsync(id);
        Assert.Equal(
            ["Rewound: TaskFailed 1: second is broken", "Rewound: ExecutionCompleted Failed: Step 1 'Do' failed: second is broken"],
            history.Where(line => line.Type == "GenericEvent").Select(line => line.Data));
        Assert.Equal("the source is back", Assert.Single(history, line => line.Type == "ExecutionRewound").Data);
        Assert.Equal(1, history.Count(line => line.Type == "TaskCompleted" && line.TaskId == 1));
    }

    [Fact]
    public async Task What_the_code_did_after_it_heard_of_the_failure_is_taken_back_and_done_again()
    {
        _work.Break("load");
        await using var host = await StartAsync(async context =>
        {
            await DoAsync(context, "find");
            try
            {
                await DoAsync(context, "load");
            }
            catch (TaskFailedException failed)
            {
                context.SetCustomStatus("failed");
                await DoAsync(context, $"report {failed.TaskName} {context.NewGuid()}");
                throw;
            }

            return await DoAsync(context, "publish");
        });
        var id = await host.ScheduleAsync("Code");
        await host.FailureOfAsync(id);

        await host.Client.RewindInstanceAsync(id, cancellation: Cancellation);
        await host.FailureOfAsync(id);
        _work.Mend("load");
        await host.Client.RewindInstanceAsync(id, cancellation: Cancellation);

        Assert.Equal("publish", await host.OutputAsync<string>(id));
        Assert.Equal(["find", "load", "report", "load", "report", "load", "publish"], _work.Done.Select(what => what.Split(' ')[0]));
        Assert.Equal(2, _work.Done.Where(what => what.StartsWith("report", StringComparison.Ordinal)).Distinct().Count());  // each report is another
        Assert.Null((await host.Client.GetInstanceAsync(id))!.SerializedCustomStatus);
        Assert.Equal(_work.Keys.Distinct().Count(), _work.Keys.Count - 2);  // no two steps share a key; load has been done three times
    }

    [Fact]
    public async Task A_failure_that_the_code_got_over_stays_one()
    {
        _work.Break("fast");
        _work.Break("check");
        await using var host = await StartAsync(async context =>
        {
            string way;
            try
            {
                way = await DoAsync(context, "fast");
            }
            catch (TaskFailedException)
            {
                way = await DoAsync(context, "slow");
            }

            return $"{way} {await DoAsync(context, "check")}";
        });
        var id = await host.ScheduleAsync("Code");
        await host.FailureOfAsync(id);
        _work.Mend("fast");
        _work.Mend("check");

        await host.Client.RewindInstanceAsync(id, cancellation: Cancellation);

        Assert.Equal("slow check", await host.OutputAsync<string>(id));
        Assert.Equal(["fast", "slow", "check", "check"], _work.Done);
    }

    [Fact]
    public async Task All_failures_of_a_fan_out_are_done_again_and_nothing_else()
    {
        foreach (var broken in new[] { "3b", "7a", "8b" })
        {
            _work.Break(broken);
        }

        await using var host = await StartAsync(async context => string.Join(' ', await Task.WhenAll(Enumerable.Range(0, 10).Select(async i =>
        {
            await DoAsync(context, $"{i}a");
            return await DoAsync(context, $"{i}b");
        }))));
        var id = await host.ScheduleAsync("Code");
        await host.FailureOfAsync(id);
        _work.MendAll();

        await host.Client.RewindInstanceAsync(id, cancellation: Cancellation);

        Assert.Equal(string.Join(' ', Enumerable.Range(0, 10).Select(i => $"{i}b")), await host.OutputAsync<string>(id));
        Assert.Equal(20 + 3, _work.Done.Count);
        Assert.Equal(["3b", "7a", "8b"], _work.Done.GroupBy(what => what).Where(group => group.Count() > 1).Select(group => group.Key).Order());
    }

    [Fact]
    public async Task What_other_lanes_did_after_a_failure_that_was_caught_is_kept()
    {
        _work.Break("item 1");
        await using var host = await StartAsync(async context =>
        {
            var next = 0;
            var failures = 0;
            await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => LaneAsync()));
            return failures == 0 ? "all" : throw new InvalidDataException($"{failures} failed");

            async Task LaneAsync()
            {
                while (next < 6)
                {
                    var item = next++;
                    try
                    {
                        await DoAsync(context, $"item {item}");
                        await DoAsync(context, $"after {item}");
                    }
                    catch (TaskFailedException)
                    {
                        failures++;
                    }
                }
            }
        });
        var id = await host.ScheduleAsync("Code");
        Assert.Equal("1 failed", (await host.FailureOfAsync(id)).ErrorMessage);
        _work.MendAll();

        await host.Client.RewindInstanceAsync(id, cancellation: Cancellation);

        Assert.Equal("all", await host.OutputAsync<string>(id));
        Assert.Equal(["item 1"], _work.Done.GroupBy(what => what).Where(group => group.Count() > 1).Select(group => group.Key));
    }

    [Fact]
    public async Task A_retry_policy_begins_anew_under_the_same_key()
    {
        _work.Break("flaky");
        await using var host = await StartAsync(context => DoAsync(context, "flaky", new TaskOptions(new RetryPolicy(3, TimeSpan.FromMilliseconds(1)))));
        var id = await host.ScheduleAsync("Code");
        await host.FailureOfAsync(id);

        await host.Client.RewindInstanceAsync(id, cancellation: Cancellation);
        await host.FailureOfAsync(id);
        _work.MendAll();
        await host.Client.RewindInstanceAsync(id, cancellation: Cancellation);

        Assert.Equal("flaky", await host.OutputAsync<string>(id));
        Assert.Equal(7, _work.Done.Count);
        Assert.Equal($"{id}/0", Assert.Single(_work.Keys.Distinct()));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("the child")]
    public async Task Rewinding_a_parent_rewinds_the_children_that_failed_it(string? childId)
    {
        _work.Break("leaf 2");
        await using var host = await StartAsync(
            async context => string.Join(' ', await Task.WhenAll(Enumerable.Range(1, 3).Select(i => context.CallSubOrchestratorAsync<string>(
                "Middle", i, new SubOrchestrationOptions(new RetryPolicy(2, TimeSpan.Zero), InstanceId: childId is null ? null : $"{childId} {i}"))))),
            registry => registry
                .AddOrchestratorFunc<int, string>("Middle", (context, i) => context.CallSubOrchestratorAsync<string>("Leaf", i))
                .AddOrchestratorFunc<int, string>("Leaf", async (context, i) => $"{await DoAsync(context, $"twig {i}")} {await DoAsync(context, $"leaf {i}")}"));
        var id = await host.ScheduleAsync("Code");
        await host.FailureOfAsync(id);
        var before = _work.Done.Count;
        _work.MendAll();

        await host.Client.RewindInstanceAsync(id, cancellation: Cancellation);

        Assert.Equal("twig 1 leaf 1 twig 2 leaf 2 twig 3 leaf 3", await host.OutputAsync<string>(id));
        Assert.Equal(["leaf 2"], _work.Done.Skip(before));
    }

    [Fact]
    public async Task A_child_that_was_terminated_or_is_gone_is_started_anew_and_one_that_has_completed_since_is_heard()
    {
        var gates = new Gates();
        await using var host = await StartAsync(
            async context =>
            {
                var slow = context.CallSubOrchestratorAsync<string>("Slow", null, new SubOrchestrationOptions(InstanceId: "slow"));
                var gone = context.CallSubOrchestratorAsync<string>("Waits", null, new SubOrchestrationOptions(InstanceId: "gone"));
                return $"{await gone} {await slow}";
            },
            registry =>
            {
                gates.Register(registry);
                registry.AddOrchestratorFunc<string?, string>("Slow", (context, _) => context.CallActivityAsync<string>("Gate", "slow"))
                    .AddOrchestratorFunc<string?, string>("Waits", (context, _) => context.WaitForExternalEvent<string>("go"));
            });
        var id = await host.ScheduleAsync("Code");
        await gates.ReachedAsync("slow");
        await host.StatusAsync("gone", OrchestrationRuntimeStatus.Running);
        await host.Client.TerminateInstanceAsync("gone", cancellation: Cancellation);
        await host.FailureOfAsync(id);
        gates.Open("slow");
        await host.EndAsync("slow");

        await host.Client.RewindInstanceAsync(id, cancellation: Cancellation);
        await host.StatusAsync("gone", OrchestrationRuntimeStatus.Running);
        await host.Client.RaiseEventAsync("gone", "go", "came", Cancellation);

        Assert.Equal("came slow", await host.OutputAsync<string>(id));
    }

    [Fact]
    public async Task The_execution_that_failed_is_the_one_that_goes_on_after_a_continue_as_new()
    {
        _work.Break("round 2");
        await using var host = await database.StartHostAsync(registry =>
        {
            _work.Register(registry);
            registry.AddOrchestratorFunc<int, string>("Rounds", async (context, round) =>
            {
                var done = $"{await DoAsync(context, $"round {round}")} {await DoAsync(context, $"end {round}")}";
                if (round < 3)
                {
                    context.ContinueAsNew(round + 1);
                }

                return done;
            });
        });
        var id = await host.ScheduleAsync("Rounds", 0);
        await host.FailureOfAsync(id);
        _work.MendAll();

        await host.Client.RewindInstanceAsync(id, cancellation: Cancellation);

        Assert.Equal("round 3 end 3", await host.OutputAsync<string>(id));
        Assert.Equal(["round 2"], _work.Done.GroupBy(what => what).Where(group => group.Count() > 1).Select(group => group.Key));
    }

    [Fact]
    public async Task Where_the_code_itself_failed_it_fails_again_until_it_is_changed()
    {
        var isWrong = true;
        await using var host = await StartAsync(async context =>
        {
            var found = await DoAsync(context, "find");
            return isWrong ? throw new InvalidDataException("nothing to load") : $"{found} {await DoAsync(context, "load")}";
        });
        var id = await host.ScheduleAsync("Code");
        await host.FailureOfAsync(id);

        await host.Client.RewindInstanceAsync(id, cancellation: Cancellation);
        Assert.Equal("nothing to load", (await host.FailureOfAsync(id)).ErrorMessage);
        isWrong = false;
        await host.Client.RewindInstanceAsync(id, cancellation: Cancellation);

        Assert.Equal("find load", await host.OutputAsync<string>(id));
        Assert.Equal(["find", "load"], _work.Done);
    }

    [Fact]
    public async Task Timers_and_events_of_the_time_before_go_on()
    {
        _work.Break("load");
        await using var host = await StartAsync(async context =>
        {
            var pause = context.CreateTimer(TimeSpan.FromMilliseconds(300), CancellationToken.None);
            var told = context.WaitForExternalEvent<string>("told");
            var later = context.WaitForExternalEvent<string>("later");
            await told;
            var loaded = await DoAsync(context, "load");
            await pause;
            return $"{loaded} {await told} {await later}";
        });
        var id = await host.ScheduleAsync("Code");
        await host.Client.RaiseEventAsync(id, "told", "yes", Cancellation);
        await host.FailureOfAsync(id);
        _work.MendAll();

        await host.Client.RewindInstanceAsync(id, cancellation: Cancellation);
        await host.Client.RaiseEventAsync(id, "later", "too", Cancellation);

        Assert.Equal("load yes too", await host.OutputAsync<string>(id));
    }

    [Fact]
    public async Task Only_a_failed_instance_is_rewound_and_only_once()
    {
        _work.Break("load");
        await using var host = await StartAsync(async context => $"{await context.WaitForExternalEvent<string>("go")} {await DoAsync(context, "load")}");
        await Assert.ThrowsAsync<InstanceNotFoundException>(() => host.Client.RewindInstanceAsync("nobody", cancellation: Cancellation));
        var id = await host.ScheduleAsync("Code");
        await host.StatusAsync(id, OrchestrationRuntimeStatus.Running);
        Assert.Contains("is Running; only one that has failed", (await RefusalAsync(id)).Message, StringComparison.Ordinal);
        await host.Client.RaiseEventAsync(id, "go", "go", Cancellation);
        await host.FailureOfAsync(id);
        _work.MendAll();

        var rewinds = await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            try
            {
                await host.Client.RewindInstanceAsync(id, cancellation: Cancellation);
                return 1;
            }
            catch (OrchestrationNotFailedException)
            {
                return 0;
            }
        }));

        Assert.Equal(1, rewinds.Sum());
        Assert.Equal("go load", await host.OutputAsync<string>(id));
        Assert.Contains("is Completed", (await RefusalAsync(id)).Message, StringComparison.Ordinal);
        Assert.Equal(["load", "load"], _work.Done);

        Task<OrchestrationNotFailedException> RefusalAsync(string instance) =>
            Assert.ThrowsAsync<OrchestrationNotFailedException>(() => host.Client.RewindInstanceAsync(instance, cancellation: Cancellation));
    }

    [Fact]
    public async Task A_rewound_instance_is_replayed_like_any_other()
    {
        _work.Break("load");
        var hub = database.NewHub();
        void Register(DurableTaskRegistry registry)
        {
            _work.Register(registry);
            registry.AddOrchestratorFunc<string?, string>("Code", async (context, _) =>
            {
                try
                {
                    await DoAsync(context, "load");
                }
                catch (TaskFailedException)
                {
                    await DoAsync(context, "report");
                    throw;
                }

                await DoAsync(context, "after");
                context.SetCustomStatus("waits");
                return $"{await context.WaitForExternalEvent<string>("go")} {await DoAsync(context, "end")}";
            });
        }

        string id;
        await using (var first = await hub.StartHostAsync(Register))
        {
            id = await first.ScheduleAsync("Code");
            await first.FailureOfAsync(id);
            _work.MendAll();
            await first.Client.RewindInstanceAsync(id, cancellation: Cancellation);
            await Eventually.TrueAsync(async () => (await first.Client.GetInstanceAsync(id, cancellation: Cancellation))?.SerializedCustomStatus is not null, cancellation: Cancellation);
        }

        await using var second = await hub.StartHostAsync(Register);
        await second.Client.RaiseEventAsync(id, "go", "gone", Cancellation);

        Assert.Equal("gone end", await second.OutputAsync<string>(id));
        Assert.Equal(["load", "report", "load", "after", "end"], _work.Done);
    }

    /// <summary>The activity <c>Do</c>, which does what it is given unless that is broken.</summary>
    private sealed class Workshop
    {
        private readonly ConcurrentDictionary<string, byte> _broken = new();
        private readonly ConcurrentQueue<(string What, string Key, int Attempt)> _done = new();

        public IReadOnlyList<string> Done => [.. _done.Select(done => done.What)];

        public IReadOnlyList<string> Keys => [.. _done.Select(done => done.Key)];

        public IEnumerable<string> Attempts(string what) => _done.Where(done => done.What == what).Select(done => $"{done.Key} {done.Attempt}");

        public void Break(string what) => _broken[what] = 0;

        public void Mend(string what) => _broken.TryRemove(what, out _);

        public void MendAll() => _broken.Clear();

        public void Register(DurableTaskRegistry registry) => registry.AddActivityFunc<string, string>("Do", (context, what) =>
        {
            _done.Enqueue((what, context.IdempotencyKey, context.Attempt));
            return _broken.ContainsKey(what) ? throw new IOException($"{what} is broken") : Task.FromResult(what);
        });
    }
}
