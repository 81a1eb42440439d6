using System.Text.Json;
using Npgsql;
using Workflow.Testing;

namespace Workflow.App.Tests.Commands;

/// <summary>The program as users and scripts start it: what it prints where, and how it ends.</summary>
[TakesLong]
public sealed class CommandLineTests(PostgresFixture postgres)
{
    private const string Users = "user_id,name\n1,Ann\n2,Bo\n";
    private static readonly string[] RunFields = ["instance", "pipeline", "status", "output", "failure"];

    [Fact]
    public async Task A_run_hosts_a_service_where_none_is_and_prints_one_document()
    {
        await using var installation = await PrepareAsync();
        installation.Drop("local://tool/csv/users.csv", Users);

        var result = await RunAsync(installation, "run", "users", "--input", """{"object":"local://tool/csv/users.csv"}""", "--wait", "--json");

        var run = Document(result, exitCode: 0);
        Assert.Equal(RunFields, run.EnumerateObject().Select(property => property.Name).Take(RunFields.Length));
        Assert.Equal("Completed", run.GetProperty("status").GetString());
        Assert.Equal((2, 2, 0, 0), (Count("rowsIn"), Count("loaded"), Count("quarantined"), Count("skipped")));
        Assert.Equal(JsonValueKind.Null, run.GetProperty("failure").ValueKind);
        Assert.Equal(["2"], await installation.QueryAsync("select count(*) from users"));

        int Count(string name) => run.GetProperty("output").GetProperty(name).GetInt32();
    }

