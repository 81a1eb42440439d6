using FsCheck;
using FsCheck.Fluent;
using Workflow.Durable.Programs;
using Workflow.Durable.Tests.Hosting;
using Workflow.Testing;

namespace Workflow.Durable.Tests.Faults;

/// <summary>Orchestrations of any steps, on real processes that are killed, stopped and frozen at any moment.</summary>
[TakesLong]
public sealed class ProgramKillTests(HubDatabase database) : IClassFixture<HubDatabase>
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(120);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void However_its_hosts_go_an_orchestration_ends_as_if_nothing_had_happened() =>
        Prop.ForAll(
            ProgramPropertyTests.Programs().ListOf(20).ToArbitrary(),
            (from end in Gen.Elements("killed", "killed", "stopped", "frozen") from turns in Gen.Choose(1, 150) select (end, turns)).ListOf(6).ToArbitrary(),
            (programs, ends) => RunProgramsAsync([.. programs], [.. ends]).GetAwaiter().GetResult())
        .Check(Config.QuickThrowOnFailure.WithMaxTest(1).WithStartSize(8));

    /// <summary>Two hosts at a time. Each goes when so many turns more have been taken, and the next comes.</summary>
    private async Task RunProgramsAsync(Step[] programs, (string End, int Turns)[] ends)
    {
        var hub = database.NewHub();
        await using var client = new HubHost(hub, _ => { });  // never started: it is here for its client
        var ids = await Task.WhenAll(programs.Select(program => client.ScheduleAsync(StepPrograms.Program, program)));
        var frozen = new List<HostProcess>();
        var stays = await HostProcess.StartAsync(hub, leaseSeconds: 2);
        try
        {
            for (var life = 0; life < ends.Length; life++)
            {
                var (end, more) = ends[life];
                var goes = stays;
                stays = await HostProcess.StartAsync(hub, leaseSeconds: 2);
                var before = await hub.TurnsTakenAsync();
                await Eventually.TrueAsync(async () => await hub.TurnsTakenAsync() >= before + more || await hub.AllEndedAsync(), s_deadline, Cancellation);
                var suspended = ids[life % ids.Length];
                await client.Client.SuspendInstanceAsync(suspended, cancellation: Cancellation);
                switch (end)
                {
                    case "killed":
                        goes.Dispose();
                        break;
                    case "stopped":
                        await goes.StopAsync();
                        goes.Dispose();
                        break;
                    default:
                        goes.Signal("STOP");
                        frozen.Add(goes);
                        break;
                }

                await client.Client.ResumeInstanceAsync(suspended, cancellation: Cancellation);
            }

            foreach (var host in frozen)
            {
                host.Signal("CONT");
            }

            await Eventually.TrueAsync(() => hub.AllEndedAsync(), s_deadline, Cancellation);
            for (var i = 0; i < programs.Length; i++)
            {
                Assert.Equal(StepPrograms.Expected(programs[i]), await client.OutputAsync<string>(ids[i]));
            }

            foreach (var id in await hub.ReadAsync<string>("SELECT instance_id FROM instances WHERE name = 'Program'"))
            {
                await LegalHistory.CheckAsync(hub, client, id);
            }

            await LegalHistory.NothingIsLeftAsync(hub);
        }
        finally
        {
            stays.Dispose();
            frozen.ForEach(host => host.Dispose());
        }
    }
}
