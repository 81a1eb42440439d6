using Workflow.Durable.Tests.Hosting;

namespace Workflow.Durable.Tests;

/// <summary>What does not fit through history, and how much one host takes in hand.</summary>
public sealed class LimitTests(HubDatabase database) : IClassFixture<HubDatabase>
{
    private static readonly string s_largest = new('x', JsonDataConverter.MaxPayloadBytes - 2);  // with its quotes, exactly the limit
    private static readonly string s_tooLarge = s_largest + "x";

    private static void Register(DurableTaskRegistry registry) => registry
        .AddOrchestratorFunc<string, string>("Make", (_, _) => Task.FromResult(s_tooLarge))
        .AddOrchestratorFunc<string, string>("Pass", (context, input) => context.CallActivityAsync<string>("Echo", input))
        .AddOrchestratorFunc<string, string>("Enlarge", (context, input) => context.CallActivityAsync<string>("Echo", input + "x"))
        .AddOrchestratorFunc<string, string>("Born", (context, input) => context.CallSubOrchestratorAsync<string>("Pass", input + "x"))
        .AddOrchestratorFunc<string, string>("Report", (context, input) =>
        {
            context.SetCustomStatus(input);
            context.SetCustomStatus(input + "x");
            return Task.FromResult("");
        })
        .AddOrchestratorFunc<string, string>("Tell", (context, input) =>
        {
            context.SendEvent("somebody", "news", input + "x");
            return Task.FromResult("");
        })
        .AddOrchestratorFunc<string, string>("Again", (context, input) =>
        {
            context.ContinueAsNew(input + "x");
            return Task.FromResult("");
        })
        .AddOrchestratorFunc<string?, int>("Listen", async (context, _) => (await context.WaitForExternalEvent<string>("news")).Length)
        .AddOrchestratorFunc<string, string>("Swell", (context, input) => context.CallActivityAsync<string>("Swell", input))
        .AddActivityFunc<string, string>("Echo", (_, input) => Task.FromResult(input))
        .AddActivityFunc<string, string>("Swell", (_, input) => Task.FromResult(input + "x"));

