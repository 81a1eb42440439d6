using System.Collections.Concurrent;
using System.Globalization;
using Workflow.Durable.Tests.Hosting;
using Workflow.Testing;

namespace Workflow.Durable.Tests;

public sealed class RetryTests(HubDatabase database) : IClassFixture<HubDatabase>
{
    private readonly ConcurrentQueue<TaskActivityContext> _attempts = new();

    private Action<DurableTaskRegistry> Calling(RetryPolicy policy, Func<int, Exception?> fail) => registry => registry
        .AddOrchestratorFunc<string?, int>("Try", async (context, _) =>
        {
            await context.CallActivityAsync("Other");
            return await context.CallActivityAsync<int>("Flaky", null, new TaskOptions(policy));
        })
        .AddActivityFunc<string?, int>("Other", (_, _) => Task.FromResult(0))
        .AddActivityFunc<string?, int>("Flaky", (context, _) =>
        {
            _attempts.Enqueue(context);
            return fail(_attempts.Count) is { } failure ? throw failure : Task.FromResult(_attempts.Count);
        });

    [Fact]
    public async Task Intervals_grow_exponentially_up_to_the_cap()
    {
        var policy = new RetryPolicy(7, TimeSpan.FromMilliseconds(2), backoffCoefficient: 3, maxRetryInterval: TimeSpan.FromMilliseconds(30));
        await using var host = await database.StartHostAsync(Calling(policy, attempt => attempt < 7 ? new IOException() : null));

        var id = await host.ScheduleAsync("Try");
        Assert.Equal(7, await host.OutputAsync<int>(id));

        var intervals = (await host.HistoryAsync(id))
            .Where(line => line.Type == "TimerCreated")
            .Select(line => (DateTimeOffset.Parse(line.Data!, CultureInfo.InvariantCulture) - line.Timestamp).TotalMilliseconds);
        Assert.Equal([2, 6, 18, 30, 30, 30], intervals);
    }

    [Fact]
    public async Task Every_retry_has_the_idempotency_key_of_the_first_attempt_and_a_number_of_its_own()
    {
        await using var host = await database.StartHostAsync(Calling(new RetryPolicy(4, TimeSpan.Zero), attempt => attempt < 4 ? new IOException() : null));

        await host.RunAsync("Try", id: "tries");

        Assert.Equal(["tries/1 1", "tries/1 2", "tries/1 3", "tries/1 4"], _attempts.Select(attempt => $"{attempt.IdempotencyKey} {attempt.Attempt}"));
    }

    [Fact]
    public async Task The_last_failure_is_the_callers_when_the_attempts_are_used_up()
    {
        await using var host = await database.StartHostAsync(Calling(new RetryPolicy(3, TimeSpan.Zero), attempt => new IOException($"attempt {attempt}")));

        Assert.Contains("attempt 3", (await host.FailureAsync("Try")).ErrorMessage, StringComparison.Ordinal);
        Assert.Equal(3, _attempts.Count);
    }

    [Fact]
    public async Task No_attempt_begins_after_the_retry_timeout()
    {
        var clock = new FakeTimeProvider();
        var policy = new RetryPolicy(100, TimeSpan.FromHours(10), maxRetryInterval: TimeSpan.FromDays(1), retryTimeout: TimeSpan.FromHours(35));
        await using var host = await database.StartHostAsync(
            Calling(policy, _ => new IOException("still")), options => options.LeaseDuration = TimeSpan.FromHours(1), clock);
        var id = await host.ScheduleAsync("Try");
        for (var retry = 1; retry <= 3; retry++)
        {
            await host.HistoryHoldsAsync(id, "TimerCreated", retry);
            await clock.AdvanceAsync(TimeSpan.FromHours(10), async () => (await host.HistoryAsync(id)).Count(line => line.Type == "TimerFired") == retry);
        }

        Assert.Contains("still", (await host.FailureOfAsync(id)).ErrorMessage, StringComparison.Ordinal);
        Assert.Equal(4, _attempts.Count);
    }

    [Fact]
    public async Task Errors_named_non_retryable_and_what_derives_from_them_are_not_tried_again()
    {
        var policy = new RetryPolicy(9, TimeSpan.Zero) { NonRetryableErrors = [typeof(IOException), typeof(UnauthorizedAccessException)] };
        await using var host = await database.StartHostAsync(Calling(policy, attempt => attempt < 3 ? new InvalidOperationException() : new FileNotFoundException("gone")));

        Assert.Contains("gone", (await host.FailureAsync("Try")).ErrorMessage, StringComparison.Ordinal);
        Assert.Equal(3, _attempts.Count);
    }

    [Fact]
    public async Task An_activity_can_say_that_no_retry_mends_it()
    {
        await using var host = await database.StartHostAsync(Calling(new RetryPolicy(9, TimeSpan.Zero), _ => new NonRetriableException("refused credential")));

        var failure = (await host.FailureAsync("Try")).InnerFailure!;
        Assert.True(failure.IsNonRetriable);
        Assert.Single(_attempts);
    }

    [Fact]
    public async Task The_policys_own_judgement_ends_the_retries()
    {
        var policy = new RetryPolicy(9, TimeSpan.Zero) { HandleFailure = failure => failure.ErrorMessage != "enough" };
        await using var host = await database.StartHostAsync(Calling(policy, attempt => new IOException(attempt < 4 ? "more" : "enough")));

        Assert.Contains("enough", (await host.FailureAsync("Try")).ErrorMessage, StringComparison.Ordinal);
        Assert.Equal(4, _attempts.Count);
    }

    [Fact]
    public async Task Calls_that_are_retried_side_by_side_keep_their_keys_apart()
    {
        var keys = new ConcurrentDictionary<string, ConcurrentBag<int>>();
        await using var host = await database.StartHostAsync(
            registry => registry
                .AddOrchestratorFunc<int, int[]>("Tries", (context, width) => Task.WhenAll(Enumerable.Range(0, width).Select(i =>
                    context.CallActivityAsync<int>("Flaky", i, new TaskOptions(new RetryPolicy(3, TimeSpan.FromMilliseconds(1)))))))
                .AddActivityFunc<int, int>("Flaky", (context, i) =>
                {
                    keys.GetOrAdd($"{i} {context.IdempotencyKey}", _ => []).Add(context.Attempt);
                    return context.Attempt < 3 ? throw new IOException() : Task.FromResult(i);
                }),
            options => options.MaxCachedOrchestrators = 0);

        var id = await host.ScheduleAsync("Tries", 50, "side");

        Assert.Equal(Enumerable.Range(0, 50), await host.OutputAsync<int[]>(id));
        Assert.Equal(Enumerable.Range(0, 50).Select(i => $"{i} side/{i}").Order(), keys.Keys.Order());
        Assert.All(keys.Values, attempts => Assert.Equal([1, 2, 3], attempts.Order()));
    }

    [Theory]
    [InlineData(0, 1, 1.0, null, "maxNumberOfAttempts")]
    [InlineData(1, -1, 1.0, null, "firstRetryInterval")]
    [InlineData(1, 1, 0.5, null, "backoffCoefficient")]
    [InlineData(1, 10, 1.0, 5, "maxRetryInterval")]
    public void A_policy_that_makes_no_sense_names_what_is_wrong(int attempts, int first, double coefficient, int? cap, string parameter) =>
        Assert.Equal(parameter, Assert.Throws<ArgumentOutOfRangeException>(() => new RetryPolicy(
            attempts, TimeSpan.FromSeconds(first), coefficient, cap is null ? null : TimeSpan.FromSeconds(cap.Value))).ParamName);
}
