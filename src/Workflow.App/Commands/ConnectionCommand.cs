using System.CommandLine;
using Npgsql;
using Workflow.App.Configuration;
using Workflow.App.Hosting;
using Workflow.Cloud.Secrets;

namespace Workflow.App.Commands;

/// <summary><c>workflow connection</c>: how to reach the warehouse with other tools.</summary>
internal static class ConnectionCommand
{
    private static readonly Option<bool> AsUri = new("--uri") { Description = "As psql and other tools of PostgreSQL take it: postgresql://…" };

    public static Command Create()
    {
        var command = new Command("connection", "Prints the connection string of the database in use.") { AsUri, CommandLine.Json };
        command.SetAction(RunAsync);
        return command.WithExamples("workflow connection --data /srv/workflow", "psql \"$(workflow connection --uri)\"");
    }

    private static async Task<int> RunAsync(ParseResult line, CancellationToken cancellation)
    {
        var data = line.DataFolder();
        data.Create();
        var sources = Settings.Sources(data);
        var settings = Settings.Load(sources);
        var known = new KnownSecrets(TimeProvider.System);
        known.LearnPasswords(settings.Hub, settings.Warehouse);
        using var logs = LoggerFactory.Create(logging => ServiceLog.Configure(logging, sources, LogLevel.Warning, known));
        var databases = await Databases.OpenAsync(settings, data, logs.CreateLogger<Databases>(), cancellation);
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
            Console.Out.WriteLine(line.GetValue(AsUri) ? ToUri(databases.Warehouse) : databases.Warehouse);
        }

        return CommandLine.Completed;
    }

    internal static string ToUri(string connectionString)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString);
        var user = Uri.EscapeDataString(settings.Username ?? "");
        var password = settings.Password is { Length: > 0 } secret ? ":" + Uri.EscapeDataString(secret) : "";
        return $"postgresql://{user}{password}@{settings.Host}:{settings.Port}/{Uri.EscapeDataString(settings.Database ?? "")}";
    }
}
