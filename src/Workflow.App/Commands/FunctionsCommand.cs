using System.CommandLine;
using System.Globalization;
using Workflow.App.Configuration;
using Workflow.App.Hosting;
using Workflow.App.Triggers.Functions;

namespace Workflow.App.Commands;

/// <summary><c>workflow functions</c>: answers an Azure Functions host, as its custom handler, or writes what such a host needs to know.</summary>
internal static class FunctionsCommand
{
    /// <summary>Where the host says on which port it will ask.</summary>
    public const string Port = "FUNCTIONS_CUSTOMHANDLER_PORT";

    private static readonly Option<string?> Write = new("--write") { Description = "Write a function.json for each function into this folder, and end.", HelpName = "DIR" };

    public static Command Create()
    {
        var command = new Command("functions", "Answers an Azure Functions host, as its custom handler.") { Write };
        command.SetAction(RunAsync);
        return command.WithExamples("func start", "workflow functions --write publish");
    }

    private static async Task<int> RunAsync(ParseResult line, CancellationToken cancellation)
    {
        var data = Folder(line);
        if (line.GetValue(Write) is { } folder)
        {
            WriteFunctions(Settings.Load(Settings.Sources(data)), folder);
            return CommandLine.Completed;
        }

        if (!int.TryParse(Environment.GetEnvironmentVariable(Port), NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port is 0 or > 65535)
        {
            throw new UsageException($"{Port} names no port. This command is for the Azure Functions host: run func start, or workflow serve for a service of its own.");
        }

        await using var service = await Service.StartAsync(new(data, new([$"http://127.0.0.1:{port}"], OrAnyPort: false), ServiceRoles.Functions), cancellation);
        CommandLine.Note($"Answering the Azure Functions host at {service.Address}");
        await service.WaitForShutdownAsync(cancellation);
        return CommandLine.Completed;
    }

    /// <summary>The program's own folder may be read-only there, and nothing that an app leaves on a machine's disk is found again.</summary>
    private static DataFolder Folder(ParseResult line) => new(Path.GetFullPath(line.GetValue(CommandLine.Data) ?? Path.Combine(Path.GetTempPath(), "workflow-functions")));

    private static void WriteFunctions(Settings settings, string folder)
    {
        using var services = new ServiceCollection().AddFunctions(settings, text => text).BuildServiceProvider();
        var functions = services.GetRequiredService<FunctionSet>();
        FunctionFiles.Write(functions, Path.GetFullPath(folder));
        CommandLine.Note($"{functions.All.Count} functions in {Path.GetFullPath(folder)}");
    }
}
