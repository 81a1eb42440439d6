using Workflow.Durable.Tests.Hosting;

namespace Workflow.Durable.Tests;

public sealed class SubOrchestrationTests(HubDatabase database) : IClassFixture<HubDatabase>
{
    [Fact]
    public async Task A_child_knows_its_parent_and_the_parent_gets_its_output()
    {
        await using var host = await database.StartHostAsync(registry => registry
            .AddOrchestratorFunc<string, string>("Parent", (context, input) => context.CallSubOrchestratorAsync<string>("Child", input))
            .AddOrchestratorFunc<string, string>("Child", (context, input) =>
                Task.FromResult($"{input} from {context.Parent!.Name} {context.Parent.InstanceId} to {context.InstanceId}")));

        var id = await host.ScheduleAsync("Parent", "word", "the-parent");
        var output = await host.OutputAsync<string>(id);

        var child = Assert.Single((await host.Client.QueryInstancesAsync(new OrchestrationQuery(Name: "Child"))).Values);
        Assert.Equal($"word from Parent the-parent to {child.InstanceId}", output);
        Assert.StartsWith("the-parent:", child.InstanceId, StringComparison.Ordinal);
        Assert.Equal(id, child.ParentInstanceId);
        Assert.Null((await host.Client.GetInstanceAsync(id))!.ParentInstanceId);
    }

    [Fact]
    public async Task A_chosen_id_is_the_childs_id()
    {
        await using var host = await database.StartHostAsync(registry => registry
            .AddOrchestratorFunc<int, string>("Parent", (context, _) =>
                context.CallSubOrchestratorAsync<string>("Child", null, new SubOrchestrationOptions(InstanceId: "chosen")))
            .AddOrchestratorFunc<string?, string>("Child", (context, _) => Task.FromResult(context.InstanceId)));

        Assert.Equal("chosen", await host.OutputAsync<string>("Parent", 1));
    }

