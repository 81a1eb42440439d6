using Npgsql;
using Workflow.App.Notifications;
using Workflow.Durable;
using Workflow.Testing;

namespace Workflow.App.Tests.Functions;

/// <summary>Runs are started and looked at by the extension's management API.</summary>
public sealed class ExtensionClientTests(PostgresFixture postgres)
{
    [Fact]
    public async Task An_instance_is_started_looked_at_and_purged()
    {
        await using var host = await StartAsync();
        Assert.Null(await host.Client.GetInstanceAsync("one", cancellation: Cancellation));

        await host.Client.ScheduleNewOrchestrationInstanceAsync("greet", new Name("Ann & Bo"), new("one"), Cancellation);
        var pending = await host.Client.GetInstanceAsync("one", cancellation: Cancellation);
        await host.Engine.FinishAsync(host.Engine.Find("one")!);
        var ended = await host.Client.WaitForInstanceCompletionAsync("one", cancellation: Cancellation);

        Assert.Equal((OrchestrationRuntimeStatus.Pending, false), (pending!.RuntimeStatus, pending.IsCompleted));
        Assert.Equal(("greet", "one", OrchestrationRuntimeStatus.Completed), (ended.Name, ended.InstanceId, ended.RuntimeStatus));
        Assert.Equal((new Name("Ann & Bo"), "Hello Ann & Bo"), (ended.ReadInputAs<Name>(), ended.ReadOutputAs<string>()));
        Assert.NotNull(ended.CompletedAt);
        Assert.Contains(await host.Client.GetOrchestrationHistoryAsync("one", Cancellation), line => line is { Type: "TaskScheduled", Name: "greeting" });
        Assert.Equal(1, await host.Client.PurgeInstanceAsync("one", cancellation: Cancellation));
        Assert.Equal(0, await host.Client.PurgeInstanceAsync("one", cancellation: Cancellation));
    }

    [Fact]
    public async Task A_start_that_is_said_again_is_the_first_one()
    {
        await using var host = await StartAsync();
        var once = StartOrchestrationOptions.Once("same");

        await Task.WhenAll(Enumerable.Range(0, 8).Select(index => host.Client.ScheduleNewOrchestrationInstanceAsync("greet", new Name($"{index}"), once, Cancellation)));
        await host.Engine.FinishAsync(host.Engine.Find("same")!);
        var first = host.Engine.Find("same")!.Output;
        await host.Client.ScheduleNewOrchestrationInstanceAsync("greet", new Name("later"), once, Cancellation);

        Assert.Equal(first, host.Engine.Find("same")!.Output);
        await Assert.ThrowsAsync<OrchestrationAlreadyExistsException>(() =>
            host.Client.ScheduleNewOrchestrationInstanceAsync("greet", null, once with { IfExists = ExistingInstance.Throw }, Cancellation));

        // By default an instance that has ended gives its id up.
        await host.Client.ScheduleNewOrchestrationInstanceAsync("greet", new Name("new"), new("same"), Cancellation);
        Assert.Equal("Hello new", (await host.Engine.FinishAsync(host.Engine.Find("same")!)).Read<string>());
    }

    [Fact]
    public async Task A_start_within_a_transaction_is_refused_once_the_server_has_ended_that()
    {
        await using var host = await StartAsync();
        await using var data = NpgsqlDataSource.Create(await postgres.CreateDatabaseAsync(Cancellation));
        await using var connection = await data.OpenConnectionAsync(Cancellation);
        await using var transaction = await connection.BeginTransactionAsync(Cancellation);
        var options = StartOrchestrationOptions.Once("lasts") with { Within = transaction };

        await host.Client.ScheduleNewOrchestrationInstanceAsync("greet", new Name("Ann"), options, Cancellation);
        await using var end = data.CreateCommand($"select pg_terminate_backend({connection.ProcessID})");
        await end.ExecuteNonQueryAsync(Cancellation);
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => host.Client.ScheduleNewOrchestrationInstanceAsync("greet", null, options with { InstanceId = "ended" }, Cancellation));

