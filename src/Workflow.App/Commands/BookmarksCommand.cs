using System.CommandLine;
using System.Globalization;
using Spectre.Console;
using Workflow.App.Api;
using Workflow.App.Hosting;

namespace Workflow.App.Commands;

/// <summary><c>workflow bookmarks</c>: which objects a pipeline has processed.</summary>
internal static class BookmarksCommand
{
    private static readonly Argument<string> Pipeline = new("pipeline") { Description = "The name of the pipeline." };
    private static readonly Argument<string> Object = new("object") { Description = "An address, or a prefix that ends in a slash." };
    private static readonly Option<DateTimeOffset> To = new("--to") { Description = "What was processed after this time is forgotten.", HelpName = "TIME", Required = true };
    private static readonly Option<int> Top = new("--top") { Description = "At most so many.", DefaultValueFactory = _ => 50, HelpName = "N" };

    public static Command Create() => new("bookmarks", "Shows and changes which objects a pipeline has processed, so that it takes them no more.")
    {
        Sub("list", "Lists the objects a pipeline has in hand or has processed, the latest first.", [Pipeline, Top], ListAsync, "workflow bookmarks list operations-to-dynamodb"),
        Sub("reset", "Forgets all that was processed: it is taken again where it lies.", [Pipeline], (line, service, cancellation) =>
            ChangeAsync(line, service.ForgetBookmarksAsync(Name(line), after: null, cancellation), "forgotten"), "workflow bookmarks reset operations-to-dynamodb"),
        Sub("set", "Marks objects as processed, as they are now.", [Pipeline, Object], (line, service, cancellation) =>
            ChangeAsync(line, service.SetBookmarksAsync(Name(line), line.GetRequiredValue(Object), cancellation), "marked as processed"),
            "workflow bookmarks set operations-to-dynamodb local://landing/operations/online/"),
        Sub("rewind", "Forgets what was processed after a time.", [Pipeline, To], (line, service, cancellation) =>
            ChangeAsync(line, service.ForgetBookmarksAsync(Name(line), line.GetRequiredValue(To), cancellation), "forgotten"),
            "workflow bookmarks rewind --to 2024-10-14T00:00:00-03:00 operations-to-dynamodb"),
    };

    private static Command Sub(
        string name, string description, IEnumerable<Symbol> symbols, Func<ParseResult, ServiceClient, CancellationToken, Task> run, string example)
    {
        var command = new Command(name, description) { CommandLine.Json };
        foreach (var symbol in symbols)
        {
            if (symbol is Argument argument)
            {
                command.Arguments.Add(argument);
            }
            else
            {
                command.Options.Add((Option)symbol);
            }
        }

        command.SetAction(async (line, cancellation) =>
        {
            await using var service = await ServiceConnection.OpenAsync(line.DataFolder(), ServiceRoles.None, cancellation);
            await run(line, service.Client, cancellation);
            return CommandLine.Completed;
        });
        return command.WithExamples(example);
    }

    private static async Task ListAsync(ParseResult line, ServiceClient service, CancellationToken cancellation)
    {
        var bookmarks = await service.BookmarksAsync(Name(line), line.GetValue(Top), cancellation);
        if (line.GetValue(CommandLine.Json))
        {
            CommandLine.PrintJson(bookmarks);
            return;
        }

        var table = RunOutput.NewTable("object", "etag", "run", "processed", "now at");
        foreach (var bookmark in bookmarks)
        {
            var processed = bookmark.ProcessedAt?.ToString("u", CultureInfo.InvariantCulture) ?? "in hand";
            table.AddRow(new Text(bookmark.Object), new Text(bookmark.ETag), new Text(bookmark.Instance), new Text(processed), new Text(bookmark.MovedTo ?? ""));
        }

        RunOutput.Write(table);
    }

    private static async Task ChangeAsync(ParseResult line, Task<BookmarksChanged> change, string what)
    {
        var changed = await change;
        if (line.GetValue(CommandLine.Json))
        {
            CommandLine.PrintJson(changed);
        }
        else
        {
            Console.Out.WriteLine($"{changed.Count} {(changed.Count == 1 ? "object is" : "objects are")} {what}.");
        }
    }

    private static string Name(ParseResult line) => line.GetRequiredValue(Pipeline);
}
