using System.Collections.Concurrent;
using Workflow.Durable;
using Kind = Workflow.Durable.Protocol.HistoryEvent.EventTypeOneofCase;

namespace Workflow.App.Tests.Functions;

/// <summary>Whole orchestrations whose turns and activities the host asks for, one after the other.</summary>
public sealed class TurnTests
{
    private readonly ConcurrentQueue<TaskActivityContext> _attempts = new();

    [Fact]
    public async Task Steps_follow_each_other_and_each_turn_begins_anew()
    {
        await using var host = await StartAsync(registry => registry.AddOrchestratorFunc<int, decimal>("sum", async (context, count) =>
        {
            var sum = 0m;
            for (var index = 1; index <= count; index++)
            {
                sum += await context.CallActivityAsync<decimal>("half", index);
                context.SetCustomStatus(new { done = index });
            }

            return sum;
        }).AddActivityFunc<decimal, decimal>("half", (_, value) => Task.FromResult(value / 2)));

        var ended = await host.Engine.RunAsync("sum", 3);

        Assert.Equal(3.0m, ended.Read<decimal>());
        Assert.Equal("""{"done":3}""", ended.CustomStatus);
        Assert.Equal(4, host.Engine.Turns);
    }

    [Fact]
    public async Task Values_come_through_as_they_were_written()
    {
        // Each of these would be another one after somebody on the way had read it as a number, a date or bytes.
        Values given = new(0.1234567890123456789012345678m, "2025-01-31T00:00:00.1200000Z", "QUJD", "\"quoted\" \\ \u0001 ü 😀", new string('x', 300_000));
        await using var host = await StartAsync(registry => registry
            .AddOrchestratorFunc<Values, Values>("echo", (context, values) => context.CallActivityAsync<Values>("same", values))
            .AddActivityFunc<Values, Values>("same", (_, values) => Task.FromResult(values)));

        Assert.Equal(given, (await host.Engine.RunAsync("echo", given)).Read<Values>());
    }

    [Fact]
    public async Task Nothing_is_a_value_too()
    {
        await using var host = await StartAsync(registry => registry
            .AddOrchestratorFunc<string?, string?>("nothing", (context, input) => context.CallActivityAsync<string?>("same", input))
            .AddActivityFunc<string?, string?>("same", (_, input) => Task.FromResult(input)));

        Assert.Null((await host.Engine.RunAsync("nothing")).Read<string>());
    }

