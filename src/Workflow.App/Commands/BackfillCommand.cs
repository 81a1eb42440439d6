using System.CommandLine;
using Spectre.Console;
using Workflow.App.Api;
using Workflow.App.Hosting;
using Workflow.Durable;

namespace Workflow.App.Commands;

/// <summary><c>workflow backfill</c>: runs the ticks of a schedule in a span of time.</summary>
internal static class BackfillCommand
{
    private static readonly Argument<string> Pipeline = new("pipeline") { Description = "A configured pipeline that has a schedule." };
    private static readonly Option<string> From = new("--from") { Description = "The first day, in the schedule's time zone, or time.", HelpName = "TIME", Required = true };
    private static readonly Option<string> To = new("--to") { Description = "The last day or time.", HelpName = "TIME", Required = true };
    private static readonly Option<int> Parallel = new("--parallel") { Description = "Runs at once.", DefaultValueFactory = _ => 1, HelpName = "N" };
    private static readonly Option<bool> DryRun = new("--dry-run") { Description = "Only list the ticks, each with the run it has already." };
    private static readonly Option<bool> Wait = new("--wait") { Description = "Wait until all runs have ended; hosts a service for the duration if none is running." };

    public static Command Create()
    {
        var command = new Command("backfill", "Runs the ticks that a schedule had in a span of time. A tick that was run already is not run again.")
        {
            Pipeline, From, To, Parallel, DryRun, Wait, CommandLine.Json,
        };
        command.SetAction(RunAsync);
        return command.WithExamples(
            "workflow backfill segment-customers --from 2026-11-01 --to 2026-11-07 --dry-run",
            "workflow backfill segment-customers --from 2026-11-01T08:00:00Z --to 2026-11-07 --parallel 2 --wait");
    }

    private static Task<int> RunAsync(ParseResult line, CancellationToken cancellation) => line.GetValue(DryRun) ? ListAsync(line, cancellation) : StartAsync(line, cancellation);

    private static async Task<int> ListAsync(ParseResult line, CancellationToken cancellation)
    {
        await using var service = await ServiceConnection.OpenAsync(line.DataFolder(), ServiceRoles.None, cancellation);
        var ticks = new List<Tick>();
        for (var from = line.GetRequiredValue(From); from is not null;)
        {
            var page = await service.Client.TicksAsync(line.GetRequiredValue(Pipeline), from, line.GetRequiredValue(To), cancellation);
            ticks.AddRange(page.Ticks);
            from = page.More?.ToString("O");
        }

        if (line.GetValue(CommandLine.Json))
        {
            CommandLine.PrintJson(ticks);
            return CommandLine.Completed;
        }

        var table = RunOutput.NewTable("tick", "run", "status");
        foreach (var tick in ticks)
        {
            table.AddRow(new Text($"{tick.At:u}"), new Text(tick.Instance), new Text(tick.Status is { } status ? $"{status}" : "to be run"));
        }

        RunOutput.Write(table);
        return CommandLine.Completed;
    }

    private static async Task<int> StartAsync(ParseResult line, CancellationToken cancellation)
    {
        var wait = line.GetValue(Wait);
        await using var service = await ServiceConnection.OpenAsync(line.DataFolder(), wait ? ServiceRoles.Worker : ServiceRoles.None, cancellation);
        var run = await service.Client.BackfillAsync(line.GetRequiredValue(Pipeline), line.GetRequiredValue(From), line.GetRequiredValue(To), line.GetValue(Parallel), cancellation);
        if (wait)
        {
            CommandLine.Note($"{line.GetRequiredValue(Pipeline)} is run for its ticks by {run.Instance}.");
            run = await service.Client.WaitAsync(run.Instance, cancellation);
        }
        else if (service.IsHosted)
        {
            CommandLine.Note("No service is running: the backfill begins when one starts (workflow serve).");
        }

        RunOutput.Print(run, line.GetValue(CommandLine.Json));
        var failed = run.Output is { } output && output.TryGetProperty("failed", out var count) && count.GetInt32() > 0;
        return failed || run.Status is OrchestrationRuntimeStatus.Failed or OrchestrationRuntimeStatus.Terminated ? CommandLine.Failed : CommandLine.Completed;
    }
}
