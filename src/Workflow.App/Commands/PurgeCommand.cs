using System.CommandLine;
using Workflow.App.Hosting;

namespace Workflow.App.Commands;

/// <summary><c>workflow purge</c>: removes runs that have ended.</summary>
internal static class PurgeCommand
{
    private static readonly Argument<string?> Instance = new("instance") { Description = "One run; or give a filter.", Arity = ArgumentArity.ZeroOrOne };
    private static readonly Option<DateTimeOffset?> Before = new("--before") { Description = "Runs created before this time.", HelpName = "TIME" };
    private static readonly Option<string?> Status = new("--status") { Description = "Runs that ended in one of these states, separated by commas.", HelpName = "STATUS" };

    public static Command Create()
    {
        var command = new Command("purge", "Removes runs that have ended, with their history.") { Instance, Before, Status, CommandLine.Json };
        command.SetAction(RunAsync);
        return command.WithExamples("workflow purge csv-to-warehouse-4f1c2a9be07d3358", "workflow purge --before 2025-01-01 --status Completed");
    }

    private static async Task<int> RunAsync(ParseResult line, CancellationToken cancellation)
    {
        var (instance, before, status) = (line.GetValue(Instance), line.GetValue(Before), line.GetValue(Status));
        if ((instance is null) == (before is null && status is null))
        {
            throw new UsageException("Say what to purge: an instance, or a filter (--before, --status).");
        }

        await using var service = await ServiceConnection.OpenAsync(line.DataFolder(), ServiceRoles.None, cancellation);
        var purged = instance is null
            ? await service.Client.PurgeAsync(before, status, cancellation)
            : await service.Client.PurgeAsync(instance, cancellation);
        if (line.GetValue(CommandLine.Json))
        {
            CommandLine.PrintJson(purged);
        }
        else
        {
            Console.Out.WriteLine($"{purged.Count} {(purged.Count == 1 ? "run is" : "runs are")} gone.");
        }

        return CommandLine.Completed;
    }
}
