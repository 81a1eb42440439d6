using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Npgsql;
using Workflow.App.Hosting;
using Workflow.Cloud.Local;
using Workflow.Cloud.Objects;
using Workflow.Durable;

namespace Workflow.App.Commands;

/// <summary>What all commands have in common: the options they share, how they print, and how they end.</summary>
internal static class CommandLine
{
    public const int Completed = 0;
    public const int Failed = 1;
    public const int Usage = 2;

    public static Option<string?> Data { get; } = new("--data")
    {
        Description = "The data folder: database, objects, settings. [default: data in the checkout]",
        HelpName = "DIR",
        Recursive = true,
    };

    public static Option<bool> Json { get; } = new("--json") { Description = "Print exactly one JSON document on stdout; everything else goes to stderr." };

    public static Argument<string> Instance { get; } = new("instance") { Description = "The id of the run." };

    private static readonly JsonSerializerOptions Printed = new(JsonDataConverter.Options)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static DataFolder DataFolder(this ParseResult line) => App.DataFolder.Resolve(line.GetValue(Data));

    /// <summary>Shows how the command is used below its help.</summary>
    public static Command WithExamples(this Command command, params string[] examples)
    {
        command.Options.Add(new HelpOption { Action = new HelpWithExamples(examples) });
        return command;
    }

    /// <summary>Runs a command and turns what it throws into one line on stderr and an exit code.</summary>
    public static async Task<int> InvokeAsync(RootCommand root, string[] arguments)
    {
        var line = root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (line.Action is ParseErrorAction)
        {
            var words = string.Join(' ', line.CommandResult.Command is RootCommand ? ["workflow"] : new[] { "workflow", line.CommandResult.Command.Name });
            return Complain($"{string.Join(" ", line.Errors.Select(error => error.Message).Distinct())} See {words} --help.", Usage);
        }

        try
        {
            return await line.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = 2 * DurableTaskOptions.MaxShutdownTimeout });
        }
        catch (UsageException wrong)
        {
            return Complain(wrong.Message, Usage);
        }
        catch (ServiceException refused)
        {
            return Complain(refused.Message, refused.IsUsage ? Usage : Failed);
        }
        catch (OperationCanceledException)
        {
            return Failed;
        }
        catch (Exception failed)
        {
            // What the outside world did is told in a line; anything else is a fault of the program, and its trace is what helps.
            var known = failed is LocalPartMissingException or InvalidOperationException or IOException or UnauthorizedAccessException
                or HttpRequestException or ObjectStoreException or NpgsqlException;
            return Complain(known ? failed.Message : failed.ToString(), Failed);
        }
    }

    public static int Complain(string message, int exitCode)
    {
        Console.Error.WriteLine($"workflow: {message}");
        return exitCode;
    }

    public static void Note(string message) => Console.Error.WriteLine(message);

    public static void PrintJson(object document) => Console.Out.WriteLine(JsonSerializer.Serialize(document, Printed));

    /// <exception cref="UsageException">It is not JSON.</exception>
    public static JsonNode? ParseJson(string option, string? text)
    {
        try
        {
            return text is null ? null : JsonNode.Parse(text);
        }
        catch (JsonException broken)
        {
            throw new UsageException($"{option} is not JSON: {broken.Message}");
        }
    }

    private sealed class HelpWithExamples(string[] examples) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            var exitCode = new HelpAction().Invoke(parseResult);
            parseResult.InvocationConfiguration.Output.WriteLine($"Examples:{Environment.NewLine}{string.Join(Environment.NewLine, examples.Select(example => $"  {example}"))}");
            return exitCode;
        }
    }
}