    [Fact]
    public async Task Fifty_activities_run_at_once_each_with_a_key_of_its_own_and_their_results_keep_their_places()
    {
        var (left, all) = (50, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        await using var host = await StartAsync(registry => registry
            .AddOrchestratorFunc<int, int[]>("fan-out", (context, count) => Task.WhenAll(Enumerable.Range(0, count).Select(index => context.CallActivityAsync<int>("square", index))))
            .AddActivityFunc<int, int>("square", async (context, value) =>
            {
                _attempts.Enqueue(context);
                if (Interlocked.Decrement(ref left) == 0)
                {
                    all.SetResult();
                }

                await all.Task.WaitAsync(context.CancellationToken);
                return value * value;
            }));

        var ended = await host.Engine.RunAsync("fan-out", 50);

        Assert.Equal(Enumerable.Range(0, 50).Select(index => index * index), ended.Read<int[]>()!);
        Assert.Equal(50, _attempts.Select(attempt => attempt.IdempotencyKey).Distinct().Count());
    }

    [Fact]
    public async Task Retries_wait_by_durable_timers_and_every_attempt_has_the_key_of_the_first()
    {
        await using var host = await StartFlakyAsync(new RetryPolicy(4, TimeSpan.FromHours(1), backoffCoefficient: 2, maxRetryInterval: TimeSpan.FromDays(1)), attempt => attempt < 4 ? new IOException($"attempt {attempt}") : null);
        var begun = host.Engine.Now;

        var ended = await host.Engine.RunAsync("try", id: "tries");

        Assert.Equal(4, ended.Read<int>());
        Assert.Equal(["tries/1 1", "tries/1 2", "tries/1 3", "tries/1 4"], _attempts.Select(attempt => $"{attempt.IdempotencyKey} {attempt.Attempt}"));
        Assert.All(_attempts, attempt => Assert.Equal("tries", attempt.InstanceId));
        Assert.Equal(TimeSpan.FromHours(1 + 2 + 4), host.Engine.Now - begun);
    }

    [Fact]
    public async Task A_failure_comes_through_with_its_type_message_stack_and_cause()
    {
        await using var host = await StartFlakyAsync(new RetryPolicy(2, TimeSpan.Zero), _ => new InvalidOperationException("outer", new IOException("inner")));

        var failure = (await host.Engine.RunAsync("try")).Failure;

        Assert.Equal(typeof(TaskFailedException).FullName, failure.ErrorType);
        var step = failure.InnerFailure!;
        Assert.True(step.IsCausedBy<InvalidOperationException>());
        Assert.Equal("outer", step.ErrorMessage);
        Assert.Contains(nameof(TurnTests), step.StackTrace, StringComparison.Ordinal);
        Assert.Equal((typeof(IOException).FullName, "inner"), (step.InnerFailure!.ErrorType, step.InnerFailure.ErrorMessage));
        Assert.Equal(2, _attempts.Count);
    }

    [Fact]
    public async Task What_no_retry_can_mend_is_not_tried_again()
    {
        await using var host = await StartFlakyAsync(new RetryPolicy(5, TimeSpan.Zero), _ => new NonRetriableException("bad input"));

        var ended = await host.Engine.RunAsync("try");

        Assert.Equal(OrchestrationRuntimeStatus.Failed, ended.Status);
        Assert.True(ended.Failure.InnerFailure!.IsNonRetriable);
        Assert.Single(_attempts);
    }

    [Fact]
    public async Task A_long_wait_is_made_of_timers_that_the_storage_can_hold()
    {
        await using var host = await StartAsync(registry => registry.AddOrchestratorFunc<string?, DateTime>("wait", async (context, _) =>
        {
            await context.CreateTimer(TimeSpan.FromDays(20), CancellationToken.None);
            return context.CurrentUtcDateTime;
        }));
        var begun = host.Engine.Now;

        var ended = await host.Engine.RunAsync("wait");

        Assert.Equal(begun.AddDays(20), ended.Read<DateTime>());
        Assert.Equal(7, ended.Count(Kind.TimerCreated));
    }

    [Fact]
    public async Task Sub_orchestrations_answer_and_fail_as_steps_do()
    {
        await using var host = await StartAsync(registry => registry
            .AddOrchestratorFunc<string?, string>("parent", async (context, _) =>
            {
                var good = await context.CallSubOrchestratorAsync<string>("child", "good");
                try
                {
                    return await context.CallSubOrchestratorAsync<string>("child", "bad");
                }
                catch (TaskFailedException failed)
                {
                    return $"{good}, {failed.FailureDetails.ErrorType}: {failed.FailureDetails.ErrorMessage}";
                }
            })
            .AddOrchestratorFunc<string, string>("child", (context, input) => input == "good" ? Task.FromResult($"child of {context.Parent!.Name}") : throw new InvalidDataException("no")));

        Assert.Equal("child of parent, System.IO.InvalidDataException: no", (await host.Engine.RunAsync("parent")).Read<string>());
    }

    [Fact]
    public async Task A_sub_orchestration_whose_id_is_taken_fails_instead_of_being_waited_for_for_ever()
    {
        await using var host = await StartAsync(registry => registry
            .AddOrchestratorFunc<string?, bool>("parent", async (context, _) =>
            {
                try
                {
                    return await context.CallSubOrchestratorAsync<bool>("child", null, new SubOrchestrationOptions(InstanceId: "taken"));
                }
                catch (TaskFailedException failed)
                {
                    return failed.FailureDetails.IsCausedBy<OrchestrationAlreadyExistsException>();
                }
            })
            .AddOrchestratorFunc<string?, bool>("child", async (context, _) => !await context.WaitForExternalEvent<bool>("go")));
        var child = host.Engine.Start("child", null, "taken");
        await host.Engine.SettleAsync();

        Assert.True((await host.Engine.RunAsync("parent")).Read<bool>());

        // Once it has ended the id is free again.
        await host.Client.RaiseEventAsync("taken", "go", true, TestContext.Current.CancellationToken);
        await host.Engine.FinishAsync(child);
        var parent = host.Engine.Start("parent", null, "again");
        await host.Engine.SettleAsync();
        await host.Client.RaiseEventAsync("taken", "go", true, TestContext.Current.CancellationToken);
        Assert.False((await host.Engine.FinishAsync(parent)).Read<bool>());
    }

    [Fact]
    public async Task Events_that_come_early_are_carried_into_the_next_execution()
    {
        await using var host = await StartAsync(registry => registry.AddOrchestratorFunc<int, int>("count", async (context, sum) =>
        {
            var add = await context.WaitForExternalEvent<int>("add");
            if (add > 0)
            {
                context.ContinueAsNew(sum + add);
            }

            return sum;
        }));
        var instance = host.Engine.Start("count", "0", "counter");
        foreach (var add in new[] { 1, 2, 3, 0 })
        {
            await host.Client.RaiseEventAsync("counter", "add", add, TestContext.Current.CancellationToken);
        }

        Assert.Equal(6, (await host.Engine.FinishAsync(instance)).Read<int>());
    }

    [Fact]
    public async Task A_suspended_instance_holds_back_what_comes_in_until_it_is_resumed()
    {
        await using var host = await StartAsync(registry => registry.AddOrchestratorFunc<string?, string>("wait", (context, _) => context.WaitForExternalEvent<string>("go")));
        var instance = host.Engine.Start("wait", null, "held");
        await host.Engine.SettleAsync();

        await host.Client.SuspendInstanceAsync("held", "maintenance", TestContext.Current.CancellationToken);
        await host.Engine.SettleAsync();
        await host.Client.RaiseEventAsync("held", "go", "went", TestContext.Current.CancellationToken);
        await host.Engine.SettleAsync();
        Assert.Equal(OrchestrationRuntimeStatus.Suspended, instance.Status);

        await host.Client.ResumeInstanceAsync("held", null, TestContext.Current.CancellationToken);
        Assert.Equal("went", (await host.Engine.FinishAsync(instance)).Read<string>());
    }

    [Fact]
    public async Task A_terminated_instance_ends_with_the_reason()
    {
        await using var host = await StartAsync(registry => registry.AddOrchestratorFunc<string?, string>("wait", (context, _) => context.WaitForExternalEvent<string>("go")));
        var instance = host.Engine.Start("wait", null, "ends");
        await host.Engine.SettleAsync();

        await host.Client.TerminateInstanceAsync("ends", "enough & more", cancellation: TestContext.Current.CancellationToken);
        await host.Engine.FinishAsync(instance);

        Assert.Equal((OrchestrationRuntimeStatus.Terminated, "enough & more"), (instance.Status, instance.Output));
    }

    [Fact]
    public async Task A_termination_that_comes_with_a_new_execution_ends_the_instance()
    {
        await using var host = await StartAsync(registry => registry.AddOrchestratorFunc<int, int>("again", async (context, turn) =>
        {
            await context.WaitForExternalEvent<int>("go");
            context.ContinueAsNew(turn + 1);
            return turn;
        }));
        var instance = host.Engine.Start("again", "0", "both");
        await host.Engine.SettleAsync();

        await host.Client.RaiseEventAsync("both", "go", 1, TestContext.Current.CancellationToken);
        await host.Client.TerminateInstanceAsync("both", "stop", cancellation: TestContext.Current.CancellationToken);

        await host.Engine.FinishAsync(instance);
        Assert.Equal((OrchestrationRuntimeStatus.Terminated, "stop"), (instance.Status, instance.Output));
    }

    [Fact]
    public async Task Instances_send_each_other_events()
    {
        await using var host = await StartAsync(registry => registry
            .AddOrchestratorFunc<string?, string>("wait", (context, _) => context.WaitForExternalEvent<string>("go"))
            .AddOrchestratorFunc<string, bool>("send", (context, to) =>
            {
                context.SendEvent(to, "go", "sent");
                return Task.FromResult(true);
            }));
        var waiting = host.Engine.Start("wait", null, "waits");

        await host.Engine.RunAsync("send", "waits");

        Assert.Equal("sent", (await host.Engine.FinishAsync(waiting)).Read<string>());
    }

    [Fact]
    public async Task Code_that_does_not_match_its_history_fails_the_instance_with_the_step_named()
    {
        var calls = "first";
        await using var host = await StartAsync(registry => registry
            .AddOrchestratorFunc<string?, int>("changed", async (context, _) =>
            {
                var name = calls;
                await context.CallActivityAsync<int>(name);
                return await context.CallActivityAsync<int>("second");
            })
            .AddActivityFunc<string?, int>("first", (_, _) =>
            {
                calls = "second";
                return Task.FromResult(1);
            })
            .AddActivityFunc<string?, int>("second", (_, _) => Task.FromResult(2)));

        var ended = await host.Engine.RunAsync("changed");

        Assert.True(ended.Failure.IsCausedBy<NonDeterministicOrchestrationException>());
        Assert.Contains("step 0 is activity 'first' in history, but the code now asks for activity 'second'", ended.Failure.ErrorMessage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Waiting_for_what_is_not_in_history_fails_the_instance()
    {
        await using var host = await StartAsync(registry => registry.AddOrchestratorFunc<string?, int>("strays", async (_, _) =>
        {
            await new TaskCompletionSource().Task;
            return 1;
        }));

        Assert.Contains("not in its history", (await host.Engine.RunAsync("strays")).Failure.ErrorMessage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Guids_are_the_same_in_every_turn()
    {
        await using var host = await StartAsync(registry => registry
            .AddOrchestratorFunc<string?, bool>("guids", async (context, _) =>
            {
                var guid = context.NewGuid();
                return guid == await context.CallActivityAsync<Guid>("same", guid);
            })
            .AddActivityFunc<Guid, Guid>("same", (_, guid) => Task.FromResult(guid)));

        Assert.True((await host.Engine.RunAsync("guids")).Read<bool>());
    }

    private static Task<HandlerHost> StartAsync(Action<DurableTaskRegistry> register) => HandlerHost.StartAsync(register);

    private Task<HandlerHost> StartFlakyAsync(RetryPolicy policy, Func<int, Exception?> fail) => StartAsync(registry => registry
        .AddOrchestratorFunc<string?, int>("try", async (context, _) =>
        {
            await context.CallActivityAsync("other");
            return await context.CallActivityAsync<int>("flaky", null, new TaskOptions(policy));
        })
        .AddActivityFunc<string?, int>("other", (_, _) => Task.FromResult(0))
        .AddActivityFunc<string?, int>("flaky", (context, _) =>
        {
            _attempts.Enqueue(context);
            return fail(_attempts.Count) is { } failure ? throw failure : Task.FromResult(_attempts.Count);
        }));

    private sealed record Values(decimal Number, string Time, string Bytes, string Text, string Long);
}
