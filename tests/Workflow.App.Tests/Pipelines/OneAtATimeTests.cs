using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Workflow.App.Pipelines;
using Workflow.Durable;
using Workflow.Testing;

namespace Workflow.App.Tests.Pipelines;

/// <summary>Which run goes first, asked of a hub that holds runs started by hosts with different clocks.</summary>
public sealed class OneAtATimeTests(PostgresFixture postgres) : IAsyncLifetime
{
    private static readonly DateTimeOffset Noon = new(2024, 3, 3, 12, 0, 0, TimeSpan.Zero);

    private IHost _host = null!;
    private string _connection = "";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private DurableTaskClient Client => _host.Services.GetRequiredService<DurableTaskClient>();

    public async ValueTask InitializeAsync()
    {
        _connection = await postgres.CreateDatabaseAsync(Cancellation);
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddDurableTask(
            hub => hub.ConnectionString = _connection,
            registry => registry.AddOrchestrator<Work>("p").AddOrchestrator<Work>("other").AddOrchestrator<Look>("look").AddActivity<FindRunBefore>());
        _host = builder.Build();
        await _host.StartAsync(Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync(CancellationToken.None);
        _host.Dispose();
    }

    [Fact]
    public async Task The_run_that_was_started_first_goes_first_and_of_one_moment_the_first_by_id()
    {
        await StartAsync("p", "c", Noon);
        await StartAsync("p", "b", Noon);
        await StartAsync("p", "d", Noon.AddSeconds(1));
        await StartAsync("other", "a", Noon.AddSeconds(-1));

        Assert.Equal((null, "b", "b"), (await BeforeAsync("b"), await BeforeAsync("c"), await BeforeAsync("d")));
        await EndAsync("b");
        Assert.Equal((null, "c"), (await BeforeAsync("c"), await BeforeAsync("d")));
    }

    [Fact]
    public async Task A_run_at_work_is_let_end_by_one_whose_clock_says_that_it_came_before()
    {
        await StartAsync("p", "working", Noon, atWork: true);
        await StartAsync("p", "behind", Noon.AddMinutes(-5));

        Assert.Equal("working", await BeforeAsync("behind"));
        await EndAsync("working");
        Assert.Null(await BeforeAsync("behind"));
    }

    private async Task StartAsync(string pipeline, string instance, DateTimeOffset clock, bool atWork = false)
    {
        await using var starter = new ServiceCollection().AddSingleton<TimeProvider>(new FakeTimeProvider(clock)).AddDurableTaskClient(hub => hub.ConnectionString = _connection).BuildServiceProvider();
        await starter.GetRequiredService<DurableTaskClient>().ScheduleNewOrchestrationInstanceAsync(pipeline, atWork, new(instance), Cancellation);
        await Eventually.TrueAsync(async () => !atWork || (await Client.GetInstanceAsync(instance, cancellation: Cancellation))?.SerializedCustomStatus is not null, cancellation: Cancellation);
    }

    private async Task EndAsync(string instance)
    {
        await Client.RaiseEventAsync(instance, "end", true, Cancellation);
        await Client.WaitForInstanceCompletionAsync(instance, cancellation: Cancellation);
    }

    private async Task<string?> BeforeAsync(string instance)
    {
        var look = await Client.ScheduleNewOrchestrationInstanceAsync("look", new FindRunBeforeInput("p", instance), cancellation: Cancellation);
        return (await Client.WaitForInstanceCompletionAsync(look, cancellation: Cancellation)).ReadOutputAs<string>();
    }

    private sealed class Work : TaskOrchestrator<bool, bool>
    {
        public override async Task<bool> RunAsync(TaskOrchestrationContext context, bool atWork)
        {
            if (atWork)
            {
                context.SetCustomStatus(Turns.AtWork);
            }

            return await context.WaitForExternalEvent<bool>("end");
        }
    }

    private sealed class Look : TaskOrchestrator<FindRunBeforeInput, string?>
    {
        public override Task<string?> RunAsync(TaskOrchestrationContext context, FindRunBeforeInput input) => context.CallActivityAsync<string?>(nameof(FindRunBefore), input);
    }
}
