using System.CommandLine;
using Spectre.Console;
using Workflow.App.Api;
using Workflow.App.Api.Access;
using Workflow.App.Demo;
using Workflow.App.Hosting;
using Workflow.Durable;

namespace Workflow.App.Commands;

/// <summary><c>workflow demo</c>, what <c>./run</c> calls: the service, and every pipeline once on sample data.</summary>
internal static class DemoCommand
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(100);
    private static readonly Option<bool> Once = new("--once") { Description = "Exit when the runs have ended: 0 only if all completed." };

    public static Command Create()
    {
        var command = new Command("demo", "Starts the service, runs every pipeline on sample data, and serves until Ctrl-C.") { Once, ServeCommand.Urls };
        command.SetAction(RunAsync);
        return command.WithExamples("workflow demo", "workflow demo --once --data /tmp/workflow");
    }

    private static async Task<int> RunAsync(ParseResult line, CancellationToken cancellation)
    {
        var data = line.DataFolder();
        CommandLine.Note($"Starting in {data.Path}");
        var listen = ListenAddresses.Parse(line.GetValue(ServeCommand.Urls));
        await using var service = await Service.StartAsync(new(data, listen, ServiceRoles.All, LogLevel.Warning), cancellation);
        CommandLine.Note($"Serving at {service.Address}, with local stand-ins for PostgreSQL, S3, DynamoDB, SNS, Glue, DMS, SageMaker, Salesforce and Slack.");
        await AccessNotes.PrintAsync(service, listen, cancellation);

        using var client = new ServiceClient(service.Address, LocalKey.CredentialFor(data));
        var runs = new List<Run>();
        foreach (var sample in await SampleInstallation.PrepareAsync(service, cancellation))
        {
            runs.Add(await client.StartAsync(sample.Pipeline, sample.Input, instance: null, cancellation));
        }

        await FollowAsync(client, runs, cancellation);
        RunOutput.PrintTable(runs);
        var completed = runs.All(run => run.Status == OrchestrationRuntimeStatus.Completed);
        if (!line.GetValue(Once))
        {
            PrintWhatNext(service.Address, data);
            await service.WaitForShutdownAsync(cancellation);
        }

        return completed ? CommandLine.Completed : CommandLine.Failed;
    }

    /// <summary>Shows how the runs get on until all have ended; the list ends up with what became of them.</summary>
    private static async Task FollowAsync(ServiceClient client, List<Run> runs, CancellationToken cancellation)
    {
        var terminal = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        if (Console.IsErrorRedirected)
        {
            await FollowAsync(run => CommandLine.Note($"{run.Instance} {run.Status}"));
            return;
        }

        await terminal.Progress().Columns(new SpinnerColumn(), new TaskDescriptionColumn { Alignment = Justify.Left }, new ElapsedTimeColumn()).StartAsync(async progress =>
        {
            var lines = runs.ToDictionary(run => run.Instance, run => progress.AddTask(Describe(run)));
            await FollowAsync(run =>
            {
                var line = lines[run.Instance];
                line.Description = Describe(run);
                line.Value = run.HasEnded() ? line.MaxValue : 0;
            });
        });

        Task FollowAsync(Action<Run> changed) => Task.WhenAll(Enumerable.Range(0, runs.Count).Select(index => FollowOneAsync(index, changed)));

        async Task FollowOneAsync(int index, Action<Run> changed)
        {
            while (!runs[index].HasEnded())
            {
                await Task.Delay(LookEvery, TimeProvider.System, cancellation);
                var run = await client.GetAsync(runs[index].Instance, cancellation);
                if (run.Status != runs[index].Status)
                {
                    changed(run);
                }

                runs[index] = run;
            }
        }

        static string Describe(Run run) => Markup.Escape($"{run.Instance}  {run.Status}");
    }

    private static void PrintWhatNext(Uri address, DataFolder data) => Console.Out.WriteLine($"""
        API         curl -H "X-Api-Key: $(cat {data.KeyFile})" {address}api/runs
        Slack       {address}local/slack/messages  (the stand-in: what was sent)
        Objects     {data.Objects}

        Try next, in another terminal{(data == DataFolder.Resolve(null) ? "" : $" (with --data {data.Path})")}:
          cp some.csv {Path.Combine(data.Objects, "landing", "csv")}/       a file that lands is loaded (its key: user_id)
          ./workflow list                                  what ran
          ./workflow status INSTANCE --json                what became of a run
          psql "$(./workflow connection --uri)" -c 'table load_ledger'
        Ctrl-C stops the service.
        """);
}