    [Fact]
    public async Task Children_nest_three_deep_and_fan_out_at_each_level()
    {
        await using var host = await database.StartHostAsync(registry => registry
            .AddOrchestratorFunc<int, int>("Tree", async (context, depth) => depth == 0
                ? await context.CallActivityAsync<int>("Leaf")
                : (await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => context.CallSubOrchestratorAsync<int>("Tree", depth - 1)))).Sum())
            .AddActivityFunc<string?, int>("Leaf", (_, _) => Task.FromResult(1)));

        Assert.Equal(64, await host.OutputAsync<int>("Tree", 3));
        Assert.Equal(1 + 4 + 16 + 64, (await host.Client.QueryInstancesAsync(new OrchestrationQuery(Statuses: [OrchestrationRuntimeStatus.Completed]))).Values.Count);
    }

    [Fact]
    public async Task A_failed_child_fails_the_step_with_its_own_failure()
    {
        await using var host = await database.StartHostAsync(registry => registry
            .AddOrchestratorFunc<int, int>("Parent", (context, _) => context.CallSubOrchestratorAsync<int>("Child"))
            .AddOrchestratorFunc<string?, int>("Child", (_, _) => throw new InvalidDataException("bad data")));

        var failure = await host.FailureAsync("Parent", 1);

        Assert.Equal("Step 0 'Child' failed: bad data", failure.ErrorMessage);
        Assert.True(failure.InnerFailure!.IsCausedBy<InvalidDataException>());
    }

    [Fact]
    public async Task An_id_in_use_fails_the_step_and_leaves_its_owner_alone()
    {
        await using var host = await database.StartHostAsync(registry => registry
            .AddOrchestratorFunc<int, string>("Parent", async (context, _) =>
            {
                try
                {
                    return await context.CallSubOrchestratorAsync<string>("Owner", null, new SubOrchestrationOptions(InstanceId: "taken"));
                }
                catch (TaskFailedException failed)
                {
                    return failed.FailureDetails.ToString();
                }
            })
            .AddOrchestratorFunc<string?, string>("Owner", (context, _) => context.WaitForExternalEvent<string>("go")));
        await host.ScheduleAsync("Owner", id: "taken");
        await host.StatusAsync("taken", OrchestrationRuntimeStatus.Running);

        var output = await host.OutputAsync<string>("Parent", 1);

        Assert.Contains(nameof(OrchestrationAlreadyExistsException), output, StringComparison.Ordinal);
        Assert.Contains("instance 'taken' already exists and has not ended", output, StringComparison.Ordinal);
        await host.Client.RaiseEventAsync("taken", "go", "on");
        Assert.Equal("on", await host.OutputAsync<string>("taken"));
    }

    [Fact]
    public async Task Two_children_of_one_turn_cannot_share_an_id_nor_take_the_parents()
    {
        await using var host = await database.StartHostAsync(registry => registry
            .AddOrchestratorFunc<int, string>("Parent", async (context, _) =>
            {
                Task<string>[] calls = [Call("twin"), Call("twin"), Call(context.InstanceId)];
                await Task.WhenAll(calls.Select(call => call.ContinueWith(_ => { }, TaskContinuationOptions.ExecuteSynchronously)));
                return string.Join(',', calls.Select(call => call.IsFaulted ? "refused" : call.Result));

                Task<string> Call(string id) => context.CallSubOrchestratorAsync<string>("Child", null, new SubOrchestrationOptions(InstanceId: id));
            })
            .AddOrchestratorFunc<string?, string>("Child", (context, _) => Task.FromResult(context.InstanceId)));

        Assert.Equal("twin,refused,refused", await host.OutputAsync<string>("Parent", 1));
    }

    [Fact]
    public async Task An_ended_instance_gives_its_id_to_a_child()
    {
        await using var host = await database.StartHostAsync(registry => registry
            .AddOrchestratorFunc<int, string>("Parent", (context, _) =>
                context.CallSubOrchestratorAsync<string>("Child", "second", new SubOrchestrationOptions(InstanceId: "again")))
            .AddOrchestratorFunc<string, string>("Child", (_, input) => Task.FromResult(input)));
        Assert.Equal("first", (await host.RunAsync("Child", "first", "again")).ReadOutputAs<string>());

        Assert.Equal("second", await host.OutputAsync<string>("Parent", 1));
    }

    [Fact]
    public async Task A_terminated_child_fails_the_step_and_no_retry_brings_it_back()
    {
        await using var host = await database.StartHostAsync(registry => registry
            .AddOrchestratorFunc<int, string>("Parent", async (context, _) =>
            {
                try
                {
                    var retry = new SubOrchestrationOptions(new RetryPolicy(3, TimeSpan.Zero), "child");
                    return await context.CallSubOrchestratorAsync<string>("Child", null, retry);
                }
                catch (TaskFailedException failed)
                {
                    return failed.FailureDetails.ErrorMessage;
                }
            })
            .AddOrchestratorFunc<string?, string>("Child", (context, _) => context.WaitForExternalEvent<string>("never")));
        var id = await host.ScheduleAsync("Parent", 1);
        await host.StatusAsync("child", OrchestrationRuntimeStatus.Running);

        await host.Client.TerminateInstanceAsync("child");

        Assert.Equal("Sub-orchestration 'Child' (instance 'child') was terminated.", await host.OutputAsync<string>(id));
    }

    [Theory]
    [InlineData(null, 3)]
    [InlineData("fixed", 1)]
    public async Task A_retry_starts_the_child_anew(string? childId, int instances)
    {
        var runs = 0;
        await using var host = await database.StartHostAsync(registry => registry
            .AddOrchestratorFunc<int, int>("Parent", (context, _) => context.CallSubOrchestratorAsync<int>(
                "Child", null, new SubOrchestrationOptions(new RetryPolicy(5, TimeSpan.FromMilliseconds(1)), childId)))
            .AddOrchestratorFunc<string?, int>("Child", async (context, _) => await context.CallActivityAsync<int>("Count") is var run && run < 3
                ? throw new IOException($"run {run}")
                : run)
            .AddActivityFunc<string?, int>("Count", (_, _) => Task.FromResult(Interlocked.Increment(ref runs))));

        Assert.Equal(3, await host.OutputAsync<int>("Parent", 1));
        Assert.Equal(instances, (await host.Client.QueryInstancesAsync(new OrchestrationQuery(Name: "Child"))).Values.Count);
    }

    [Fact]
    public async Task A_child_that_nobody_can_run_fails_and_so_does_one_whose_name_the_database_refuses()
    {
        await using var host = await database.StartHostAsync(registry => registry
            .AddOrchestratorFunc<int, int>("Halves", (context, _) => context.CallSubOrchestratorAsync<int>("half a pair: \ud83d"))
            .AddOrchestratorFunc<string, int>("Parent", (context, child) => context.CallSubOrchestratorAsync<int>(child)));

        Assert.Contains("No orchestrator is registered as 'Missing'", (await host.FailureAsync("Parent", "Missing")).ErrorMessage, StringComparison.Ordinal);
        Assert.Equal(OrchestrationRuntimeStatus.Failed, (await host.RunAsync("Parent", "nul\0")).RuntimeStatus);
        Assert.Equal(OrchestrationRuntimeStatus.Failed, (await host.RunAsync("Halves", 1)).RuntimeStatus);
        Assert.Contains("No orchestrator is registered as 'Missing'", (await host.FailureAsync("Parent", "Missing")).ErrorMessage, StringComparison.Ordinal);
    }
}
