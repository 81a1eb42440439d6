using System.Globalization;
using System.Text.Json;
using Spectre.Console;
using Workflow.App.Api;

namespace Workflow.App.Commands;

/// <summary>Runs as a reader at a terminal sees them.</summary>
internal static class RunOutput
{
    // What a pipe gets must not be broken to fit a terminal that is not there.
    private const int PipeWidth = 10_000;

    // What the results of pipelines call the places where rows are.
    private static readonly string[] Outputs = ["table", "written", "quarantineObject"];

    public static void Print(Run run, bool json)
    {
        if (json)
        {
            CommandLine.PrintJson(run);
        }
        else
        {
            PrintTable([run]);
        }
    }

    public static void PrintTable(IReadOnlyList<Run> runs)
    {
        var table = NewTable("pipeline", "instance", "status", "in", "loaded", "quarantined", "skipped", "seconds", "output");
        foreach (var run in runs)
        {
            table.AddRow(
                new Text(run.Pipeline), new Text(run.Instance), new Text(run.Status.ToString()),
                Count(run, "rowsIn"), Count(run, "loaded"), Count(run, "quarantined"), Count(run, "skipped"),
                new Text(((run.CompletedAt ?? run.LastUpdatedAt) - run.CreatedAt).TotalSeconds.ToString("0.00", CultureInfo.InvariantCulture)),
                new Text(Where(run)));
        }

        Write(table);
    }

    public static Table NewTable(params string[] columns)
    {
        var table = new Table { Border = TableBorder.Simple };
        foreach (var column in columns)
        {
            table.AddColumn(new TableColumn(column) { NoWrap = column != columns[^1] });
        }

        return table;
    }

    public static void Write(Table table)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Out) });
        if (Console.IsOutputRedirected)
        {
            console.Profile.Width = PipeWidth;
        }

        console.Write(table);
    }

    private static Text Count(Run run, string name) =>
        new(Find(run, name) is { ValueKind: JsonValueKind.Number } count ? count.GetInt64().ToString("N0", CultureInfo.InvariantCulture) : "");

    /// <summary>Where the rows are, the refused ones too; or why they are not.</summary>
    private static string Where(Run run) =>
        run.Failure is { } failure
            ? $"{(failure.Step is null ? "" : $"{failure.Step}: ")}{failure.Message}"
            : string.Join(", ", Outputs.Select(name => Find(run, name)).Where(value => value is { ValueKind: JsonValueKind.String }));

    private static JsonElement? Find(Run run, string name) =>
        run.Output is { ValueKind: JsonValueKind.Object } output && output.TryGetProperty(name, out var value) ? value : null;
}
