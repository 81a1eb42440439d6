using System.Text.Json.Nodes;
using Npgsql;
using Workflow.Testing;

namespace Workflow.App.Tests.Faults;

/// <summary>Hosts that share a schedule are killed (SIGKILL): each tick is one run, and none is missing.</summary>
public sealed class ScheduleKillTests(PostgresFixture postgres)
{
    private const int Advancing = 20250101;

    // Other tests wait for locks of theirs on the same server.
    private const string OfThisDatabase = "database = (select oid from pg_database where datname = current_database())";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_tick_is_one_run_although_hosts_are_killed_between_the_start_of_a_run_and_its_being_noted_and_at_any_moment()
    {
        await using var installation = (await Installation.CreateAsync(postgres)).With("p", "csv-to-warehouse", new { @object = "local://nothing/csv/", table = "t" });
        installation.Settings["Pipelines"]!["p"]!["Trigger"] = new JsonObject { ["Schedule"] = "* * * * * *", ["Overlap"] = "Allow", ["CatchUp"] = "All" };
        installation.WriteSettings();
        await using var hub = new NpgsqlConnection((string)installation.Settings["ConnectionStrings"]!["Hub"]!);
        await hub.OpenAsync(Cancellation);

        // The first host is held when it has started a run and would say so: neither is done.
        await using var first = await WorkflowProcess.ServeAsync(installation);
        await RunsAsync(atLeast: 2);
        await ExecuteAsync($"create function held() returns trigger language plpgsql as 'begin perform pg_advisory_xact_lock({Advancing}); return new; end'");
        await ExecuteAsync($"select pg_advisory_lock({Advancing})");
        await ExecuteAsync("create trigger held before update on durable_service.schedules for each row execute function held()");
        await Eventually.TrueAsync(async () => await ReadAsync($"select count(*) from pg_locks where objid = {Advancing} and not granted and {OfThisDatabase}") is ["1"]);
        var before = await RunsAsync(atLeast: 2);
        Assert.Equal([before[^1]], await ReadAsync("select last_instance from durable_service.schedules where pipeline = 'p'"));
        await using var second = await WorkflowProcess.ServeAsync(installation);
        await first.KillAsync();
        await ExecuteAsync($"select pg_advisory_unlock({Advancing})");
        await ExecuteAsync("drop trigger held on durable_service.schedules");
        await GoesOnAsync();

        await using var third = await WorkflowProcess.ServeAsync(installation);
        await second.KillAsync();
        await GoesOnAsync();

        var runs = await RunsAsync(atLeast: 5);
        var ticks = runs.Select(run => DateTimeOffset.ParseExact(run, "'p-'yyyyMMdd'T'HHmmss'Z'", null, System.Globalization.DateTimeStyles.AssumeUniversal)).ToList();
        Assert.Equal(Enumerable.Range(0, ticks.Count).Select(second => ticks[0].AddSeconds(second)), ticks);

        async Task GoesOnAsync()
        {
            var there = (await RunsAsync(atLeast: 0)).Count;
            await RunsAsync(atLeast: there + 2);
        }

        Task<IReadOnlyList<string>> RunsAsync(int atLeast) =>
            Eventually.GetAsync(() => ReadAsync("select instance_id from durable.instances where name = 'p' order by 1"), runs => runs.Count >= atLeast, TimeSpan.FromSeconds(60));

        async Task ExecuteAsync(string sql)
        {
            await using var command = new NpgsqlCommand(sql, hub);
            await command.ExecuteNonQueryAsync(Cancellation);
        }

        async Task<IReadOnlyList<string>> ReadAsync(string sql)
        {
            await using var command = new NpgsqlCommand(sql, hub);
            await using var reader = await command.ExecuteReaderAsync(Cancellation);
            var rows = new List<string>();
            while (await reader.ReadAsync(Cancellation))
            {
                rows.Add($"{reader.GetValue(0)}");
            }

            return rows;
        }
    }
}