    [Fact]
    public async Task A_failed_run_is_a_document_too_and_ends_with_1()
    {
        await using var installation = await PrepareAsync();
        installation.Drop("local://tool/csv/empty.csv", "");

        var result = await RunAsync(installation, "run", "users", "--input", """{"object":"local://tool/csv/empty.csv"}""", "--wait", "--json");

        var run = Document(result, exitCode: 1);
        Assert.Equal("Failed", run.GetProperty("status").GetString());
        Assert.Equal(JsonValueKind.Null, run.GetProperty("output").ValueKind);
        Assert.Equal("LoadCsv", run.GetProperty("failure").GetProperty("step").GetString());
        Assert.Contains("empty", run.GetProperty("failure").GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_asked_without_a_service_waits_for_one()
    {
        await using var installation = await PrepareAsync();
        installation.Drop("local://tool/csv/users.csv", Users);

        var started = Document(await RunAsync(installation, "run", "users", "--instance", "later", "--input", """{"object":"local://tool/csv/users.csv"}""", "--json"), exitCode: 0);
        Assert.Equal("Pending", started.GetProperty("status").GetString());
        Assert.Equal("Pending", Document(await RunAsync(installation, "status", "later", "--json"), exitCode: 0).GetProperty("status").GetString());

        await using var service = await WorkflowProcess.ServeAsync(installation);
        var done = Document(await RunAsync(installation, "run", "users", "--instance", "later", "--input", """{"object":"local://tool/csv/users.csv"}""", "--wait", "--json"), exitCode: 0);
        Assert.Equal("Completed", done.GetProperty("status").GetString());
        Assert.Equal("later", Document(await RunAsync(installation, "list", "--json"), exitCode: 0).GetProperty("runs")[0].GetProperty("instance").GetString());
        Assert.Contains(Document(await RunAsync(installation, "history", "later", "--json"), exitCode: 0).EnumerateArray(), entry => entry.GetProperty("name").GetString() == "LoadCsv");

        Assert.Equal(1, Document(await RunAsync(installation, "purge", "later", "--json"), exitCode: 0).GetProperty("count").GetInt32());
        Assert.Equal(2, (await RunAsync(installation, "status", "later")).ExitCode);
    }

    [Fact]
    public async Task A_run_can_be_suspended_resumed_and_terminated()
    {
        await using var installation = await PrepareAsync();
        await RunAsync(installation, "run", "users", "--instance", "held", "--input", """{"object":"local://tool/csv/users.csv"}""");

        Document(await RunAsync(installation, "suspend", "held", "--reason", "wait", "--json"), exitCode: 0);
        await using var service = await WorkflowProcess.ServeAsync(installation);
        await StatusIsAsync("Suspended");

        Document(await RunAsync(installation, "terminate", "held", "--json"), exitCode: 0);
        await StatusIsAsync("Terminated");

        var tooLate = await RunAsync(installation, "resume", "held");
        Assert.Equal(2, tooLate.ExitCode);
        Assert.Contains("Terminated", tooLate.Errors, StringComparison.Ordinal);

        Task StatusIsAsync(string status) => Eventually.TrueAsync(
            async () => Document(await RunAsync(installation, "status", "held", "--json"), exitCode: 0).GetProperty("status").GetString() == status);
    }

    [Fact]
    public async Task An_event_can_be_raised()
    {
        await using var installation = await PrepareAsync();
        await RunAsync(installation, "run", "users", "--instance", "heard", "--input", """{"object":"local://tool/csv/users.csv"}""");

        var raised = Document(await RunAsync(installation, "raise", "heard", "Approved", "--input", """{"by":"ops"}""", "--json"), exitCode: 0);

        Assert.Equal("heard", raised.GetProperty("instance").GetString());
    }

    [Fact]
    public async Task The_connection_string_is_that_of_the_database_in_use()
    {
        await using var installation = await PrepareAsync();

        var result = await RunAsync(installation, "connection");

        Assert.Equal(0, result.ExitCode);
        Assert.Equal(installation.Warehouse, result.Output.Trim());
    }

    [Fact]
    public async Task Without_any_settings_the_embedded_database_is_in_use_and_stays_up_for_whoever_asked()
    {
        await using var installation = await Installation.CreateAsync(postgres);

        var connection = Document(await RunAsync(installation, "connection", "--json"), exitCode: 0).GetProperty("warehouse").GetString() + ";Pooling=false";

        await using (var up = new NpgsqlConnection(connection))
        {
            await up.OpenAsync(TestContext.Current.CancellationToken);
        }

        // Whoever comes next and leaves last stops it.
        Assert.Equal(0, (await RunAsync(installation, "list")).ExitCode);
        await using var gone = new NpgsqlConnection(connection);
        await Assert.ThrowsAsync<NpgsqlException>(() => gone.OpenAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("There is no pipeline 'orders'. There are: csv-to-warehouse", "run", "orders")]
    [InlineData("--input is not JSON", "run", "users", "--input", "{")]
    [InlineData("--input must be a JSON object", "run", "users", "--input", "[]")]
    [InlineData("object: name the object", "run", "users")]
    [InlineData("there is no such setting", "run", "users", "--input", """{"object":"local://a/b","tabel":"x"}""")]
    [InlineData("There is no instance 'nobody'", "status", "nobody")]
    [InlineData("Say what to purge", "purge")]
    [InlineData("is no status", "list", "--status", "Done")]
    [InlineData("Unrecognized command", "rnu")]
    [InlineData("Required argument", "run")]
    [InlineData("host names go into Access:Hosts", "serve", "--urls", "http://etl.example.com:7071")]
    [InlineData("is not an address to listen on", "serve", "--urls", "7071")]
    public async Task What_cannot_be_done_is_said_on_stderr_and_ends_with_2(string says, params string[] arguments)
    {
        await using var installation = await PrepareAsync();

        var result = await RunAsync(installation, arguments);

        Assert.Equal(2, result.ExitCode);
        Assert.Empty(result.Output.Trim());
        Assert.Contains(says, result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Wrong_settings_are_all_named_and_end_with_2()
    {
        await using var installation = (await PrepareAsync()).With("one", "nothing", new { }).With("two", "csv-to-warehouse", new { table = "" });
        installation.WriteSettings();

        var result = await RunAsync(installation, "serve");

        Assert.Equal(2, result.ExitCode);
        Assert.Contains("Pipelines:one:Kind is 'nothing'", result.Errors, StringComparison.Ordinal);
        Assert.Contains("Pipelines:two:Options:Table", result.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("serve")]
    [InlineData("run")]
    [InlineData("status")]
    [InlineData("list")]
    [InlineData("history")]
    [InlineData("terminate")]
    [InlineData("suspend")]
    [InlineData("resume")]
    [InlineData("raise")]
    [InlineData("purge")]
    [InlineData("connection")]
    [InlineData("audit")]
    [InlineData("convert-schema")]
    [InlineData("schedules")]
    [InlineData("backfill")]
    public async Task The_help_of_a_command_ends_with_two_examples(string command)
    {
        await using var installation = await Installation.CreateAsync(postgres);

        var result = await RunAsync(installation, command, "--help");

        Assert.Equal(0, result.ExitCode);
        var examples = result.Output[result.Output.IndexOf("Examples:", StringComparison.Ordinal)..].Split('\n').Where(line => line.Contains($"workflow {command}", StringComparison.Ordinal));
        Assert.Equal(2, examples.Count());
    }

    private async Task<Installation> PrepareAsync() =>
        (await Installation.CreateAsync(postgres)).With("users", "csv-to-warehouse", new { table = "users" }).WriteSettings();

    private static Task<ProcessResult> RunAsync(Installation installation, params string[] arguments) => WorkflowProcess.RunAsync(installation, arguments);

    /// <summary>All of stdout as one JSON document.</summary>
    private static JsonElement Document(ProcessResult result, int exitCode)
    {
        Assert.True(result.ExitCode == exitCode, $"Ended with {result.ExitCode}:\n{result.Output}\n{result.Errors}");
        return JsonDocument.Parse(result.Output).RootElement;
    }
}
