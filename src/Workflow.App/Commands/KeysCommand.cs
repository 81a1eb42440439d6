using System.CommandLine;
using System.Globalization;
using Spectre.Console;
using Workflow.App.Api;
using Workflow.App.Api.Access;
using Workflow.App.Configuration;
using Workflow.App.Hosting;
using Workflow.Cloud.Secrets;
using Workflow.Durable;

namespace Workflow.App.Commands;

/// <summary>
/// <c>workflow keys</c>: the keys with which the service is called. They are made in its database, not through its API: the first one has to come
/// from somewhere, and whoever reaches the database needs no key.
/// </summary>
internal static class KeysCommand
{
    private static readonly Option<string> Name = new("--name") { Description = "Who holds it.", HelpName = "NAME", Required = true };
    private static readonly Option<Role> KeyRole = new("--role") { Description = "Viewer looks, Operator starts and steers runs, Admin does everything.", HelpName = "ROLE", Required = true };
    private static readonly Option<string[]> Pipelines = new("--pipeline") { Description = "A pipeline it sees and steers; may be given several times. [default: all]", HelpName = "NAME" };
    private static readonly Option<DateTimeOffset?> Expires = new("--expires") { Description = "When it ends. [default: never]", HelpName = "TIME" };
    private static readonly Argument<string> Key = new("key") { Description = "The id of the key: the digits after wf_." };

    public static Command Create() => new("keys", "Makes, lists and revokes the keys with which the service is called.")
    {
        Sub(new Command("create", "Makes a key and prints it, this once.") { Name, KeyRole, Pipelines, Expires }, CreateAsync, "workflow keys create --name reports --role viewer --pipeline csv-to-warehouse --expires 2031-01-01"),
        Sub(new Command("list", "Lists the keys that were given out."), ListAsync, "workflow keys list"),
        Sub(new Command("revoke", "Ends a key, at once and for good.") { Key }, RevokeAsync, "workflow keys revoke 3f2a9c41d07b"),
    };

    private static Command Sub(Command command, Func<ParseResult, Given, CancellationToken, Task> run, string example)
    {
        command.Options.Add(CommandLine.Json);
        command.SetAction(async (line, cancellation) =>
        {
            var data = line.DataFolder();
            data.Create();
            var sources = Settings.Sources(data);
            var settings = Settings.Load(sources);
            var known = new KnownSecrets(TimeProvider.System);
            known.LearnPasswords(settings.Hub, settings.Warehouse);
            using var logs = LoggerFactory.Create(logging => ServiceLog.Configure(logging, sources, LogLevel.Warning, known));
            await using var databases = await Databases.OpenAsync(settings, data, logs.CreateLogger<Databases>(), cancellation);
            await using var tables = new ServiceDatabase(databases.Hub, settings.Host.HubName ?? new DurableTaskOptions().TaskHub);
            await run(line, new(settings, new(tables, LocalKey.Find(data), TimeProvider.System), new(tables, TimeProvider.System)), cancellation);
            return CommandLine.Completed;
        });
        return command.WithExamples(example);
    }

    private static async Task CreateAsync(ParseResult line, Given given, CancellationToken cancellation)
    {
        var asked = new NewKey(line.GetRequiredValue(Name), line.GetRequiredValue(KeyRole), line.GetValue(Pipelines) is { Length: > 0 } some ? some : null, line.GetValue(Expires));
        asked.Check(given.Settings, TimeProvider.System);
        ApiKey? key = null;
        await given.AuditAsync("workflow keys create", $"{asked.Name}, {asked.Role}", async () => key = await given.Keys.CreateAsync(asked, cancellation), cancellation);
        if (line.GetValue(CommandLine.Json))
        {
            CommandLine.PrintJson(new KeyCreated(key!.Id, key.Reveal()));
            return;
        }

        Console.Out.WriteLine(key!.Reveal());
        CommandLine.Note("This is the only time it is shown. Send it as: Authorization: Bearer KEY");
    }

    private static async Task ListAsync(ParseResult line, Given given, CancellationToken cancellation)
    {
        var keys = await given.Keys.ListAsync(cancellation);
        if (line.GetValue(CommandLine.Json))
        {
            CommandLine.PrintJson(keys);
            return;
        }

        var table = RunOutput.NewTable("key", "name", "role", "pipelines", "created", "expires", "revoked", "last used");
        foreach (var key in keys)
        {
            table.AddRow(
                new Text(key.Id), new Text(key.Name), new Text(key.Role.ToString()), new Text(key.Pipelines is null ? "all" : string.Join(", ", key.Pipelines)),
                Time(key.CreatedAt), Time(key.ExpiresAt), Time(key.RevokedAt), Time(key.LastUsedAt));
        }

        RunOutput.Write(table);
    }

    private static async Task RevokeAsync(ParseResult line, Given given, CancellationToken cancellation)
    {
        var id = line.GetRequiredValue(Key);
        await given.AuditAsync("workflow keys revoke", id, async () =>
        {
            if (!await given.Keys.RevokeAsync(id, cancellation))
            {
                throw new UnknownKeyException(id);
            }
        }, cancellation);
        if (line.GetValue(CommandLine.Json))
        {
            CommandLine.PrintJson(new { revoked = id });
        }
        else
        {
            CommandLine.Note($"Key {id} is revoked.");
        }
    }

    private static Text Time(DateTimeOffset? time) => new(time?.ToString("yyyy-MM-dd HH:mm'Z'", CultureInfo.InvariantCulture) ?? "");

    private sealed record Given(Settings Settings, ApiKeys Keys, AuditTable Audit)
    {
        /// <summary>Written down like a change that comes through the API.</summary>
        public Task AuditAsync(string action, string request, Func<Task> change, CancellationToken cancellation) =>
            Audit.MakeAsync(new($"{Environment.UserName} at the command line of {Environment.MachineName}", Role.Admin, Address: null, action, request), change, cancellation);
    }
}
