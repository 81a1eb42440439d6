using System.CommandLine;
using Workflow.App.Hosting;

namespace Workflow.App.Commands;

/// <summary><c>workflow raise</c>: raises an event for a run.</summary>
internal static class RaiseCommand
{
    private static readonly Argument<string> Event = new("event") { Description = "The name the run waits for." };
    private static readonly Option<string?> Input = new("--input") { Description = "The event's payload.", HelpName = "JSON" };

    public static Command Create()
    {
        var command = new Command("raise", "Raises an event for a run; one that comes early is kept.") { CommandLine.Instance, Event, Input, CommandLine.Json };
        command.SetAction(RunAsync);
        return command.WithExamples("workflow raise nightly-2025-01-31 Approved", """workflow raise nightly-2025-01-31 Approved --input '{"by":"ops"}' --json""");
    }

    private static async Task<int> RunAsync(ParseResult line, CancellationToken cancellation)
    {
        var payload = CommandLine.ParseJson("--input", line.GetValue(Input));
        await using var service = await ServiceConnection.OpenAsync(line.DataFolder(), ServiceRoles.None, cancellation);
        var run = await service.Client.RaiseAsync(line.GetRequiredValue(CommandLine.Instance), line.GetRequiredValue(Event), payload, cancellation);
        RunOutput.Print(run, line.GetValue(CommandLine.Json));
        return CommandLine.Completed;
    }
}
