using System.CommandLine;
using Workflow.Data;
using Workflow.Data.SchemaConversion;

namespace Workflow.App.Commands;

/// <summary><c>workflow convert-schema</c>: Oracle's DDL in the words of PostgreSQL or Redshift, and what became of each thing in it.</summary>
internal static class ConvertSchemaCommand
{
    private static readonly Argument<string> Script = new("script") { Description = "A file of Oracle DDL.", HelpName = "FILE" };
    private static readonly Option<ConversionTarget> To = new("--to") { Description = "redshift or postgres.", Required = true, HelpName = "TARGET" };
    private static readonly Option<string?> Output = new("--output") { Description = "Where the DDL goes. [default: stdout; nowhere with --json]", HelpName = "FILE" };
    private static readonly Option<string?> Report = new("--report") { Description = "Where the assessment report goes, as Markdown. [default: its count on stderr]", HelpName = "FILE" };

    public static Command Create()
    {
        var command = new Command("convert-schema", "Converts Oracle DDL and writes an assessment report: what was converted, and what needs a person and why.") { Script, To, Output, Report, CommandLine.Json };
        command.SetAction(RunAsync);
        return command.WithExamples("workflow convert-schema oracle.sql --to redshift --output redshift.sql --report assessment.md", "workflow convert-schema oracle.sql --to postgres --json");
    }

    private static async Task<int> RunAsync(ParseResult line, CancellationToken cancellation)
    {
        var converted = await ConvertAsync(line.GetValue(Script)!, line.GetValue(To), cancellation);
        var assessment = converted.Assessment;
        if (line.GetValue(Output) is { } output)
        {
            await File.WriteAllTextAsync(output, converted.Ddl, cancellation);
        }

        if (line.GetValue(Report) is { } report)
        {
            await File.WriteAllTextAsync(report, assessment.ToMarkdown(), cancellation);
        }

        if (line.GetValue(CommandLine.Json))
        {
            CommandLine.PrintJson(assessment);
        }
        else if (line.GetValue(Output) is null)
        {
            await Console.Out.WriteAsync(converted.Ddl.AsMemory(), cancellation);
        }

        CommandLine.Note($"{assessment.Statements} statements: {assessment.Converted} converted, {assessment.Changed} changed, {assessment.Dropped} dropped, {assessment.NeedsPerson} need a person.");
        return CommandLine.Completed;
    }

    private static async Task<ConvertedSchema> ConvertAsync(string script, ConversionTarget target, CancellationToken cancellation)
    {
        if (!File.Exists(script))
        {
            throw new UsageException($"There is no file {script}.");
        }

        try
        {
            return SchemaConverter.Convert(await File.ReadAllTextAsync(script, cancellation), target);
        }
        catch (BadInputException broken)
        {
            throw new UsageException(broken.Message);
        }
    }
}
