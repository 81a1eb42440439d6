using System.CommandLine;
using Workflow.App.Hosting;

namespace Workflow.App.Commands;

/// <summary><c>workflow status</c>: how one run stands.</summary>
internal static class StatusCommand
{
    public static Command Create()
    {
        var command = new Command("status", "Shows how a run stands.") { CommandLine.Instance, CommandLine.Json };
        command.SetAction(RunAsync);
        return command.WithExamples("workflow status csv-to-warehouse-4f1c2a9be07d3358", "workflow status nightly-2025-01-31 --json");
    }

    private static async Task<int> RunAsync(ParseResult line, CancellationToken cancellation)
    {
        await using var service = await ServiceConnection.OpenAsync(line.DataFolder(), ServiceRoles.None, cancellation);
        RunOutput.Print(await service.Client.GetAsync(line.GetRequiredValue(CommandLine.Instance), cancellation), line.GetValue(CommandLine.Json));
        return CommandLine.Completed;
    }
}
