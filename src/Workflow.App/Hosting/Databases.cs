using Npgsql;
using Workflow.App.Configuration;
using Workflow.Cloud.Local;
using Workflow.Cloud.Secrets;

namespace Workflow.App.Hosting;

/// <summary>The databases in use: those that were configured, and the embedded one for what was not.</summary>
/// <param name="Hub">Connection string of the durable hub's database.</param>
/// <param name="Warehouse">Connection string of the database that pipelines load into.</param>
internal sealed record Databases(string Hub, string Warehouse, LocalPostgres? Embedded) : IAsyncDisposable
{
    /// <summary>The name of the secret that says how to reach the embedded database; written anew at every start.</summary>
    public const string EmbeddedSecret = "local/database";

    /// <summary>Where the embedded database is; empty where there is none.</summary>
    public IReadOnlyList<Uri> OwnAddresses { get; } = Embedded is { ConnectionString: var embedded } ? [AddressOf(new(embedded))] : [];

    /// <exception cref="SettingsException">One of them is where no database is.</exception>
    public static async Task<Databases> OpenAsync(Settings settings, DataFolder data, ILogger logger, CancellationToken cancellation)
    {
        await DatabaseHosts.CheckAsync(settings, cancellation);
        if (settings is { Hub: { } hub, Warehouse: { } warehouse })
        {
            return new(hub, warehouse, null);
        }

        var embedded = await LocalPostgres.StartAsync(data.Path, TimeProvider.System, logger, cancellation);
        await WriteSecretAsync(data, new(embedded.ConnectionString), cancellation);
        logger.LogInformation("Using the embedded PostgreSQL in {Folder} as {Role}.", data.Path, (settings.Hub ?? settings.Warehouse) is null ? "hub and warehouse" : settings.Hub is null ? "hub" : "warehouse");
        return new(settings.Hub ?? embedded.ConnectionString, settings.Warehouse ?? embedded.ConnectionString, embedded);
    }

    /// <summary>The embedded database as a secret, for pipelines that are told by one where their database is.</summary>
    private static Task WriteSecretAsync(DataFolder data, NpgsqlConnectionStringBuilder embedded, CancellationToken cancellation) =>
        new LocalSecretStore(data.Secrets).PutAsync(
            EmbeddedSecret,
            new Dictionary<string, string>
            {
                ["engine"] = "postgres",
                ["host"] = embedded.Host!,
                ["port"] = $"{embedded.Port}",
                ["username"] = embedded.Username!,
                ["password"] = embedded.Password!,
                ["dbname"] = embedded.Database!,
            },
            cancellation);

    private static Uri AddressOf(NpgsqlConnectionStringBuilder database) => new UriBuilder("postgres", database.Host, database.Port).Uri;

    public ValueTask DisposeAsync() => Embedded?.DisposeAsync() ?? ValueTask.CompletedTask;
}
