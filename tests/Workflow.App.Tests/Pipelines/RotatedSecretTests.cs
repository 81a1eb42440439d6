using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Npgsql;
using Workflow.Cloud.Local;
using Workflow.Data.MySql;
using Workflow.Durable;
using Workflow.Testing;

namespace Workflow.App.Tests.Pipelines;

/// <summary>A source whose password changes under a service that has it in memory.</summary>
public sealed class RotatedSecretTests(PostgresFixture postgres, MariaDbFixture mariaDb)
{
    private const string Secret = "sources/orders";

    private readonly string _role = $"reader_{Guid.NewGuid():N}";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_database_whose_password_was_rotated_is_read_with_the_new_one()
    {
        await using var installation = await StartAsync();
        await RotateAsync(installation, "create", "first-password");
        await StoreAsync(installation, "first-password");
        Assert.Equal(OrchestrationRuntimeStatus.Completed, (await installation.RunAsync("orders", new { })).Status);

        await RotateAsync(installation, "alter", "second-password");
        await StoreAsync(installation, "second-password");
        var run = await installation.RunAsync("orders", new { });

        Assert.Equal(OrchestrationRuntimeStatus.Completed, run.Status);
        Assert.Equal("id,name\n1,Ann\n2,Bo\n", installation.Read("local://merged/orders.csv"));
        // One step: the password was found out of date and replaced within it.
        Assert.Single(await installation.Client.HistoryAsync(run.Instance, Cancellation), entry => entry is { Type: "TaskScheduled", Name: "MergeIntoCsv" });
    }

