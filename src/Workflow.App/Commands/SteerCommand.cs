using System.CommandLine;
using Workflow.App.Hosting;

namespace Workflow.App.Commands;

/// <summary>What <c>terminate</c>, <c>suspend</c>, <c>resume</c> and <c>rewind</c> have in common: all but the word.</summary>
internal static class SteerCommand
{
    private static readonly Option<string?> Reason = new("--reason") { Description = "Kept in the run's history.", HelpName = "TEXT" };

    public static Command Create(string verb, string description)
    {
        var command = new Command(verb, description) { CommandLine.Instance, Reason, CommandLine.Json };
        command.SetAction((line, cancellation) => RunAsync(verb, line, cancellation));
        return command.WithExamples($"workflow {verb} csv-to-warehouse-4f1c2a9be07d3358", $"workflow {verb} nightly-2025-01-31 --reason 'source is being repaired' --json");
    }

    private static async Task<int> RunAsync(string verb, ParseResult line, CancellationToken cancellation)
    {
        await using var service = await ServiceConnection.OpenAsync(line.DataFolder(), ServiceRoles.None, cancellation);
        var run = await service.Client.SteerAsync(line.GetRequiredValue(CommandLine.Instance), verb, line.GetValue(Reason), cancellation);
        if (service.IsHosted)
        {
            CommandLine.Note($"No service is running: it takes effect when one starts (workflow serve).");
        }

        RunOutput.Print(run, line.GetValue(CommandLine.Json));
        return CommandLine.Completed;
    }
}
