using System.CommandLine;
using System.Globalization;
using Spectre.Console;
using Workflow.App.Hosting;

namespace Workflow.App.Commands;

/// <summary><c>workflow audit</c>: what was changed, by whom.</summary>
internal static class AuditCommand
{
    private static readonly Option<string?> Pipeline = new("--pipeline") { Description = "Only what is about this pipeline.", HelpName = "NAME" };
    private static readonly Option<string?> Instance = new("--instance") { Description = "Only what is about this run.", HelpName = "INSTANCE" };
    private static readonly Option<DateTimeOffset?> Since = new("--since") { Description = "Only from this time on.", HelpName = "TIME" };
    private static readonly Option<int> Top = new("--top") { Description = "At most so many.", DefaultValueFactory = _ => 50, HelpName = "N" };
    private static readonly Option<string?> After = new("--after") { Description = "The page after this token, which the page before ended with.", HelpName = "TOKEN" };

    public static Command Create()
    {
        var command = new Command("audit", "Lists the changes that were asked for, and by whom, newest first.") { Pipeline, Instance, Since, Top, After, CommandLine.Json };
        command.SetAction(RunAsync);
        return command.WithExamples("workflow audit", "workflow audit --pipeline csv-to-warehouse --since 2031-01-01 --json");
    }

    private static async Task<int> RunAsync(ParseResult line, CancellationToken cancellation)
    {
        await using var service = await ServiceConnection.OpenAsync(line.DataFolder(), ServiceRoles.None, cancellation);
        var page = await service.Client.AuditAsync(line.GetValue(Pipeline), line.GetValue(Instance), line.GetValue(Since), line.GetValue(Top), line.GetValue(After), cancellation);
        if (line.GetValue(CommandLine.Json))
        {
            CommandLine.PrintJson(page);
            return CommandLine.Completed;
        }

        var table = RunOutput.NewTable("time", "caller", "role", "from", "outcome", "run", "what");
        foreach (var entry in page.Entries)
        {
            table.AddRow(
                new Text(entry.At.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture)), new Text(entry.Caller), new Text(entry.Role ?? ""), new Text(entry.Address ?? ""),
                new Text(entry.Outcome.ToString()), new Text(entry.Instance ?? ""), new Text($"{entry.Action}  {entry.Request}"));
        }

        RunOutput.Write(table);
        if (page.After is not null)
        {
            CommandLine.Note($"There are more: --after {page.After}");
        }

        return CommandLine.Completed;
    }
}
