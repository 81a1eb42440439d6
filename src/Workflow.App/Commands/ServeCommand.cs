using System.CommandLine;
using Workflow.App.Hosting;

namespace Workflow.App.Commands;

/// <summary><c>workflow serve</c>: the service, until it is stopped.</summary>
internal static class ServeCommand
{
    public static Option<string?> Urls { get; } = new("--urls")
    {
        Description = "Where to listen, http or https, separated by semicolons. [default: http://127.0.0.1:7071, or a free port if that is taken]",
        HelpName = "URL",
    };

    public static Command Create()
    {
        var command = new Command("serve", "Runs the service: pipelines, triggers and the HTTP API, until Ctrl-C.") { Urls };
        command.SetAction(RunAsync);
        return command.WithExamples("workflow serve", "workflow serve --data /srv/workflow --urls 'https://0.0.0.0:8443;http://127.0.0.1:7071'");
    }

    private static async Task<int> RunAsync(ParseResult line, CancellationToken cancellation)
    {
        var options = new ServiceOptions(line.DataFolder(), ListenAddresses.Parse(line.GetValue(Urls)), ServiceRoles.All);
        await using var service = await Service.StartAsync(options, cancellation);
        CommandLine.Note($"Serving {options.Data.Path} at {service.Address}");
        await AccessNotes.PrintAsync(service, options.Listen, cancellation);
        await service.WaitForShutdownAsync(cancellation);
        return CommandLine.Completed;
    }
}