    [Fact]
    public async Task A_password_that_is_wrong_in_the_store_too_fails_the_run_and_is_not_shown()
    {
        await using var installation = await StartAsync();
        await RotateAsync(installation, "create", "first-password");
        await StoreAsync(installation, "wrong-password");

        var run = await installation.RunAsync("orders", new { });

        Assert.Equal(OrchestrationRuntimeStatus.Failed, run.Status);
        Assert.Contains($"The database of secret '{Secret}' refused", run.Failure!.Message, StringComparison.Ordinal);
        Assert.Contains(PostgresErrorCodes.InvalidPassword, run.Failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("wrong-password", JsonSerializer.Serialize(run), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cluster_of_Redshift_whose_password_was_rotated_is_read_with_the_new_one()
    {
        await using var installation = (await (await Installation.CreateAsync(postgres)).WithRedshiftAsync(postgres)).OpenToThisMachine().With("segments", "segment-customers", SegmentCustomersWarehouse.Options);
        installation.Settings["Secrets"] = new JsonObject { ["Store"] = "aws" };
        installation.Settings["Warehouse"]!["Secret"] = Secret;
        // A connection that is open is not asked for its password again.
        installation.Settings["Warehouse"]!["Redshift"] = "Pooling=false;SSL Mode=Disable";
        await SegmentCustomersWarehouse.FillAsync(installation);
        await RotateAsync(installation, "create", "first-password", "users, crm");
        await StoreAsync(installation, "first-password", "redshift");
        await installation.StartServiceAsync();
        Assert.Equal(OrchestrationRuntimeStatus.Completed, (await installation.RunAsync("segments", new { })).Status);

        await RotateAsync(installation, "alter", "second-password", "users, crm");
        await StoreAsync(installation, "second-password", "redshift");
        var run = await installation.RunAsync("segments", new { model = "latest" });

        Assert.Equal(OrchestrationRuntimeStatus.Completed, run.Status);
        Assert.Single(await installation.Client.HistoryAsync(run.Instance, Cancellation), entry => entry is { Type: "TaskScheduled", Name: "PrepareCustomers" });
        await RotateAsync(installation, "alter", "third-password", "users, crm");
        var refused = await installation.RunAsync("segments", new { });
        Assert.Contains($"password authentication failed for user \"{_role}\"", refused.Failure!.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("-password", JsonSerializer.Serialize(refused), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_MariaDB_whose_password_was_rotated_is_read_with_the_new_one()
    {
        var database = await mariaDb.CreateDatabaseAsync(Cancellation);
        await database.ExecuteAsync("create table people (id int primary key, name text)", "insert into people values (1, 'Ann'), (2, 'Bea')");
        var reader = await database.CreateUserAsync("select", password: "first-password");
        await using var installation = await StartAsync();
        await StoreAsync(installation, reader);
        Assert.Equal(OrchestrationRuntimeStatus.Completed, (await installation.RunAsync("orders", new { })).Status);

        await database.ExecuteAsync($"alter user {reader.User}@'%' identified by 'second-password'");
        await StoreAsync(installation, reader with { Password = "second-password" });
        var run = await installation.RunAsync("orders", new { });

        Assert.Equal(OrchestrationRuntimeStatus.Completed, run.Status);
        Assert.Equal("id,name\n1,Ann\n2,Bo\n", installation.Read("local://merged/orders.csv"));
        Assert.Single(await installation.Client.HistoryAsync(run.Instance, Cancellation), entry => entry is { Type: "TaskScheduled", Name: "MergeIntoCsv" });
    }

    [Fact]
    public async Task A_run_that_Salesforce_has_ended_the_session_and_the_password_of_goes_on_with_the_new_one()
    {
        const string Segments = "local://scores/day.csv";
        await using var installation = (await Installation.CreateAsync(postgres)).With("sync", "sync-salesforce", new { Secret, PollEvery = "00:00:00.0100000" });
        installation.Settings["Secrets"] = new JsonObject { ["Store"] = "aws" };
        var salesforce = new LocalSalesforce(installation.Data.Path, TimeProvider.System);
        await salesforce.PutContactsAsync([LocalContact.Create(1, "ann@example.com")], Cancellation);
        await installation.StartServiceAsync();
        var first = LocalSalesforce.Secret("local");
        await StoreAsync(installation, first);
        installation.Drop(Segments, "user_id,segment,email\n1,4,ann@example.com\n");
        Assert.Equal(OrchestrationRuntimeStatus.Completed, (await installation.RunAsync("sync", new { @object = Segments })).Status);

        // The contacts have been asked for with the old session when the upload is refused with it.
        await StoreAsync(installation, new Dictionary<string, string>(first) { ["password"] = "second-password" });
        using var http = new HttpClient { BaseAddress = installation.Address };
        (await http.PostAsJsonAsync("/local/salesforce/faults", new LocalSalesforce.Fault("/batches", 1, NewPassword: "second-password"), Cancellation)).EnsureSuccessStatusCode();
        installation.Drop(Segments, "user_id,segment,email\n1,5,ann@example.com\n");
        var run = await installation.RunAsync("sync", new { @object = Segments });

        Assert.Equal(OrchestrationRuntimeStatus.Completed, run.Status);
        Assert.Equal("5", Assert.Single(await salesforce.ReadContactsAsync(Cancellation)).Segment);
        Assert.Single(await installation.Client.HistoryAsync(run.Instance, Cancellation), entry => entry is { Type: "TaskScheduled", Name: "SendPart" });
    }

    private async Task<Installation> StartAsync()
    {
        var installation = (await Installation.CreateAsync(postgres)).OpenToThisMachine().With("orders", "merge-sources", new { Object = "local://sources/orders.json", Secret, Table = "people", Output = "local://merged/orders.csv" });
        installation.Settings["Secrets"] = new JsonObject { ["Store"] = "aws" };
        installation.Drop("local://sources/orders.json", """[{"id":1,"name":null},{"id":2,"name":"Bo"}]""");
        await installation.ExecuteAsync("create table people (id int primary key, name text); insert into people values (1, 'Ann'), (2, 'Bea')");
        return await installation.StartServiceAsync();
    }

    private Task RotateAsync(Installation installation, string how, string password, string tables = "people") =>
        installation.ExecuteAsync($"{how} role {_role} login password '{password}'; grant select on {tables} to {_role}");

    private async Task StoreAsync(Installation installation, string password, string engine = "postgres")
    {
        var database = new NpgsqlConnectionStringBuilder(installation.Warehouse);
        await StoreAsync(installation, new { engine, host = database.Host, port = database.Port, username = _role, password, dbname = database.Database });
    }

    private static Task StoreAsync(Installation installation, MySqlAddress database) =>
        StoreAsync(installation, new { engine = "mariadb", host = database.Host, port = database.Port, username = database.User, password = database.Password, dbname = database.Database });

    private static async Task StoreAsync(Installation installation, object fields) =>
        await new LocalSecretsManager(installation.Data.Path, TimeProvider.System).PutAsync(new(Secret, JsonSerializer.Serialize(fields)), Cancellation);
}
