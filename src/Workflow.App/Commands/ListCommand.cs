using System.CommandLine;
using Workflow.App.Hosting;

namespace Workflow.App.Commands;

/// <summary><c>workflow list</c>: the runs there are.</summary>
internal static class ListCommand
{
    private static readonly Option<string?> Pipeline = new("--pipeline") { Description = "Only runs of this pipeline.", HelpName = "NAME" };
    private static readonly Option<string?> Status = new("--status") { Description = "Only runs in one of these states, separated by commas.", HelpName = "STATUS" };
    private static readonly Option<int> Top = new("--top") { Description = "At most so many.", DefaultValueFactory = _ => 50, HelpName = "N" };
    private static readonly Option<string?> After = new("--after") { Description = "The page after this token, which the page before ended with.", HelpName = "TOKEN" };

    public static Command Create()
    {
        var command = new Command("list", "Lists runs, newest first.") { Pipeline, Status, Top, After, CommandLine.Json };
        command.SetAction(RunAsync);
        return command.WithExamples("workflow list", "workflow list --pipeline csv-to-warehouse --status Failed,Terminated --json");
    }

    private static async Task<int> RunAsync(ParseResult line, CancellationToken cancellation)
    {
        await using var service = await ServiceConnection.OpenAsync(line.DataFolder(), ServiceRoles.None, cancellation);
        var page = await service.Client.ListAsync(line.GetValue(Pipeline), line.GetValue(Status), line.GetValue(Top), line.GetValue(After), cancellation);
        if (line.GetValue(CommandLine.Json))
        {
            CommandLine.PrintJson(page);
            return CommandLine.Completed;
        }

        RunOutput.PrintTable(page.Runs);
        if (page.After is not null)
        {
            CommandLine.Note($"There are more: --after {page.After}");
        }

        return CommandLine.Completed;
    }
}
