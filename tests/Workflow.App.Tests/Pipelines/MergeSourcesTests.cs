using Npgsql;
using Workflow.App.Api;
using Workflow.Durable;
using Workflow.Testing;

namespace Workflow.App.Tests.Pipelines;

/// <summary>merge-sources whole: a real database, real files, and the stand-in for Slack.</summary>
public sealed class MergeSourcesTests(PostgresFixture postgres)
{
    private const string File = """[{"id":1,"name":"Ann","credit":null},{"id":2,"name":null,"tag":"x"},{"id":9,"name":"Io"}]""";
    private const string Table = "create table customers (id int, name text, credit int, email text); insert into customers values (1,'old',10,'a@x'),(2,'Bo',null,'b@x'),(2,'second',5,'c@x'),(3,'Cy',7,null)";

    [Fact]
    public async Task A_file_is_completed_from_the_table_and_written()
    {
        await using var installation = await StartAsync();
        installation.Drop("local://sources/test.json", File);
        await installation.ExecuteAsync(Table);

        var run = await installation.RunAsync("tenant", new { });

        Assert.Equal(OrchestrationRuntimeStatus.Completed, run.Status);
        Assert.Equal("id,name,credit,tag,email\n1,Ann,10,,a@x\n2,Bo,,x,b@x\n9,Io,,,\n", installation.Read("local://merged/tenant.csv"));
        Assert.Equal((3, 3, 0, 0), (Number(run, "rowsIn"), Number(run, "loaded"), Number(run, "quarantined"), Number(run, "skipped")));
        Assert.Equal((4, 2, 1), (Number(run, "databaseRows"), Number(run, "matched"), Number(run, "databaseOnly")));
        Assert.Equal("local://merged/tenant.csv", run.Output!.Value.GetProperty("written").GetString());
    }

    [Fact]
    public async Task What_was_written_and_what_the_file_lacks_is_told()
    {
        await using var installation = await StartAsync();
        installation.Drop("local://sources/test.json", File);
        await installation.ExecuteAsync("create table customers as select g as id, 'n' || g as name from generate_series(1, 25) g");

        await installation.RunAsync("tenant", new { });

        var said = await installation.SlackAsync();
        Assert.Equal(2, said.Count);
        Assert.Contains("22 rows of public.customers are not in local://sources/test.json", said[0].Text, StringComparison.Ordinal);
        Assert.Contains("id 3, 4, 5, 6, 7, 8, 10, 11, 12, 13 and 12 more", said[0].Text, StringComparison.Ordinal);
        Assert.Contains("3 rows in, 3 loaded into local://merged/tenant.csv", said[1].Text, StringComparison.Ordinal);
        Assert.All(said, message => Assert.Equal("tenants", message.Channel));
    }

    [Theory]
    [InlineData("secret", "There is no secret 'nobody/database'")]
    [InlineData("table", "nothing_here")]
    [InlineData("object", "There is no object at local://sources/none.json")]
    [InlineData("file", "'id'")]
    public async Task What_is_missing_is_named_and_told_and_the_next_run_works(string what, string says)
    {
        await using var installation = await StartAsync();
        installation.Drop("local://sources/test.json", File);
        installation.Drop("local://sources/no-id.json", """[{"name":"x"}]""");
        await installation.ExecuteAsync(Table);

        var run = await installation.RunAsync("tenant", what switch
        {
            "secret" => new { secret = "nobody/database" },
            "table" => new { table = "nothing_here" },
            "object" => new { @object = "local://sources/none.json" },
            _ => (object)new { @object = "local://sources/no-id.json" },
        });

        Assert.Equal(OrchestrationRuntimeStatus.Failed, run.Status);
        Assert.Equal("MergeIntoCsv", run.Failure!.Step);
        Assert.Contains(says, run.Failure.Message, StringComparison.Ordinal);
        Assert.Contains(says.Replace("'", "", StringComparison.Ordinal), Assert.Single(await installation.SlackAsync()).Text.Replace("'", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Empty(installation.Objects("merged"));
        Assert.Equal(OrchestrationRuntimeStatus.Completed, (await installation.RunAsync("tenant", new { })).Status);
    }

    [Fact]
    public async Task A_database_out_of_reach_is_tried_again_and_then_named()
    {
        await using var installation = await StartAsync();
        installation.Drop("local://sources/test.json", File);
        await installation.WriteDatabaseSecretAsync("away", FreePort.Next());

        var run = await installation.RunAsync("tenant", new { secret = "away", attempts = 2 });

        Assert.Equal(OrchestrationRuntimeStatus.Failed, run.Status);
        Assert.Contains("127.0.0.1", run.Failure!.Message, StringComparison.Ordinal);
        var history = await installation.Client.HistoryAsync(run.Instance, TestContext.Current.CancellationToken);
        Assert.Equal(2, history.Count(entry => entry is { Type: "TaskScheduled", Name: "MergeIntoCsv" }));
    }

    [Fact]
    public async Task A_message_that_cannot_be_sent_does_not_fail_the_run()
    {
        await using var installation = await StartAsync();
        installation.Drop("local://sources/test.json", File);
        await installation.ExecuteAsync(Table);

        foreach (var slack in new[] { "no/such/secret", "local:nowhere" })
        {
            Assert.Equal(OrchestrationRuntimeStatus.Completed, (await installation.RunAsync("tenant", new { slack })).Status);
        }
    }

    [Fact]
    public async Task The_same_run_again_writes_the_same_file()
    {
        await using var installation = await StartAsync();
        installation.Drop("local://sources/test.json", File);
        await installation.ExecuteAsync(Table);

        await installation.RunAsync("tenant", new { });
        var first = installation.Read("local://merged/tenant.csv");
        await installation.RunAsync("tenant", new { });

        Assert.Equal(first, installation.Read("local://merged/tenant.csv"));
    }

    [Fact]
    public async Task No_password_is_in_the_history_or_the_run()
    {
        await using var installation = await StartAsync();
        installation.Drop("local://sources/test.json", File);
        await installation.ExecuteAsync(Table);
        var password = new NpgsqlConnectionStringBuilder(installation.Warehouse).Password!;

        var run = await installation.RunAsync("tenant", new { });

        var history = await installation.Client.HistoryAsync(run.Instance, TestContext.Current.CancellationToken);
        Assert.DoesNotContain(history, entry => entry.Data?.Contains(password, StringComparison.Ordinal) == true);
        Assert.DoesNotContain(password, $"{run}", StringComparison.Ordinal);
    }

    private async Task<Installation> StartAsync()
    {
        var installation = (await Installation.CreateAsync(postgres)).OpenToThisMachine();
        installation.With("tenant", "merge-sources", new
        {
            @object = "local://sources/test.json",
            secret = "tenant/database",
            table = "customers",
            output = "local://merged/tenant.csv",
            slack = "local:tenants",
        });
        await installation.WriteDatabaseSecretAsync("tenant/database");
        return await installation.StartServiceAsync();
    }

    private static long Number(Run run, string name) => run.Output!.Value.GetProperty(name).GetInt64();
}
