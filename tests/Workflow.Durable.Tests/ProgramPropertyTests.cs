using FsCheck;
using FsCheck.Fluent;
using Workflow.Durable.Programs;
using Workflow.Durable.Tests.Hosting;
using Workflow.Testing;

namespace Workflow.Durable.Tests;

/// <summary>Whatever the steps of an orchestration are, and whenever its host goes, it ends as if nothing had happened.</summary>
[TakesLong]
public sealed class ProgramPropertyTests(HubDatabase database) : IClassFixture<HubDatabase>
{
    private static readonly Config s_runs = Config.QuickThrowOnFailure.WithMaxTest(25).WithEndSize(12);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    internal static Gen<Step> Programs()
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

            var many = from kind in Gen.Elements("sequence", "parallel", "child", "rounds")
                       from count in Gen.Choose(1, 4)
                       from parts in Of(size / count).ListOf(count)
                       select new Step(kind, count, [.. parts]);
            return Gen.Frequency((1, leaf), (4, many));
        }

        return Gen.Sized(Of);
    }

    [Fact]
    public void A_host_that_goes_at_any_time_changes_no_result() =>
        Prop.ForAll(Programs().ToArbitrary(), Gen.Choose(1, 5).ListOf(3).ToArbitrary(), (program, turnsUntilItGoes) => RunAsync(program, [.. turnsUntilItGoes]).GetAwaiter().GetResult()).Check(s_runs);

    private async Task RunAsync(Step program, int[] turnsUntilItGoes)
    {
        var hub = database.NewHub();
        const string id = "program";
        for (var life = 0; life < turnsUntilItGoes.Length; life++)
        {
            await using var host = await hub.StartHostAsync(StepPrograms.Register, options => options.MaxCachedOrchestrators = 0);
            if (life == 0)
            {
                await host.ScheduleAsync(StepPrograms.Program, program, id);
            }

            var before = await hub.TurnsTakenAsync();
            await Eventually.TrueAsync(
                async () => await hub.TurnsTakenAsync() - before >= turnsUntilItGoes[life] || (await host.Client.GetInstanceAsync(id, cancellation: Cancellation))!.IsCompleted,
                cancellation: Cancellation);
            await host.StopAsync();
        }

        await using var last = await hub.StartHostAsync(StepPrograms.Register);
        Assert.Equal(StepPrograms.Expected(program), await last.OutputAsync<string>(id));
    }
}
