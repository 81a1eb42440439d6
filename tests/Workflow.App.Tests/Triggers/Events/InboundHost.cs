using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Workflow.App.Api;
using Workflow.App.Api.Access;
using Workflow.App.Hosting;
using Workflow.App.Pipelines;
using Workflow.App.Triggers.Events;
using Workflow.App.Triggers.Events.Inbound;
using Workflow.Cloud.Objects;
using Workflow.Cloud.Objects.Local;
using Workflow.Cloud.Secrets;
using Workflow.Durable;
using Workflow.Testing;

namespace Workflow.App.Tests.Triggers.Events;

/// <summary>The entrances for clouds over HTTP, on a hub of the test class's own that nobody works for; SNS is a <see cref="SnsSigner"/>.</summary>
public sealed class InboundHost(PostgresFixture postgres) : IAsyncLifetime
{
    public const string Account = "/subscriptions/0/resourceGroups/data/providers/Microsoft.Storage/storageAccounts/landingacct";

    private const string Written =
        $$"""
        {
          "Events": {
            "Sns": { "Topics": ["{{SnsSigner.Topic}}"] },
            "EventBridge": { "Secret": "local/eventbridge" },
            "EventGrid": { "Secret": "local/eventgrid", "Header": "X-Grid", "Topics": ["{{Account}}"] },
            "S3": { "Secret": "local/relay" },
            "Slack": { "Secret": "local/slack", "Operators": ["U1"] }
          },
          "Pipelines": {
            "told": { "Kind": "quality-gate", "Trigger": { "Object": "s3://landing/in/", "Watch": false }, "Options": { "Output": "local://good/" } },
            "blobs": { "Kind": "quality-gate", "Trigger": { "Object": "az://landing/in/", "Watch": false }, "Options": { "Output": "local://good/" } },
            "nightly": { "Kind": "quadratic-primes" }
          }
        }
        """;

    /// <summary>An entrance whose secret is in a store that is away.</summary>
    public const string WithSecretAway = "/away";
    public const string Away = "The vault does not answer.";

    private readonly TempFolder _folder = new();
    private WebApplication _app = null!;

    internal FakeTimeProvider Time { get; } = new(new(2025, 1, 31, 10, 0, 0, TimeSpan.Zero));

    internal SnsSigner Sns { get; } = new();

    internal LocalSecretStore SecretStore => new(_folder.Path);

    internal Log Logged { get; } = new();

    public HttpClient Http { get; private set; } = null!;

    public DurableTaskClient Client => _app.Services.GetRequiredService<DurableTaskClient>();

    internal AuditTable Audit => _app.Services.GetRequiredService<AuditTable>();

    internal EventCounts Counts => _app.Services.GetRequiredService<EventCounts>();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await WriteSecretsAsync();
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        builder.Logging.AddProvider(Logged);
        var hub = await postgres.CreateDatabaseAsync(Cancellation);
        builder.Services.AddSingleton(EventsHost.Read(Written)).AddSingleton<TimeProvider>(Time).AddSingleton(new ServiceDatabase(hub, "events")).AddSingleton(provider =>
            new Secrets(new(SecretStore, new AwayStore()), SecretLifetimes.Usual, new(Time), Time, provider.GetRequiredService<ILogger<Secrets>>()));
        builder.Services.AddDurableTaskClient(options => options.ConnectionString = hub);
        builder.Services.AddSingleton<Runs>().AddSingleton<ObjectStores>().AddSingleton<IObjectStore>(new LocalObjectStore(_folder.Path, Time)).AddSingleton<AuditTable>().AddApi().AddObjectEvents().AddInbound();
        builder.Services.AddHttpClient(EventsRegistration.Sns).ConfigurePrimaryHttpMessageHandler(() => Sns);
        _app = builder.Build();
        _app.UseExceptionHandler();
        _app.UseStatusCodePages();
        _app.UseRouting();
        _app.UseBodyLimit();
        _app.MapInbound();
        _app.MapPost(WithSecretAway, (HttpRequest request, SharedKeys keys) => keys.CheckKeyAsync(request, new() { Secret = "in-a-vault" }, request.HttpContext.RequestAborted)).RefusesUntrusted("away");
        await _app.StartAsync(Cancellation);

        // A connection on which a body was refused may be closed after the answer: no test is to be handed one of another's.
        Http = new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.Zero }) { BaseAddress = new(_app.Urls.Single()) };
    }

    internal async Task WriteSecretsAsync()
    {
        foreach (var (name, fields) in (IEnumerable<(string, Dictionary<string, string>)>)
            [
                ("local/eventbridge", new() { ["key"] = "bridge-key", ["previous"] = "bridge-key-before" }), ("local/eventgrid", new() { ["key"] = "grid-key" }),
                ("local/relay", new() { ["key"] = "relay-key" }), ("local/slack", new() { ["signing_secret"] = "slack-secret" }),
            ])
        {
            await SecretStore.PutAsync(name, fields, Cancellation);
        }
    }

    internal async Task<(HttpStatusCode Status, string Body)> PostAsync(string path, string body, string type, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, type) };
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        using var answer = await Http.SendAsync(request, Cancellation);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync(Cancellation));
    }

    internal Task<(HttpStatusCode Status, string Body)> PostSnsAsync(SnsMessage message, params (string Name, string Value)[] headers) =>
        PostAsync("/api/events/sns", SnsSigner.Json(message), "text/plain", [("x-amz-sns-message-type", message.Type!), .. headers]);

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.DisposeAsync();
        Sns.Dispose();
        _folder.Dispose();
    }

    private sealed class AwayStore : ISecretStore
    {
        public Task<Secret> GetAsync(string name, CancellationToken cancellation) => throw new SecretUnavailableException(Away);
    }

    /// <summary>What is logged, line by line.</summary>
    internal sealed class Log : ILoggerProvider, ILogger
    {
        private readonly ConcurrentQueue<string> _lines = new();

        public IReadOnlyCollection<string> Lines => _lines;

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => _lines.Enqueue(formatter(state, exception));

        public void Dispose() => _lines.Clear();
    }
}
