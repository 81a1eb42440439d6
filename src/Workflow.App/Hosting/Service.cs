using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Workflow.App.Api;
using Workflow.App.Api.Access;
using Workflow.App.Configuration;
using Workflow.App.Notifications;
using Workflow.App.Pipelines;
using Workflow.App.Pipelines.SyncSalesforce;
using Workflow.App.Triggers;
using Workflow.App.Triggers.Schedules;
using Workflow.App.Triggers.Events;
using Workflow.App.Triggers.Functions;
using Workflow.Cloud.Aws;
using Workflow.Cloud.Local;
using Workflow.Cloud.Objects;
using Workflow.Cloud.Secrets;
using Workflow.Durable;

namespace Workflow.App.Hosting;

/// <summary>The service in this process: databases, runtime, triggers and API, started together and stopped together.</summary>
internal sealed class Service : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Databases _databases;
    private readonly DataFolder _data;
    private readonly ServiceRecord? _record;

    // The databases tell of their end after the application's own log has gone.
    private readonly ILoggerFactory _logs;

    private Service(WebApplication app, Databases databases, DataFolder data, ServiceRecord? record, ILoggerFactory logs)
    {
        _logs = logs;
        _app = app;
        _databases = databases;
        _data = data;
        _record = record;
    }

    public Uri Address => AddressOf(_app);

    public Databases Databases => _databases;

    public DataFolder Data => _data;

    /// <summary>The key of the data folder's owner, where this start made it; nobody has seen it.</summary>
    public ApiKey? NewKey => _app.Services.GetRequiredService<LocalKey>() is { IsNew: true, Key: { } key } ? key : null;

    /// <summary>All that it answers.</summary>
    public IReadOnlyList<Endpoint> Endpoints => _app.Services.GetRequiredService<EndpointDataSource>().Endpoints;

    /// <summary>Somebody holds a key or can get a token, so that there is somebody to answer.</summary>
    public Task<bool> HasCallersAsync(CancellationToken cancellation) => _app.Services.GetRequiredService<Credentials>().AnyAsync(cancellation);

    public ObjectStores Objects => _app.Services.GetRequiredService<ObjectStores>();

    /// <summary>Returns once the API answers.</summary>
    /// <exception cref="SettingsException">The configuration is wrong.</exception>
    public static async Task<Service> StartAsync(ServiceOptions options, CancellationToken cancellation)
    {
        options.Data.Create();
        var sources = Settings.Sources(options.Data);
        var settings = Settings.Load(sources);
        var known = new KnownSecrets(TimeProvider.System);
        known.LearnPasswords(settings.Hub, settings.Warehouse, settings.Loads.Redshift);
        var logs = LoggerFactory.Create(logging => ServiceLog.Configure(logging, sources, options.LogLevel, known));
        AnnounceStandIns(settings, logs.CreateLogger<Service>());
        await PrepareSalesforceAsync(settings, options.Data, logs.CreateLogger<Service>(), cancellation);
        if (options.Roles.HasFlag(ServiceRoles.Functions))
        {
            settings = FunctionsChecks.Check(settings);
        }

        var databases = await Databases.OpenAsync(settings, options.Data, logs.CreateLogger<Service>(), cancellation);
        known.LearnPasswords(databases.Hub, databases.Warehouse);
        WebApplication? app = null;
        try
        {
            var identity = new ServiceIdentity(Guid.NewGuid().ToString("N"));
            app = Build(options, sources, settings, databases, identity, known);
            await app.StartAsync(cancellation);
            var record = options.Roles.HasFlag(ServiceRoles.Announced) ? new ServiceRecord(AddressOf(app), Environment.ProcessId, identity.Id) : null;
            await (record?.WriteAsync(options.Data, cancellation) ?? Task.CompletedTask);
            return new(app, databases, options.Data, record, logs);
        }
        catch
        {
            await (app?.DisposeAsync() ?? ValueTask.CompletedTask);
            await databases.DisposeAsync();
            logs.Dispose();
            throw;
        }
    }

    /// <summary>Until it is told to stop: by the token or, as a process, by a signal. What stopped it by itself is thrown.</summary>
    public async Task WaitForShutdownAsync(CancellationToken cancellation)
    {
        var stopping = new TaskCompletionSource();
        await using var asked = cancellation.Register(() => stopping.TrySetResult());
        await using var told = _app.Lifetime.ApplicationStopping.Register(() => stopping.TrySetResult());
        await stopping.Task;
        await Task.WhenAll(_app.Services.GetServices<IHostedService>().OfType<BackgroundService>().Select(part => part.ExecuteTask).OfType<Task>().Where(part => part.IsFaulted));
    }

    public async ValueTask DisposeAsync()
    {
        _record?.Remove(_data);
        _app.Lifetime.StopApplication();  // from here on it is not ready
        await _app.StopAsync();
        await _app.DisposeAsync();
        await _databases.DisposeAsync();
        _logs.Dispose();
    }

    private static WebApplication Build(ServiceOptions options, IConfigurationRoot sources, Settings settings, Databases databases, ServiceIdentity identity, KnownSecrets known)
    {
        var builder = WebApplication.CreateEmptyBuilder(new() { ApplicationName = "workflow", EnvironmentName = Settings.EnvironmentName, ContentRootPath = AppContext.BaseDirectory });
        builder.Configuration.AddConfiguration(sources);
        ServiceLog.Configure(builder.Logging, sources, options.LogLevel, known);
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().UseUrls([.. options.Listen.Urls]).ConfigureKestrel(kestrel =>
        {
            options.Listen.Configure(kestrel, sources);
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = BodyLimit.Drained;
        });

        var services = builder.Services;
        services.Configure<HostOptions>(host => host.ShutdownTimeout = DurableTaskOptions.MaxShutdownTimeout * 2);  // the worker keeps its own time
        services.Configure<SocketTransportOptions>(options.Listen.Configure);
        services.AddSingleton(settings).AddSingleton(databases).AddSingleton(options.Data).AddSingleton(identity).AddSingleton(TimeProvider.System);
        services.AddSingleton(_ => new ServiceDatabase(databases.Hub, settings.Host.HubName ?? new DurableTaskOptions().TaskHub));
        services.AddApi().AddAccess(options, settings.Access);
        services.AddOutboundGuard(settings.Outbound);
        services.AddSchedules();
        services.AddPipelines(options.Data);
        services.AddAzure(settings.Azure);
        services.AddSecrets(settings.Secrets, options.Data, known);
        services.AddObjectEvents().AddInbound();
        services.AddAws(settings, provider => ListenAddresses.FromHere(provider.GetRequiredService<IServer>())).AddLocalAws(options.Data.Path, NotificationDelivery.Topics(settings.Pipelines));
        if (options.Roles.HasFlag(ServiceRoles.Functions))
        {
            services.AddFunctions(settings, known.Hide);
        }
        else if (options.Roles.HasFlag(ServiceRoles.Worker))
        {
            services.AddDurableTask(hub => Configure(hub, settings, databases, known), registry => Pipelines.Pipelines.Register(registry, settings.Pipelines));
        }
        else
        {
            services.AddDurableTaskClient(hub => Configure(hub, settings, databases, known));
        }

        if (options.Roles.HasFlag(ServiceRoles.Triggers))
        {
            services.AddHostedService<ObjectWatch>().AddHostedService<ScheduleWatch>().AddHostedService<QueueWatch>();
        }

        var app = builder.Build();
        if (options.Roles.HasFlag(ServiceRoles.Functions))
        {
            app.UseFunctions();
        }

        app.UseApi();
        app.MapEvents();
        var local = app.MapGroup("").OpenTo("a stand-in, on loopback; it asks what the real one asks").OnThisMachineOnly().ExcludeFromDescription();
        local.MapLocalSlack(app.Services.GetRequiredService<LocalSlack>(), NotificationDelivery.LocalChannels(settings.Pipelines));
        app.Services.GetRequiredService<LocalWebhooks>().Map(local);
        local.MapLocalSalesforce(app.Services.GetRequiredService<LocalSalesforce>());
        local.MapLocalAws(app.Services.GetRequiredService<LocalAws>());
        return app;
    }

    private static void AnnounceStandIns(Settings settings, ILogger logger)
    {
        var local = settings.Aws.Where(service => service.Value.IsLocal).Select(service => service.Key).Order(StringComparer.Ordinal).ToArray();
        if (local.Length > 0)
        {
            logger.LogInformation("Using stand-ins on this machine for {Services} (Aws:Endpoints).", string.Join(", ", local));
        }
    }

    /// <summary>The stand-in for Salesforce is chosen by the name of the secret, which is there where it is asked for.</summary>
    private static async Task PrepareSalesforceAsync(Settings settings, DataFolder data, ILogger logger, CancellationToken cancellation)
    {
        var local = settings.Pipelines.Where(pipeline => pipeline.Configured is SyncSalesforceInput { Secret: LocalSalesforce.SecretName }).Select(pipeline => pipeline.Name).ToArray();
        if (local.Length > 0)
        {
            await new LocalSecretStore(data.Secrets).PutAsync(LocalSalesforce.SecretName, LocalSalesforce.Secret("local"), cancellation);
            logger.LogInformation("Using a stand-in on this machine for Salesforce in {Pipelines} (secret {Secret}).", string.Join(", ", local), LocalSalesforce.SecretName);
        }
    }

    private static void Configure(DurableTaskOptions hub, Settings settings, Databases databases, KnownSecrets known)
    {
        hub.Redact = known.Hide;
        settings.Host.ApplyTo(hub);
        hub.ConnectionString = databases.Hub;
    }

    private static Uri AddressOf(WebApplication app) => ListenAddresses.FromHere(app.Services.GetRequiredService<IServer>());
}
