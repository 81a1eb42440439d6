using System.Diagnostics;
using System.Text.Json.Nodes;
using Workflow.App.Api.Access;
using Workflow.Durable;
using Workflow.Testing;

namespace Workflow.App.Tests.Functions;

/// <summary>The program as the host starts it: by the command line of its host.json, with the port in the environment.</summary>
public sealed class HandlerProcessTests(PostgresFixture postgres)
{
    [Fact]
    public async Task The_command_of_host_json_writes_its_functions_and_answers_and_a_killed_one_is_followed_by_another()
    {
        await using var installation = (await Installation.CreateAsync(postgres)).With("users", "csv-to-warehouse", new { Table = "users", Key = "user_id" }).WriteSettings();
        installation.Drop("local://landing/csv/users.csv", "user_id,name\n1,Ann\n2,Bo\n");
        var folder = Path.Combine(installation.Data.Path, "app");
        var wrote = await WorkflowProcess.RunAsync(installation, "functions", "--write", folder);
        Assert.Equal(0, wrote.ExitCode);
        Assert.True(File.Exists(Path.Combine(folder, "users", "function.json")), wrote.Errors);

        var port = FreePort.Next();
        using var first = await StartAsync(installation, port);
        await using var engine = await ExtensionEngine.StartAsync(new($"http://127.0.0.1:{port}"));
        engine.Key = LocalKey.Find(installation.Data).Key!.Reveal();
        var started = await engine.RequestAsync("start-users", "POST", "http://localhost/api/pipelines/users/runs", """{"object":"local://landing/csv/users.csv"}""");
        var run = engine.Find(started.Body["instance"]!.GetValue<string>())!;

        // The first activity is asked of a program that is no more; it is asked again of the next.
        Process? second = null;
        engine.AfterTurn = async instance =>
        {
            if (second is null)
            {
                first.Kill();
                await first.WaitForExitAsync();
                await engine.SettleActivitiesAsync();
                second = await StartAsync(installation, port);
            }
        };
        using (await engine.FinishAsync(run) is { } ? second : null)
        {
            try
            {
                Assert.Equal(OrchestrationRuntimeStatus.Completed, run.Status);
                Assert.Equal(["1|Ann", "2|Bo"], await installation.QueryAsync("select user_id, name from users order by 1"));
            }
            finally
            {
                second!.Kill();
            }
        }
    }

    [Fact]
    public async Task Without_a_port_the_command_says_who_it_is_for()
    {
        await using var installation = await Installation.CreateAsync(postgres);

        var ended = await WorkflowProcess.RunAsync(installation.WriteSettings(), "functions");

        Assert.Equal(2, ended.ExitCode);
        Assert.Contains("FUNCTIONS_CUSTOMHANDLER_PORT", ended.Errors, StringComparison.Ordinal);
    }

    private static async Task<Process> StartAsync(Installation installation, int port)
    {
        var handler = JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "host.json")))!["customHandler"]!["description"]!;
        var program = Path.Combine(AppContext.BaseDirectory, handler["defaultExecutablePath"]!.GetValue<string>());
        var start = new ProcessStartInfo("dotnet", [$"{program}.dll", .. handler["arguments"]!.AsArray().Select(argument => argument!.GetValue<string>()), "--data", installation.Data.Path]);
        start.Environment["FUNCTIONS_CUSTOMHANDLER_PORT"] = $"{port}";
        var process = Process.Start(start)!;
        using var http = new HttpClient();
        await Eventually.TrueAsync(async () =>
        {
            Assert.False(process.HasExited);
            try
            {
                using var answer = await http.GetAsync(new Uri($"http://127.0.0.1:{port}/"), TestContext.Current.CancellationToken);
                return true;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        });
        return process;
    }
}
