using FsCheck;
using FsCheck.Fluent;
using Workflow.App.Commands;
using Workflow.App.Hosting;
using Workflow.Durable;
using Workflow.Testing;

namespace Workflow.App.Tests.Pipelines;

/// <summary>What holds of csv-to-warehouse whatever is in the files and whenever the machine stops. A failure prints its seed.</summary>
[TakesLong]
public sealed class PipelinePropertyTests(PostgresFixture postgres)
{
    private const int Files = 4;
    private const int RowsPerFile = 500;
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task A_file_that_is_run_twice_is_run_once()
    {
        await using var installation = await (await PrepareAsync()).StartServiceAsync();
        var table = 0;

        Prop.ForAll(Lines(), lines => Wait(async () =>
        {
            var input = new { @object = "local://twice/csv/x.csv", table = $"t{++table}" };
            var text = "user_id,a,b\n" + string.Concat(lines.Select(line => line + "\n"));
            var states = new List<string>();
            for (var time = 0; time < 2; time++)
            {
                installation.Drop(input.@object, text);
                var output = (await installation.RunAsync("users", input)).Output!.Value;
                Assert.Equal(Number("rowsIn"), Number("loaded") + Number("quarantined") + Number("skipped"));
                states.Add($"{string.Join(';', await TableAsync(installation, input.table))} {string.Join(';', installation.Objects("twice"))}");

                long Number(string name) => output.GetProperty(name).GetInt64();
            }

            Assert.Equal(states[0], states[1]);
            Directory.Delete(Path.Combine(installation.Data.Objects, "twice"), recursive: true);
        })).Check(Config.QuickThrowOnFailure.WithMaxTest(15));
    }

    [Fact]
    public void A_service_that_is_killed_at_any_moment_ends_up_where_it_would_have() =>
        Prop.ForAll(Gen.Choose(0, 2_000).ToArbitrary(), milliseconds => Wait(async () =>
        {
            await using var installation = (await PrepareAsync(watch: "local://crash/csv/")).WriteSettings();
            await using (var service = await WorkflowProcess.ServeAsync(installation))
            {
                for (var file = 0; file < Files; file++)
                {
                    installation.Drop($"local://crash/csv/{file}.csv", "user_id,name\n" + string.Concat(Enumerable.Range(file * RowsPerFile, RowsPerFile).Select(id => $"{id},n{id}\n")) + "short\n");
                }

                await Task.Delay(TimeSpan.FromMilliseconds(milliseconds), TimeProvider.System);
                await service.KillAsync();
            }

            await using var again = await WorkflowProcess.ServeAsync(installation);
            using var client = installation.CreateClient((await ServiceRecord.FindAsync(installation.Data, default))!.Address);
            await Eventually.TrueAsync(async () => (await client.ListAsync("users", null, 100, null, default)).Runs is { Count: Files } runs && runs.All(run => run.HasEnded()), Deadline);

            Assert.All((await client.ListAsync(null, null, 100, null, default)).Runs, run => Assert.Equal(OrchestrationRuntimeStatus.Completed, run.Status));
            Assert.Equal([$"{Files * RowsPerFile}|{Files * RowsPerFile}"], await installation.QueryAsync("select count(*), count(distinct user_id) from users"));
            Assert.Equal([$"{Files}|{Files * (RowsPerFile + 1)}|{Files}"], await installation.QueryAsync("select count(*), sum(rows_in), sum(quarantined) from load_ledger"));
            Assert.Equal([.. Names("processed"), .. Names("quarantine")], installation.Objects("crash"));
        })).Check(Config.QuickThrowOnFailure.WithMaxTest(6));

    private static IEnumerable<string> Names(string area) => Enumerable.Range(0, Files).Select(file => $"{area}/{file}.csv");

    private static Arbitrary<List<string>> Lines()
    {
        var good = from key in Gen.Choose(1, 9) from a in Gen.Elements("1", "2.5", "") from b in Gen.Elements("x", "\"q\"\"q\"", "\"two\nlines\"") select $"{key},{a},{b}";
        return Gen.Frequency((8, good), (1, Gen.Elements("ragged", ",no,key", "4,a\"b,c"))).ListOf().ToArbitrary();
    }

    private static async Task<IReadOnlyList<string>> TableAsync(Installation installation, string table) =>
        await installation.QueryAsync($"select to_regclass('{table}') is null") is ["True"] ? [] : await installation.QueryAsync($"select user_id, a::text, b::text from {table} order by 1");

    private async Task<Installation> PrepareAsync(string? watch = null) =>
        (await Installation.CreateAsync(postgres)).With("users", "csv-to-warehouse", new { table = "users" }, watch);

    // FsCheck's own asynchronous properties do not print the seed when they fail.
    private static void Wait(Func<Task> test) => Task.Run(test).GetAwaiter().GetResult();
}
