using Workflow.Durable.Tests.Hosting;

namespace Workflow.Durable.Tests;

/// <summary>An orchestrator that stays in memory and one that is replayed at every turn are the same.</summary>
public sealed class CacheTests(HubDatabase database) : IClassFixture<HubDatabase>
{
    private sealed class Journey(Microsoft.Extensions.Logging.ILogger<Journey> direct) : TaskOrchestrator<int, string>
    {
        public override async Task<string> RunAsync(TaskOrchestrationContext context, int input)
        {
            var log = context.CreateReplaySafeLogger("journey");
            Write(log, "begun");
            Write(direct, "direct");
            var squares = await Task.WhenAll(Enumerable.Range(0, 5).Select(i => context.CallActivityAsync<int>("Square", i + input)));
            Write(log, "squared");
            await context.CreateTimer(TimeSpan.FromMilliseconds(5), CancellationToken.None);
            context.SetCustomStatus("timed");
            var child = await context.CallSubOrchestratorAsync<int>("Child", input);
            Write(log, "child came back");
            var events = $"{await context.WaitForExternalEvent<string>("x")}{await context.WaitForExternalEvent<string>("x")}";
            string failed;
            try
            {
                failed = await context.CallActivityAsync<string>("Break", input, new TaskOptions(new RetryPolicy(2, TimeSpan.FromMilliseconds(1))));
            }
            catch (TaskFailedException failure)
            {
                failed = $"{failure.TaskId} {failure.FailureDetails}";
            }

            Write(log, "done");
            return string.Join(' ', [.. squares, child, events, failed, context.NewGuid() == Guid.Empty]);
        }

        private static void Write(Microsoft.Extensions.Logging.ILogger log, string line) =>
            Microsoft.Extensions.Logging.LoggerExtensions.LogInformation(log, "{Line}", line);
    }

    private static void Register(DurableTaskRegistry registry) => registry
        .AddOrchestrator<Journey>()
        .AddOrchestratorFunc<int, int>("Child", async (context, input) => await context.CallActivityAsync<int>("Square", input) + 1)
        .AddActivityFunc<int, int>("Square", (_, i) => Task.FromResult(i * i))
        .AddActivityFunc<int, string>("Break", (_, i) => throw new IOException($"broken {i}"));

    private static async Task<(string Output, string[] Steps)> TravelAsync(HubHost host)
    {
        var id = await host.ScheduleAsync("Journey", 3);
        await host.Client.RaiseEventAsync(id, "x", "1");
        await host.Client.RaiseEventAsync(id, "x", "2");
        var output = await host.OutputAsync<string>(id);
        return (output, [.. (await host.HistoryAsync(id)).Where(line => line.Type is "TaskScheduled" or "TimerCreated" or "SubOrchestrationInstanceCreated").Select(line => $"{line.Type} {line.TaskId} {line.Name}")]);
    }

    [Fact]
    public async Task With_the_cache_and_without_it_comes_the_same()
    {
        await using var with = await database.StartHostAsync(Register);
        await using var without = await database.StartHostAsync(Register, options => options.MaxCachedOrchestrators = 0);

        var (cached, replayed) = (await TravelAsync(with), await TravelAsync(without));

        Assert.Equal(cached.Output, replayed.Output);
        Assert.Equal(cached.Steps, replayed.Steps);
        Assert.StartsWith("9 16 25 36 49 10 12 ", cached.Output, StringComparison.Ordinal);
        Assert.Single(with.Logs.Of(typeof(Journey).FullName!.Replace('+', '.')));
    }

    [Fact]
    public async Task A_replay_safe_logger_writes_each_line_once_although_every_turn_is_a_replay()
    {
        await using var host = await database.StartHostAsync(Register, options => options.MaxCachedOrchestrators = 0);

        await TravelAsync(host);

        Assert.Equal(["begun", "squared", "child came back", "done"], host.Logs.Of("journey"));
        Assert.NotEqual(1, host.Logs.Of(typeof(Journey).FullName!.Replace('+', '.')).Count());  // it was replayed
    }

    [Fact]
    public async Task More_instances_than_the_cache_holds_all_get_to_their_end()
    {
        await using var host = await database.StartHostAsync(Register, options => options.MaxCachedOrchestrators = 3);

        var outputs = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => TravelAsync(host)));

        Assert.Single(outputs.Select(output => output.Output).Distinct());
    }
}