    private static void SaysWhatToDo(string? message, string what)
    {
        Assert.StartsWith(what, message, StringComparison.Ordinal);
        Assert.Contains("1,048,577 bytes", message, StringComparison.Ordinal);
        Assert.Contains("pass a reference", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Exactly_a_mebibyte_passes_everywhere()
    {
        await using var host = await database.StartHostAsync(Register);

        Assert.Equal(s_largest, await host.OutputAsync<string>("Pass", s_largest));
        var id = await host.ScheduleAsync("Listen");
        await host.Client.RaiseEventAsync(id, "news", s_largest);
        Assert.Equal(s_largest.Length, await host.OutputAsync<int>(id));
    }

    [Fact]
    public async Task A_byte_more_is_refused_where_it_comes_from()
    {
        await using var host = await database.StartHostAsync(Register);
        var id = await host.ScheduleAsync("Listen");

        SaysWhatToDo((await Assert.ThrowsAsync<PayloadTooLargeException>(() => host.ScheduleAsync("Pass", s_tooLarge))).Message, "The input of orchestrator 'Pass'");
        SaysWhatToDo((await Assert.ThrowsAsync<PayloadTooLargeException>(() => host.Client.RaiseEventAsync(id, "news", s_tooLarge))).Message, "Event 'news' for instance");
        SaysWhatToDo((await Assert.ThrowsAsync<PayloadTooLargeException>(() => host.Client.TerminateInstanceAsync(id, s_tooLarge))).Message, "The output of terminated instance");
        Assert.Equal(1, await host.Hub.ReadOneAsync<long>("SELECT count(*) FROM instances"));
    }

    [Theory]
    [InlineData("Make", "The output of orchestrator 'Make'")]
    [InlineData("Enlarge", "The input of activity 'Echo'")]
    [InlineData("Born", "The input of orchestrator 'Pass'")]
    [InlineData("Report", "The custom status of instance")]
    [InlineData("Tell", "Event 'news' for instance 'somebody'")]
    [InlineData("Again", "The input of orchestrator 'Again'")]
    public async Task An_orchestrator_that_passes_too_much_fails_with_the_name_of_the_thing(string orchestrator, string what)
    {
        await using var host = await database.StartHostAsync(Register);

        var failure = await host.FailureAsync(orchestrator, s_largest);

        Assert.True(failure.IsCausedBy<PayloadTooLargeException>());
        SaysWhatToDo(failure.ErrorMessage, what);
    }

    [Fact]
    public async Task An_activity_that_returns_too_much_fails_for_good()
    {
        await using var host = await database.StartHostAsync(Register);

        var failure = (await host.FailureAsync("Swell", s_largest)).InnerFailure!;

        Assert.True(failure.IsNonRetriable);
        SaysWhatToDo(failure.ErrorMessage, "The output of activity 'Swell'");
    }

    [Fact]
    public void Bytes_count_and_not_characters()
    {
        var umlauts = new string('ä', JsonDataConverter.MaxPayloadBytes / 2);

        JsonDataConverter.CheckSize(umlauts, "text");
        Assert.Throws<PayloadTooLargeException>(() => JsonDataConverter.CheckSize(umlauts + "a", "text"));
    }

    [Fact]
    public async Task No_more_activities_run_at_once_than_the_host_is_given()
    {
        var (running, most) = (0, 0);
        await using var host = await database.StartHostAsync(
            registry => registry
                .AddOrchestratorFunc<int, int>("Wide", async (context, width) =>
                    (await Task.WhenAll(Enumerable.Range(0, width).Select(i => context.CallActivityAsync<int>("Work", i)))).Length)
                .AddActivityFunc<int, int>("Work", async (_, i) =>
                {
                    var now = Interlocked.Increment(ref running);
                    InterlockedMax(ref most, now);
                    await Task.Yield();
                    Interlocked.Decrement(ref running);
                    return i;
                }),
            options => options.MaxConcurrentActivities = 3);

        var ids = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => host.ScheduleAsync("Wide", 100)));
        await Task.WhenAll(ids.Select(id => host.OutputAsync<int>(id)));

        Assert.InRange(most, 2, 3);

        static void InterlockedMax(ref int most, int now)
        {
            for (var seen = most; seen < now; seen = most)
            {
                Interlocked.CompareExchange(ref most, now, seen);
            }
        }
    }

    [Fact]
    public async Task A_host_that_takes_one_instance_at_a_time_goes_straight_on_to_the_next()
    {
        await using var host = await database.StartHostAsync(Register, options => options.MaxConcurrentOrchestrators = 1);
        var begun = TimeProvider.System.GetTimestamp();

        var ids = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => host.ScheduleAsync("Pass", "word")));
        await Task.WhenAll(ids.Select(id => host.OutputAsync<string>(id)));

        Assert.InRange(TimeProvider.System.GetElapsedTime(begun).TotalSeconds, 0, 10);
    }

    [Fact]
    public async Task Settings_that_make_no_sense_are_all_named_at_start()
    {
        await using var host = new HubHost(
            database.NewHub(),
            Register,
            options =>
            {
                options.MaxConcurrentActivities = 0;
                options.MaxConcurrentOrchestrators = -1;
                options.MaxCachedOrchestrators = -1;
                options.LeaseDuration = TimeSpan.Zero;
            },
            TimeProvider.System);

        var refused = await Assert.ThrowsAsync<Microsoft.Extensions.Options.OptionsValidationException>(host.StartAsync);

        Assert.Equal(4, refused.Failures.Count());
        Assert.All(refused.Failures, failure => Assert.Matches(@"^\w+ is .+; give ", failure));
    }
}
