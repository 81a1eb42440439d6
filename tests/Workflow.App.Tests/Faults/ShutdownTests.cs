using System.Net;
using System.Text.Json.Nodes;
using Npgsql;
using Workflow.Testing;

namespace Workflow.App.Tests.Faults;

/// <summary>The program told to stop as a container's host does it.</summary>
public sealed class ShutdownTests(PostgresFixture postgres)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_service_that_is_told_to_stop_is_no_longer_ready_and_ends_the_step_it_has_begun()
    {
        await using var installation = (await Installation.CreateAsync(postgres)).With("users", "csv-to-warehouse", new { table = "users" }).WriteSettings();
        await using var process = await WorkflowProcess.ServeAsync(installation);
        var address = (await process.FindAddressAsync(installation, Cancellation))!;
        using var client = installation.CreateClient(address);
        using var http = new HttpClient { BaseAddress = address };
        installation.Drop("local://in/csv/one.csv", "user_id,name\n1,Ann\n");
        await RunAsync("one");
        await client.WaitAsync("one", Cancellation);

        await using (var connection = new NpgsqlConnection(installation.Warehouse))
        {
            await connection.OpenAsync(Cancellation);
            await using var open = await connection.BeginTransactionAsync(Cancellation);
            await using (var locked = new NpgsqlCommand("LOCK TABLE users IN ACCESS EXCLUSIVE MODE", connection, open))
            {
                await locked.ExecuteNonQueryAsync(Cancellation);
            }

            installation.Drop("local://in/csv/two.csv", "user_id,name\n2,Bob\n");
            await RunAsync("two");
            await Eventually.TrueAsync(
                async () => (await installation.QueryAsync("SELECT count(*) FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"))[0] != "0",
                cancellation: Cancellation);

            process.Terminate();

            await Eventually.TrueAsync(
                async () =>
                {
                    using var ready = await http.GetAsync("health/ready", Cancellation);
                    return ready.StatusCode == HttpStatusCode.ServiceUnavailable && (await ready.Content.ReadAsStringAsync(Cancellation)).Contains("stopping", StringComparison.Ordinal);
                },
                cancellation: Cancellation);
            using var live = await http.GetAsync("health/live", Cancellation);
            Assert.Equal(HttpStatusCode.OK, live.StatusCode);
        }

        Assert.Equal(0, (await process.WaitAsync()).ExitCode);
        Assert.Equal(["1", "2"], await installation.QueryAsync("SELECT user_id FROM users ORDER BY user_id"));

        Task RunAsync(string name) => client.StartAsync("users", new JsonObject { ["object"] = $"local://in/csv/{name}.csv" }, name, Cancellation);
    }
}
