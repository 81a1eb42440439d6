using FsCheck;
using FsCheck.Fluent;
using Workflow.Durable.Tests.Hosting;
using Workflow.Testing;

namespace Workflow.Durable.Tests;

/// <summary>Whatever the steps of an orchestration are, and whenever its host goes, it ends as if nothing had happened.</summary>
public sealed class ProgramPropertyTests(HubDatabase database) : IClassFixture<HubDatabase>
{
    private static readonly Config s_runs = Config.QuickThrowOnFailure.WithMaxTest(25).WithEndSize(12);

    /// <summary>What an orchestration does: the kinds are the cases of <see cref="RunAsync"/>.</summary>
    public sealed record Step(string Kind, int Number, IReadOnlyList<Step> Parts);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static Arbitrary<Step> Programs()
    {
        static Gen<Step> Of(int size)
        {
            var leaf = from kind in Gen.Elements("activity", "timer", "event", "flaky", "fails")
                       from number in Gen.Choose(0, 9)
                       select new Step(kind, number, []);
            if (size <= 1)
            {
                return leaf;
            }

            var many = from kind in Gen.Elements("sequence", "parallel", "child")
                       from count in Gen.Choose(1, 4)
                       from parts in Of(size / count).ListOf(count)
                       select new Step(kind, count, [.. parts]);
            return Gen.Frequency((1, leaf), (4, many));
        }

        return Gen.Sized(Of).ToArbitrary();
    }

    private static async Task<string> RunAsync(TaskOrchestrationContext context, Step step)
    {
        switch (step.Kind)
        {
            case "activity":
                return await context.CallActivityAsync<string>("Echo", step.Number);
            case "timer":
                await context.CreateTimer(TimeSpan.FromMilliseconds(step.Number), CancellationToken.None);
                return $"t{step.Number}";
            case "event":
                // Each instance sends its event to itself, so that those of its children do not get in its way.
                context.SendEvent(context.InstanceId, $"event {step.Number}", step.Number);
                return $"e{await context.WaitForExternalEvent<int>($"event {step.Number}", CancellationToken.None)}";
            case "flaky":
                var retry = new TaskOptions(new RetryPolicy(4, TimeSpan.FromMilliseconds(1), 2));
                return await context.CallActivityAsync<string>("FailsAtFirst", step.Number % 4, retry);
            case "fails":
                try
                {
                    return await context.CallActivityAsync<string>("FailsAlways", step.Number);
                }
                catch (TaskFailedException failed)
                {
                    return $"f({failed.FailureDetails.ErrorMessage})";
                }

            case "child":
                return $"c[{string.Join(' ', await Task.WhenAll(step.Parts.Select(part => context.CallSubOrchestratorAsync<string>("Program", part))))}]";
            case "parallel":
                return $"p[{string.Join(' ', await Task.WhenAll(step.Parts.Select(part => RunAsync(context, part))))}]";
            default:
                var results = new List<string>();
                foreach (var part in step.Parts)
                {
                    results.Add(await RunAsync(context, part));
                }

                return $"s[{string.Join(' ', results)}]";
        }
    }

    /// <summary>What <see cref="RunAsync"/> is to return, worked out without any runtime.</summary>
    private static string Expected(Step step) => step.Kind switch
    {
        "activity" => $"a{step.Number}",
        "timer" => $"t{step.Number}",
        "event" => $"e{step.Number}",
        "flaky" => $"r{step.Number % 4}",
        "fails" => $"f(no {step.Number})",
        var many => $"{many[0]}[{string.Join(' ', step.Parts.Select(Expected))}]",
    };

    private static void Register(DurableTaskRegistry registry) => registry
        .AddOrchestratorFunc<Step, string>("Program", RunAsync)
        .AddActivityFunc<int, string>("Echo", (_, number) => Task.FromResult($"a{number}"))
        .AddActivityFunc<int, string>("FailsAtFirst", (context, times) =>
            context.Attempt <= times ? throw new InvalidOperationException("not yet") : Task.FromResult($"r{times}"))
        .AddActivityFunc<int, string>("FailsAlways", (_, number) => throw new InvalidOperationException($"no {number}"));

    [Fact]
    public void A_host_that_goes_at_any_time_changes_no_result() =>
        Prop.ForAll(Programs(), Gen.Choose(1, 5).ListOf(3).ToArbitrary(), (program, turnsUntilItGoes) => RunAsync(program, [.. turnsUntilItGoes]).GetAwaiter().GetResult()).Check(s_runs);

    private async Task RunAsync(Step program, int[] turnsUntilItGoes)
    {
        var hub = database.NewHub();
        const string id = "program";
        for (var life = 0; life < turnsUntilItGoes.Length; life++)
        {
            await using var host = await hub.StartHostAsync(Register, options => options.MaxCachedOrchestrators = 0);
            if (life == 0)
            {
                await host.ScheduleAsync("Program", program, id);
            }

            var before = await TurnsAsync(hub);
            await Eventually.TrueAsync(
                async () => await TurnsAsync(hub) - before >= turnsUntilItGoes[life] || (await host.Client.GetInstanceAsync(id, cancellation: Cancellation))!.IsCompleted,
                cancellation: Cancellation);
            await host.StopAsync();
        }

        await using var last = await hub.StartHostAsync(Register);
        Assert.Equal(Expected(program), await last.OutputAsync<string>(id));
    }

    private static async Task<long> TurnsAsync(TestHub hub) => await hub.ReadOneAsync<long>("SELECT coalesce(sum(turn), 0)::bigint FROM instances");
}
