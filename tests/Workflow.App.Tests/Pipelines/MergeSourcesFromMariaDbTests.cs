using Workflow.App.Tests.Faults;
using Workflow.Cloud.Secrets;
using Workflow.Data.MySql;
using Workflow.Durable;
using Workflow.Testing;

namespace Workflow.App.Tests.Pipelines;

/// <summary>merge-sources from a real MariaDB, found by what its secret says.</summary>
public sealed class MergeSourcesFromMariaDbTests(PostgresFixture postgres, MariaDbFixture mariaDb)
{
    private const string File = """[{"id":1,"name":"Ann","credit":null},{"id":2,"name":null,"tag":"x"},{"id":9,"name":"Io"}]""";
    private const string Merged = "id,name,credit,tag,email,joined\n1,Ann,10.50,,a@x,2024-02-29\n2,Bo,,x,b@x,0000-00-00\n9,Io,,,,\n";

    [Theory]
    [InlineData("mariadb")]
    [InlineData("mysql")]
    [InlineData("aurora-mysql")]
    public async Task A_file_is_completed_from_a_table_and_written(string engine)
    {
        await using var installation = await StartAsync(engine);

        var run = await installation.RunAsync("shop", new { });

        Assert.Equal(OrchestrationRuntimeStatus.Completed, run.Status);
        Assert.Equal(Merged, installation.Read("local://merged/shop.csv"));
        var output = run.Output!.Value;
        Assert.EndsWith(".customers", output.GetProperty("sourceTable").GetString(), StringComparison.Ordinal);
        Assert.Equal((3, 2, 2, 1), (output.GetProperty("rowsIn").GetInt32(), output.GetProperty("parallelReads").GetInt32(), output.GetProperty("matched").GetInt32(), output.GetProperty("databaseOnly").GetInt32()));
    }

    [Fact]
    public async Task The_secret_may_name_the_table_and_a_user_with_few_rights_is_told()
    {
        var database = await PrepareDatabaseAsync();
        await using var installation = await StartAsync("mariadb", await database.CreateUserAsync("select"), "customers");

        var run = await installation.RunAsync("shop", new { table = (string?)null });

        Assert.Equal(OrchestrationRuntimeStatus.Completed, run.Status);
        Assert.Equal(Merged, installation.Read("local://merged/shop.csv"));
        Assert.Equal(1, run.Output!.Value.GetProperty("parallelReads").GetInt32());
        Assert.Contains("LOCK TABLES", run.Output!.Value.GetProperty("readNote").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("oracle", "engine 'oracle'")]
    [InlineData("table", "There is no table")]
    [InlineData("password", "(1045)")]
    [InlineData("no table", "has no field 'table'")]
    [InlineData("sslmode", "'sslmode'")]
    [InlineData("metadata", "No database is there")]
    [InlineData("private", "add \"10.20.30.40\" to Outbound:Allow")]
    public async Task What_cannot_be_read_is_named_at_once(string what, string says)
    {
        var database = await PrepareDatabaseAsync();
        var address = what switch
        {
            "password" => database.Address with { Password = "wrong" },
            "metadata" => database.Address with { Host = "169.254.169.254" },
            "private" => database.Address with { Host = "10.20.30.40" },
            _ => database.Address,
        };
        await using var installation = await StartAsync(what == "oracle" ? what : "mariadb", address, sslmode: what == "sslmode" ? "often" : null);

        var run = await installation.RunAsync("shop", new { table = what switch { "table" => "nothing_here", "no table" => null, _ => "customers" } });

        Assert.Equal(OrchestrationRuntimeStatus.Failed, run.Status);
        Assert.Contains(says, run.Failure!.Message, StringComparison.Ordinal);
        Assert.Empty(installation.Objects("merged"));
        var history = await installation.Client.HistoryAsync(run.Instance, TestContext.Current.CancellationToken);
        Assert.Single(history, entry => entry is { Type: "TaskScheduled", Name: "MergeIntoCsv" });
    }

    [Fact]
    public async Task A_server_out_of_reach_is_tried_again_and_then_named()
    {
        await using var installation = await StartAsync("mariadb", new("127.0.0.1", FreePort.Next(), "nobody", "nothing", "shop"));

        var run = await installation.RunAsync("shop", new { attempts = 2 });

        Assert.Equal(OrchestrationRuntimeStatus.Failed, run.Status);
        Assert.Contains("127.0.0.1", run.Failure!.Message, StringComparison.Ordinal);
        var history = await installation.Client.HistoryAsync(run.Instance, TestContext.Current.CancellationToken);
        Assert.Equal(2, history.Count(entry => entry is { Type: "TaskScheduled", Name: "MergeIntoCsv" }));
    }

    [Fact]
    public async Task It_ends_the_same_when_it_is_killed_after_each_activity()
    {
        await using var installation = await PrepareAsync("mariadb", (await PrepareDatabaseAsync()).Address);

        var killed = await KilledRun.CompleteAsync(installation, "shop", new { @object = "local://sources/test.json" });

        Assert.Equal(OrchestrationRuntimeStatus.Completed, killed.Run.Status);
        Assert.Contains("activity:MergeIntoCsv", killed.Kills.Select(kill => kill.Split(' ')[1]));
        Assert.Equal(Merged, installation.Read("local://merged/shop.csv"));
    }

    private async Task<MariaDbDatabase> PrepareDatabaseAsync()
    {
        var database = await mariaDb.CreateDatabaseAsync(TestContext.Current.CancellationToken);
        await database.ExecuteAsync(
            "set sql_mode = ''",
            "create table customers (no int auto_increment invisible primary key, id int, name text, credit decimal(9,2), email text, joined date)",
            "insert into customers values (1, 'old', 10.5, 'a@x', '2024-02-29'), (2, 'Bo', null, 'b@x', '0000-00-00'), (2, 'second', 5, 'c@x', null), (3, 'Cy', 7, null, null)");
        return database;
    }

    private async Task<Installation> StartAsync(string engine) => await StartAsync(engine, (await PrepareDatabaseAsync()).Address);

    private async Task<Installation> StartAsync(string engine, MySqlAddress address, string? table = null, string? sslmode = null) =>
        await (await PrepareAsync(engine, address, table, sslmode)).StartServiceAsync();

    private async Task<Installation> PrepareAsync(string engine, MySqlAddress address, string? table = null, string? sslmode = null)
    {
        var installation = (await Installation.CreateAsync(postgres)).OpenToThisMachine().With("shop", "merge-sources", new
        {
            @object = "local://sources/test.json",
            secret = "shop/database",
            table = table is null ? "customers" : null,
            parallelReads = 2,
            output = "local://merged/shop.csv",
        });
        var secret = new Dictionary<string, string?>
        {
            ["engine"] = engine,
            ["host"] = address.Host,
            ["port"] = $"{address.Port}",
            ["username"] = address.User,
            ["password"] = address.Password,
            ["dbname"] = address.Database,
            ["table"] = table,
            ["sslmode"] = sslmode,
        };
        await new LocalSecretStore(installation.Data.Secrets).PutAsync(
            "shop/database", secret.Where(field => field.Value is not null).ToDictionary(field => field.Key, field => field.Value!), TestContext.Current.CancellationToken);
        installation.Drop("local://sources/test.json", File);
        return installation;
    }
}
