using Microsoft.Extensions.DependencyInjection;
using Workflow.Durable.Tests.Hosting;

namespace Workflow.Durable.Tests;

public sealed class ActivityTests(HubDatabase database) : IClassFixture<HubDatabase>
{
    private enum Colour
    {
        Red,
        Blue,
    }

    private sealed record Order(string Name, Colour Colour, IReadOnlyList<decimal> Prices, Order? Next = null);

    private interface IShape;

    private sealed record Percentage
    {
        public Percentage(int value) => Value = value is >= 0 and <= 100 ? value : throw new ArgumentOutOfRangeException(nameof(value), $"{value} is no percentage");

        public int Value { get; }
    }

    private sealed class Greet : TaskActivity<string, string>
    {
        public override Task<string> RunAsync(TaskActivityContext context, string input) => Task.FromResult($"Hello, {input}!");
    }

    private sealed class GreetAll : TaskOrchestrator<string[], string>
    {
        public override async Task<string> RunAsync(TaskOrchestrationContext context, string[] input)
        {
            var greetings = new List<string>();
            foreach (var name in input)
            {
                greetings.Add(await context.CallActivityAsync<string>(nameof(Greet), name));
            }

            return string.Join(' ', greetings);
        }
    }

    [Fact]
    public async Task Steps_run_one_after_the_other_and_each_gets_the_result_of_the_one_before()
    {
        await using var host = await database.StartHostAsync(registry => registry.AddOrchestrator<GreetAll>().AddActivity<Greet>());

        var ended = await host.RunAsync(nameof(GreetAll), new[] { "Ada", "Grace" });

        Assert.Equal(OrchestrationRuntimeStatus.Completed, ended.RuntimeStatus);
        Assert.Equal("Hello, Ada! Hello, Grace!", ended.ReadOutputAs<string>());
        Assert.Equal(
            ["OrchestratorStarted", "ExecutionStarted", "TaskScheduled", "OrchestratorStarted", "TaskCompleted", "TaskScheduled", "OrchestratorStarted", "TaskCompleted", "ExecutionCompleted"],
            (await host.HistoryAsync(ended.InstanceId)).Select(line => line.Type));
    }