        Assert.NotNull(host.Engine.Find("lasts"));
        Assert.Null(host.Engine.Find("ended"));
    }

    [Fact]
    public async Task Why_an_instance_failed_is_told()
    {
        await using var host = await StartAsync();

        var instance = await host.Engine.RunAsync("greet", new Name(""));
        var failure = (await host.Client.GetInstanceAsync(instance.Id, cancellation: Cancellation))!.FailureDetails!;

        Assert.True(failure.IsCausedBy<TaskFailedException>());
        Assert.True(failure.InnerFailure!.IsCausedBy<ArgumentException>());
    }

    [Fact]
    public async Task All_instances_of_a_name_are_found_over_all_pages()
    {
        await using var host = await StartAsync();
        for (var index = 0; index < 8; index++)
        {
            host.Engine.Start(index % 2 == 0 ? "greet" : "other", """{"value":"x"}""", $"page-{index}");
        }

        var query = new OrchestrationQuery(Name: "greet", Statuses: [OrchestrationRuntimeStatus.Pending], InstanceIdPrefix: "page-", CreatedFrom: host.Engine.Now.AddDays(-1));
        var found = await host.Client.GetAllInstancesAsync(query, Cancellation).Select(instance => instance.InstanceId).ToListAsync(Cancellation);

        Assert.Equal(["page-6", "page-4", "page-2", "page-0"], found);
        Assert.Empty(await host.Client.GetAllInstancesAsync(query with { Statuses = [OrchestrationRuntimeStatus.Failed] }, Cancellation).ToListAsync(Cancellation));
        Assert.Equal(0, await host.Client.PurgeAllInstancesAsync(new(), Cancellation));
        await host.Engine.FinishAsync(host.Engine.Find("page-0")!);
        var ended = host.Engine.All().Count(instance => instance.HasEnded);
        Assert.Equal(ended, await host.Client.PurgeAllInstancesAsync(new(Statuses: [OrchestrationRuntimeStatus.Completed]), Cancellation));
    }

    [Fact]
    public async Task Who_sees_some_instances_is_listed_no_others_and_families_nobody()
    {
        await using var host = await StartAsync();
        foreach (var (name, id) in new[] { ("greet", "1"), ("other", "2"), ("other", "greet-1"), ("greet", "3"), ("GREET", "4"), ("other", "other-5") })
        {
            host.Engine.Start(name, """{"value":"x"}""", id);
        }

        var query = new OrchestrationQuery(Roots: [new("greet"), new("other", "greet-")], PageSize: 3);

        Assert.Equal(["greet-1", "4", "3", "1"], await host.Client.GetAllInstancesAsync(query, Cancellation).Select(instance => instance.InstanceId).ToListAsync(Cancellation));
        Assert.Equal(["1", "greet-1"], (await host.Client.QueryInstancesAsync(query, Cancellation)).Values.Select(instance => instance.InstanceId));
        Assert.Empty((await host.Client.QueryInstancesAsync(query with { Roots = [] }, Cancellation)).Values);
        await Assert.ThrowsAsync<NotSupportedException>(() => host.Client.QueryInstancesAsync(new(RootsOnly: true), Cancellation));
        await Assert.ThrowsAsync<NotSupportedException>(() => host.Client.QueryInstancesAsync(new(ParentInstanceId: "1"), Cancellation));
    }

    [Theory]
    [InlineData("Ann", "", true)]
    [InlineData("", "Ann", false)]
    public async Task The_run_before_is_the_latest_in_whatever_order_they_are_listed(string first, string second, bool hadFailed)
    {
        await using var host = await StartAsync();
        await host.Engine.RunAsync("greet", new Name("the first of all"), "a");
        host.Engine.Pass(TimeSpan.FromDays(1));
        await host.Engine.RunAsync("greet", new Name(first), "b");
        host.Engine.Pass(TimeSpan.FromDays(1));
        await host.Engine.RunAsync("greet", new Name(second), "c");
        host.Engine.Pass(TimeSpan.FromDays(1));
        await host.Engine.RunAsync("other", null, "d");
        var now = new FakeTimeProvider(host.Engine.Now);
        var step = new TaskActivityContext(nameof(HadFailedBefore), "e", "e/1", 1, Cancellation);

        foreach (var passed in new[] { TimeSpan.Zero, TimeSpan.FromDays(30), TimeSpan.FromDays(1000) })
        {
            now.Advance(passed);
            Assert.Equal(hadFailed, await new HadFailedBefore(host.Client, now).RunAsync(step, new("greet", "e")));
        }

        // Of the last one itself it is the one before.
        Assert.Equal(!hadFailed, await new HadFailedBefore(host.Client, now).RunAsync(step, new("greet", "c")));
    }

    [Fact]
    public async Task An_instance_that_is_not_there_cannot_be_steered_and_one_that_has_ended_takes_no_harm()
    {
        await using var host = await StartAsync();
        await host.Engine.RunAsync("greet", new Name("Ann"), "ended");

        await Assert.ThrowsAsync<InstanceNotFoundException>(() => host.Client.SuspendInstanceAsync("nobody", cancellation: Cancellation));
        await Assert.ThrowsAsync<InstanceNotFoundException>(() => host.Client.RaiseEventAsync("nobody", "go", cancellation: Cancellation));
        await Assert.ThrowsAsync<InstanceNotFoundException>(() => host.Client.GetOrchestrationHistoryAsync("nobody", Cancellation));
        await host.Client.RaiseEventAsync("ended", "go", cancellation: Cancellation);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static Task<HandlerHost> StartAsync() => HandlerHost.StartAsync(registry => registry
        .AddOrchestratorFunc<Name, string>("greet", (context, name) => context.CallActivityAsync<string>("greeting", name))
        .AddOrchestratorFunc<Name, string>("other", (_, _) => Task.FromResult(""))
        .AddActivityFunc<Name, string>("greeting", (_, name) => name.Value.Length > 0 ? Task.FromResult($"Hello {name.Value}") : throw new ArgumentException("nobody")));

    private sealed record Name(string Value);
}
