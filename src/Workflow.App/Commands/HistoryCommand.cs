using System.CommandLine;
using Spectre.Console;
using Workflow.App.Hosting;

namespace Workflow.App.Commands;

/// <summary><c>workflow history</c>: what happened in a run, event by event.</summary>
internal static class HistoryCommand
{
    public static Command Create()
    {
        var command = new Command("history", "Shows what happened in a run, event by event.") { CommandLine.Instance, CommandLine.Json };
        command.SetAction(RunAsync);
        return command.WithExamples("workflow history csv-to-warehouse-4f1c2a9be07d3358", "workflow history nightly-2025-01-31 --json");
    }

    private static async Task<int> RunAsync(ParseResult line, CancellationToken cancellation)
    {
        await using var service = await ServiceConnection.OpenAsync(line.DataFolder(), ServiceRoles.None, cancellation);
        var history = await service.Client.HistoryAsync(line.GetRequiredValue(CommandLine.Instance), cancellation);
        if (line.GetValue(CommandLine.Json))
        {
            CommandLine.PrintJson(history);
            return CommandLine.Completed;
        }

        var table = RunOutput.NewTable("time", "event", "step", "name", "data");
        foreach (var entry in history)
        {
            table.AddRow(new Text($"{entry.Timestamp:HH:mm:ss.fff}"), new Text(entry.Type), new Text($"{entry.TaskId}"), new Text(entry.Name ?? ""), new Text(entry.Failure?.ToString() ?? entry.Data ?? ""));
        }

        RunOutput.Write(table);
        return CommandLine.Completed;
    }
}
