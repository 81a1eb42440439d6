using Workflow.App.Configuration;
using Workflow.Cloud.Local;

namespace Workflow.App.Hosting;

/// <summary>The databases in use: those that were configured, and the embedded one for what was not.</summary>
/// <param name="Hub">Connection string of the durable hub's database.</param>
/// <param name="Warehouse">Connection string of the database that pipelines load into.</param>
internal sealed record Databases(string Hub, string Warehouse, LocalPostgres? Embedded) : IAsyncDisposable
{
    public static async Task<Databases> OpenAsync(Settings settings, DataFolder data, ILogger logger, CancellationToken cancellation)
    {
        if (settings is { Hub: { } hub, Warehouse: { } warehouse })
        {
            return new(hub, warehouse, null);
        }

        var embedded = await LocalPostgres.StartAsync(data.Path, TimeProvider.System, logger, cancellation);
        logger.LogInformation("Using the embedded PostgreSQL in {Folder} as {Role}.", data.Path, (settings.Hub ?? settings.Warehouse) is null ? "hub and warehouse" : settings.Hub is null ? "hub" : "warehouse");
        return new(settings.Hub ?? embedded.ConnectionString, settings.Warehouse ?? embedded.ConnectionString, embedded);
    }

    public ValueTask DisposeAsync() => Embedded?.DisposeAsync() ?? ValueTask.CompletedTask;
}