    [Fact]
    public async Task Values_travel_as_they_are()
    {
        await using var host = await database.StartHostAsync(registry => registry
            .AddOrchestratorFunc<Order, Order>("Pass", (context, order) => context.CallActivityAsync<Order>("Nest", order))
            .AddActivityFunc<Order, Order>("Nest", (_, order) => Task.FromResult(new Order("outer \0 \ud83d\ude00 \"'", Colour.Blue, [], order))));
        var order = new Order("inner", Colour.Red, [1.10m, 79228162514264337593543950335m]);

        var ended = await host.RunAsync("Pass", order);

        var output = ended.ReadOutputAs<Order>()!;
        Assert.Equal(("outer \0 \ud83d\ude00 \"'", Colour.Blue), (output.Name, output.Colour));
        Assert.Equal((order.Name, order.Colour), (output.Next!.Name, output.Next.Colour));
        Assert.Equal(order.Prices, output.Next.Prices);
        Assert.Contains("\"red\"", ended.SerializedInput!, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Nothing_in_and_nothing_out_is_null_or_the_default()
    {
        await using var host = await database.StartHostAsync(registry => registry
            .AddOrchestratorFunc<string?, string?>("Nothing", async (context, input) =>
            {
                Assert.Null(input);
                await context.CallActivityAsync("Null");
                Assert.Equal(0, await context.CallActivityAsync<int>("Null"));
                Assert.Equal(0, await context.CallActivityAsync<int>("Number"));
                return await context.CallActivityAsync<string?>("Null", null);
            })
            .AddActivityFunc<int, int>("Number", (_, number) => Task.FromResult(number))
            .AddActivityFunc<string?, string?>("Null", (_, input) => Task.FromResult(input)));

        var ended = await host.RunAsync("Nothing");

        Assert.True(ended.RuntimeStatus == OrchestrationRuntimeStatus.Completed, ended.FailureDetails?.ToString());
        Assert.Null(ended.SerializedInput);
        Assert.Null(ended.SerializedOutput);
    }

    [Fact]
    public async Task A_fan_out_of_two_thousand_comes_back_whole_and_in_order()
    {
        await using var host = await database.StartHostAsync(registry => registry
            .AddOrchestratorFunc<int, int[]>("FanOut", (context, width) =>
                Task.WhenAll(Enumerable.Range(0, width).Select(i => context.CallActivityAsync<int>("Square", i))))
            .AddActivityFunc<int, int>("Square", (_, i) => Task.FromResult(i * i)));

        var squares = await host.OutputAsync<int[]>("FanOut", 2000);

        Assert.Equal(Enumerable.Range(0, 2000).Select(i => i * i), squares);
        Assert.Equal(0, await host.Hub.ReadOneAsync<long>("SELECT count(*) FROM activities"));
    }

    [Fact]
    public async Task What_a_fan_out_no_longer_waits_for_leaves_nothing_behind()
    {
        await using var host = await database.StartHostAsync(registry => registry
            .AddOrchestratorFunc<int, int>("First", async (context, width) =>
                await await Task.WhenAny(Enumerable.Range(0, width).Select(i => context.CallActivityAsync<int>("Number", i)).ToArray()))
            .AddActivityFunc<int, int>("Number", (_, i) => Task.FromResult(i)));

        var ids = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => host.ScheduleAsync("First", 20)));
        await Task.WhenAll(ids.Select(host.EndAsync));

        await Testing.Eventually.TrueAsync(
            async () => await host.Hub.ReadOneAsync<long>("SELECT count(*) FROM activities") == 0, TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.Equal(0, await host.Hub.ReadOneAsync<long>("SELECT count(*) FROM messages"));
    }

    [Fact]
    public async Task A_failure_names_the_step_and_carries_the_whole_chain_of_causes()
    {
        await using var host = await database.StartHostAsync(registry => registry
            .AddOrchestratorFunc<string?, string>("Catch", async (context, _) =>
            {
                await context.CallActivityAsync("Fine");
                try
                {
                    await context.CallActivityAsync("Load");
                    return "no failure";
                }
                catch (TaskFailedException failed)
                {
                    var cause = failed.FailureDetails.InnerFailure!;
                    return string.Join(" | ", failed.Message, failed.TaskName, failed.TaskId, failed.FailureDetails, failed.FailureDetails.StackTrace!.Contains("LoadAsync", StringComparison.Ordinal),
                        cause, cause.IsCausedBy<IOException>(), cause.IsCausedBy<FileNotFoundException>(), cause.IsCausedBy<ArgumentException>());
                }
            })
            .AddActivityFunc<string?, int>("Fine", (_, _) => Task.FromResult(1))
            .AddActivityFunc<string?, int>("Load", (_, _) => LoadAsync()));

        Assert.Equal(
            "Step 1 'Load' failed: the load broke | Load | 1 | System.InvalidOperationException: the load broke | True | System.IO.FileNotFoundException: no file | True | True | False",
            await host.OutputAsync<string>("Catch", null));

        static async Task<int> LoadAsync()
        {
            await Task.Yield();
            throw new InvalidOperationException("the load broke", new FileNotFoundException("no file"));
        }
    }

    [Fact]
    public async Task An_unhandled_failure_fails_the_instance_with_the_step_inside()
    {
        await using var host = await database.StartHostAsync(registry => registry
            .AddOrchestratorFunc<string?, int>("Unhandled", (context, _) => context.CallActivityAsync<int>("Break"))
            .AddOrchestratorFunc<string?, int>("Throws", (_, _) => throw new ArgumentException("at once"))
            .AddActivityFunc<string?, int>("Break", (_, _) => throw new TimeoutException("too late")));

        var failure = await host.FailureAsync("Unhandled");
        Assert.Equal(typeof(TaskFailedException).FullName, failure.ErrorType);
        Assert.Equal("Step 0 'Break' failed: too late", failure.ErrorMessage);
        Assert.Equal((typeof(TimeoutException).FullName, "too late"), (failure.InnerFailure!.ErrorType, failure.InnerFailure.ErrorMessage));

        Assert.Equal("System.ArgumentException: at once", (await host.FailureAsync("Throws")).ToString());
    }

    [Fact]
    public async Task An_unregistered_name_fails_and_the_message_lists_the_known_ones()
    {
        await using var host = await database.StartHostAsync(registry => registry
            .AddOrchestratorFunc<string?, int>("Known", (context, _) => context.CallActivityAsync<int>("Missing"))
            .AddActivityFunc<string?, int>("Here", (_, _) => Task.FromResult(1)));

        var step = (await host.FailureAsync("Known")).InnerFailure!;
        Assert.True(step.IsNonRetriable);
        Assert.Contains("No activity is registered as 'Missing'", step.ErrorMessage, StringComparison.Ordinal);
        Assert.Contains("known: Here", step.ErrorMessage, StringComparison.Ordinal);

        var failure = await host.FailureAsync("Nobody");
        Assert.Contains("No orchestrator is registered as 'Nobody'", failure.ErrorMessage, StringComparison.Ordinal);
        Assert.Contains("known: Known", failure.ErrorMessage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_are_case_insensitive()
    {
        await using var host = await database.StartHostAsync(registry => registry
            .AddOrchestratorFunc<string?, int>("Upper", (context, _) => context.CallActivityAsync<int>("ONE"))
            .AddActivityFunc<string?, int>("one", (_, _) => Task.FromResult(1)));

        Assert.Equal(1, await host.OutputAsync<int>("UPPER", null));
    }

    [Fact]
    public async Task A_value_of_another_type_is_a_failure_that_names_the_step()
    {
        await using var host = await database.StartHostAsync(registry => registry
            .AddOrchestratorFunc<string, int>("Echoes", (context, word) => context.CallActivityAsync<int>("Echo", word))
            .AddOrchestratorFunc<string, int>("Counts", (context, word) => context.CallActivityAsync<int>("Count", word))
            .AddActivityFunc<string, string>("Echo", (_, word) => Task.FromResult(word))
            .AddActivityFunc<int, int>("Count", (_, number) => Task.FromResult(number)));

        var output = await host.FailureAsync("Echoes", "word");
        Assert.Contains("What 'Echo' returned is not a Int32", output.ErrorMessage, StringComparison.Ordinal);

        var input = await host.FailureAsync("Counts", "word");
        Assert.Equal(typeof(System.Text.Json.JsonException).FullName, input.InnerFailure!.ErrorType);

        var start = await host.FailureAsync("Echoes", 5);
        Assert.Equal(typeof(System.Text.Json.JsonException).FullName, start.ErrorType);
    }

    [Fact]
    public async Task A_result_that_cannot_become_the_wanted_type_fails_the_step_and_nothing_else()
    {
        await using var host = await database.StartHostAsync(registry => registry
            .AddOrchestratorFunc<int, string>("Shape", async (context, number) => (await context.CallActivityAsync<IShape>("Echo", number)).ToString()!)
            .AddOrchestratorFunc<int, int>("Percent", async (context, number) => (await context.CallActivityAsync<Percentage>("Object", number)).Value)
            .AddActivityFunc<int, object>("Object", (_, number) => Task.FromResult<object>(new { Value = number }))
            .AddActivityFunc<int, int>("Echo", (_, number) => Task.FromResult(number)));

        Assert.Contains("What 'Echo' returned is not a IShape", (await host.FailureAsync("Shape", 1)).ErrorMessage, StringComparison.Ordinal);
        Assert.Contains("101 is no percentage", (await host.FailureAsync("Percent", 101)).ErrorMessage, StringComparison.Ordinal);
        Assert.Equal(100, await host.OutputAsync<int>("Percent", 100));
        Assert.DoesNotContain(host.Logs.Warnings, line => line.Contains("stopped unexpectedly", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_output_that_is_no_json_fails_the_step_or_the_instance()
    {
        await using var host = await database.StartHostAsync(registry => registry
            .AddOrchestratorFunc<string?, object>("Loops", (_, _) => Task.FromResult<object>(Loop()))
            .AddOrchestratorFunc<string?, object>("Calls", (context, _) => context.CallActivityAsync<object>("Loop"))
            .AddOrchestratorFunc<string?, object>("Passes", (context, _) => context.CallActivityAsync<object>("Loop", Loop()))
            .AddActivityFunc<object?, object>("Loop", (_, _) => Task.FromResult<object>(Loop())));

        Assert.Contains("cycle", (await host.FailureAsync("Loops")).ErrorMessage, StringComparison.Ordinal);
        Assert.Contains("cycle", (await host.FailureAsync("Calls")).InnerFailure!.ErrorMessage, StringComparison.Ordinal);
        Assert.Contains("cycle", (await host.FailureAsync("Passes")).ErrorMessage, StringComparison.Ordinal);

        static List<object> Loop()
        {
            var loop = new List<object>();
            loop.Add(loop);
            return loop;
        }
    }

    [Fact]
    public async Task Each_activity_gets_its_constructor_arguments_from_a_scope_of_its_own()
    {
        await using var host = await database.NewHub().StartHostAsync(
            registry => registry
                .AddOrchestratorFunc<int, string>("Ask", async (context, _) => string.Join(',', await Task.WhenAll(
                    context.CallActivityAsync<string>(nameof(NeedsClock)), context.CallActivityAsync<string>(nameof(NeedsClock)))))
                .AddActivity<NeedsClock>());

        Assert.Equal("clock,clock", await host.OutputAsync<string>("Ask", 1));
    }

    [Fact]
    public async Task What_an_activity_may_know_of_its_step_is_true()
    {
        await using var host = await database.StartHostAsync(registry => registry
            .AddOrchestratorFunc<int, string[]>("Ask", async (context, _) =>
            [
                await context.CallActivityAsync<string>("Tell"),
                await context.CallActivityAsync<string>("tell"),
            ])
            .AddActivityFunc<string?, string>("Tell", (context, _) =>
                Task.FromResult($"{context.InstanceId} {context.IdempotencyKey} {context.Attempt} {context.CancellationToken.IsCancellationRequested}")));

        var id = await host.ScheduleAsync("Ask", 1, "asks");

        Assert.Equal(["asks asks/0 1 False", "asks asks/1 1 False"], await host.OutputAsync<string[]>(id));
    }

    private sealed class NeedsClock(TimeProvider time, IServiceScopeFactory scopes) : TaskActivity<string?, string>
    {
        public override Task<string> RunAsync(TaskActivityContext context, string? input) =>
            Task.FromResult(time is not null && scopes is not null ? "clock" : "nothing");
    }
}
