using Workflow.Durable.Tests.Hosting;

namespace Workflow.Durable.Tests;

/// <summary>Orchestrators that changed while they ran, or that wait for what no history holds, on real hosts.</summary>
public sealed class DeterminismTests(HubDatabase database) : IClassFixture<HubDatabase>
{
    private static Action<DurableTaskRegistry> Code(Func<TaskOrchestrationContext, Task> run) => registry => registry
        .AddOrchestratorFunc<string?, int>("Code", async (context, _) =>
        {
            await run(context);
            return 0;
        })
        .AddActivityFunc<string?, int>("A", (_, _) => Task.FromResult(1))
        .AddActivityFunc<string?, int>("B", (_, _) => Task.FromResult(2))
        .AddActivityFunc<string?, int>("Slow", async (context, _) =>
        {
            await Task.Delay(TimeSpan.FromMinutes(1), TimeProvider.System, context.CancellationToken);
            return 3;
        });

    private static async Task OriginalAsync(TaskOrchestrationContext context)
    {
        await context.CallActivityAsync("A");
        await context.WaitForExternalEvent<string>("go");
        await context.CallActivityAsync("B");
        await context.WaitForExternalEvent<string>("go");
    }

    /// <summary>The instance stands at its second wait when its code changes.</summary>
    private async Task<TaskFailureDetails> FailureAfterAsync(Func<TaskOrchestrationContext, Task> changed)
    {
        var hub = database.NewHub();
        string id;
        await using (var before = await hub.StartHostAsync(Code(OriginalAsync)))
        {
            id = await before.ScheduleAsync("Code");
            await before.HistoryHoldsAsync(id, "TaskCompleted");
            await before.Client.RaiseEventAsync(id, "go");
            await before.HistoryHoldsAsync(id, "TaskCompleted", 2);
        }

        await using var after = await hub.StartHostAsync(Code(changed));
        await after.Client.RaiseEventAsync(id, "go");
        var failure = await after.FailureOfAsync(id);
        Assert.True(failure.IsCausedBy<NonDeterministicOrchestrationException>(), failure.ToString());
        Assert.Equal(2, (await after.HistoryAsync(id)).Count(line => line.Type == "TaskScheduled"));
        return failure;
    }

    [Fact]
    public async Task Another_activity_is_caught() => Assert.Contains(
        "step 1 is activity 'B' in history, but the code now asks for activity 'A'",
        (await FailureAfterAsync(async context =>
        {
            await context.CallActivityAsync("A");
            await context.WaitForExternalEvent<string>("go");
            await context.CallActivityAsync("A");
            await context.WaitForExternalEvent<string>("go");
        })).ErrorMessage,
        StringComparison.Ordinal);

    [Fact]
    public async Task An_extra_step_is_caught_and_not_done() => Assert.Contains(
        "step 1 is activity 'Slow' in the code, but history holds no step there",
        (await FailureAfterAsync(async context =>
        {
            await context.CallActivityAsync("A");
            await context.CallActivityAsync("Slow");
            await context.WaitForExternalEvent<string>("go");
            await context.CallActivityAsync("B");
            await context.WaitForExternalEvent<string>("go");
        })).ErrorMessage,
        StringComparison.Ordinal);

    [Fact]
    public async Task A_missing_step_is_caught() => Assert.Contains(
        "step 1 is activity 'B' in history, but the code no longer asks for a step there",
        (await FailureAfterAsync(async context =>
        {
            await context.CallActivityAsync("A");
            await context.WaitForExternalEvent<string>("go");
            await context.WaitForExternalEvent<string>("go");
        })).ErrorMessage,
        StringComparison.Ordinal);

    [Fact]
    public async Task Another_order_is_caught() => Assert.Contains(
        "step 0 is activity 'A' in history, but the code now asks for activity 'B'",
        (await FailureAfterAsync(async context =>
        {
            await context.CallActivityAsync("B");
            await context.WaitForExternalEvent<string>("go");
            await context.CallActivityAsync("A");
            await context.WaitForExternalEvent<string>("go");
        })).ErrorMessage,
        StringComparison.Ordinal);

    [Fact]
    public async Task Unchanged_code_goes_on_on_another_host()
    {
        var hub = database.NewHub();
        string id;
        await using (var before = await hub.StartHostAsync(Code(OriginalAsync)))
        {
            id = await before.ScheduleAsync("Code");
            await before.HistoryHoldsAsync(id, "TaskCompleted");
            await before.Client.RaiseEventAsync(id, "go");
            await before.HistoryHoldsAsync(id, "TaskCompleted", 2);
        }

        await using var after = await hub.StartHostAsync(Code(OriginalAsync));
        await after.Client.RaiseEventAsync(id, "go");

        Assert.Equal(OrchestrationRuntimeStatus.Completed, (await after.EndAsync(id)).RuntimeStatus);
    }

    // ---- Waiting for what is not in history --------------------------------------------------------------------------

    // A delay that is over before the code gets to awaiting it is no mistake that could be seen, so none is as short as a thread may
    // have to wait for its turn on a loaded machine. What waits for nothing else is found out at once, however long the delay.
#pragma warning disable RS0030 // These are the mistakes themselves.
    public static TheoryData<string> Mistakes => [.. s_mistakes.Keys];

    private static readonly Dictionary<string, Func<TaskOrchestrationContext, Task>> s_mistakes = new()
    {
        ["Task.Delay"] = _ => Task.Delay(30_000),
        ["Task.Delay after a step"] = async context =>
        {
            await context.CallActivityAsync("A");
            await Task.Delay(30_000);
            await context.CallActivityAsync("B");
        },
        ["Task.Run"] = async context => await Task.Run(async () =>
        {
            await Task.Delay(30_000);
            return 1;
        }),
        ["a step inside Task.Run"] = context => Task.Run(() => context.CallActivityAsync("A")),
        ["ConfigureAwait(false)"] = async context =>
        {
            await context.CallActivityAsync("A").ConfigureAwait(false);
            await context.CallActivityAsync("B");
        },
        ["a source that nobody completes"] = _ => new TaskCompletionSource().Task,
        ["Task.Delay beside an event"] = context => Task.WhenAny(context.WaitForExternalEvent<string>("never"), Task.Delay(700)),
        ["Task.Delay beside a timer"] = context => Task.WhenAny(context.CreateTimer(TimeSpan.FromDays(1), CancellationToken.None), Task.Delay(700)),
        ["Task.Delay beside an activity"] = context => Task.WhenAny(context.CallActivityAsync("Slow"), Task.Delay(700)),
        ["a cancellation by the clock"] = async context =>
        {
            using var soon = new CancellationTokenSource(700);
            await context.WaitForExternalEvent<string>("never", soon.Token);
        },
    };
#pragma warning restore RS0030

    [Theory]
    [MemberData(nameof(Mistakes))]
    public async Task Waiting_for_what_no_history_holds_fails_the_instance(string mistake)
    {
        await using var host = await database.StartHostAsync(Code(s_mistakes[mistake]));

        var failure = await host.FailureAsync("Code");

        Assert.True(failure.IsCausedBy<NonDeterministicOrchestrationException>(), failure.ToString());
        Assert.Contains("awaited something that is not in its history", failure.ErrorMessage, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Mistakes))]
    public async Task So_it_does_without_the_cache(string mistake)
    {
        await using var host = await database.StartHostAsync(Code(s_mistakes[mistake]), options => options.MaxCachedOrchestrators = 0);

        Assert.True((await host.FailureAsync("Code")).IsCausedBy<NonDeterministicOrchestrationException>());
    }
}
