using System.CommandLine;
using Workflow.App.Configuration;
using Workflow.App.Hosting;

namespace Workflow.App.Commands;

/// <summary><c>workflow connection</c>: how to reach the warehouse with other tools.</summary>
internal static class ConnectionCommand
{
    public static Command Create()
    {
        var command = new Command("connection", "Prints the connection string of the database in use.") { CommandLine.Json };
        command.SetAction(RunAsync);
        return command.WithExamples("workflow connection", "workflow connection --data /srv/workflow --json");
    }

    private static async Task<int> RunAsync(ParseResult line, CancellationToken cancellation)
    {
        var data = line.DataFolder();
        data.Create();
        var sources = Settings.Sources(data);
        using var logs = LoggerFactory.Create(logging => ServiceLog.Configure(logging, sources, LogLevel.Warning));
        var databases = await Databases.OpenAsync(Settings.Load(sources), data, logs.CreateLogger<Databases>(), cancellation);
        if (databases.Embedded is not null && await ServiceRecord.FindAsync(data, cancellation) is null)
        {
            // Whoever asks is about to connect: a server started for this one line is left up, and whoever comes next adopts it.
            CommandLine.Note("No service is running: the database was started for you and stays up until the next command or service on this data folder ends.");
        }
        else
        {
            await databases.DisposeAsync();
        }

        if (line.GetValue(CommandLine.Json))
        {
            CommandLine.PrintJson(new { hub = databases.Hub, warehouse = databases.Warehouse });
        }
        else
        {
            Console.Out.WriteLine(databases.Warehouse);
        }

        return CommandLine.Completed;
    }
}
