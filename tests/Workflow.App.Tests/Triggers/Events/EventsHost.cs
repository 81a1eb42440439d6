using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Workflow.App.Configuration;
using Workflow.App.Hosting;
using Workflow.App.Pipelines;
using Workflow.App.Triggers.Events;
using Workflow.Cloud.Objects;
using Workflow.Cloud.Objects.Local;
using Workflow.Cloud.Objects.S3;
using Workflow.Durable;
using Workflow.Testing;

namespace Workflow.App.Tests.Triggers.Events;

/// <summary>What takes events in, on a hub of the test class's own that nobody works for: started runs stay as they were started.</summary>
public sealed class EventsHost(PostgresFixture postgres, S3Fixture s3) : IAsyncLifetime
{
    private const string Written =
        """
        {
          "Events": { "EventGrid": { "Topics": [ "/subscriptions/0/resourceGroups/data/providers/Microsoft.Storage/storageAccounts/landingacct" ] } },
          "Pipelines": {
            "told": { "Kind": "quality-gate", "Trigger": { "Object": "s3://landing/in/", "Suffix": ".csv", "Watch": false }, "Options": { "Output": "local://good/" } },
            "seen": { "Kind": "quality-gate", "Trigger": { "Object": "s3://seen/" }, "Options": { "Output": "local://good/" } },
            "blobs": { "Kind": "quality-gate", "Trigger": { "Object": "az://landing/in/", "Watch": false }, "Options": { "Output": "local://good/" } },
            "nightly": { "Kind": "quadratic-primes" }
          }
        }
        """;

    private readonly TempFolder _folder = new();
    private ServiceProvider _services = null!;

    internal ObjectEvents Events => _services.GetRequiredService<ObjectEvents>();

    internal EventCounts Counts => _services.GetRequiredService<EventCounts>();

    internal Settings Configured => _services.GetRequiredService<Settings>();

    internal ObjectStores Stores => _services.GetRequiredService<ObjectStores>();

    public DurableTaskClient Client => _services.GetRequiredService<DurableTaskClient>();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var settings = Read(Written);
        var hub = await postgres.CreateDatabaseAsync(Cancellation);
        var services = new ServiceCollection();
        services.AddLogging().AddSingleton(settings).AddSingleton(TimeProvider.System).AddSingleton(new ServiceDatabase(hub, "events"));
        services.AddDurableTaskClient(options => options.ConnectionString = hub);
        services.AddSingleton<Runs>().AddSingleton<ObjectStores>().AddObjectEvents();
        services.AddSingleton<IObjectStore>(new LocalObjectStore(_folder.Path, TimeProvider.System));
        var client = await s3.CreateClientAsync(Cancellation);
        await client.PutBucketAsync("seen", Cancellation);
        services.AddSingleton<IObjectStore>(new S3ObjectStore(client, TimeProvider.System));
        _services = services.BuildServiceProvider();
    }

    internal static Settings Read(string json) => Settings.Load(new ConfigurationBuilder().AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes(json))).Build());

    internal Task<EventsAccepted> AcceptAsync(string json) => Events.AcceptAsync(JsonDocument.Parse(json).RootElement, Cancellation);

    /// <summary>The objects that runs of a pipeline were started for, with their ids.</summary>
    public async Task<IReadOnlyList<(string Object, string Instance)>> RunsAsync(string pipeline)
    {
        var page = await Client.QueryInstancesAsync(new(Name: pipeline, PageSize: 1000, FetchInputsAndOutputs: true), Cancellation);
        return [.. page.Values.Select(run => (JsonDocument.Parse(run.SerializedInput!).RootElement.TryGetProperty("object", out var named) ? named.ToString() : "", run.InstanceId))];
    }

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        _folder.Dispose();
    }
}
