using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Workflow.Durable.Tests.Hosting;

/// <summary>A host as an application builds it, on a task hub of the test's own. Its waits have a deadline that says what was seen.</summary>
internal sealed class HubHost : IAsyncDisposable
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(90);

    private readonly IHost _host;
    private readonly Lazy<DurableTaskClient> _client;
    private bool _started;

    public HubHost(TestHub hub, Action<DurableTaskRegistry> register, Action<DurableTaskOptions>? configure = null, TimeProvider? time = null)
    {
        Hub = hub;
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Logging.AddProvider(Logs);
        builder.Services.AddSingleton(time ?? TimeProvider.System);
        builder.Services.AddDurableTask(
            options =>
            {
                options.ConnectionString = hub.ConnectionString;
                options.TaskHub = hub.Name;
                options.ShutdownTimeout = TimeSpan.Zero;  // what a test leaves standing is not waited for
                configure?.Invoke(options);
            },
            register);
        _host = builder.Build();
        _client = new(_host.Services.GetRequiredService<DurableTaskClient>);
    }

    public TestHub Hub { get; }

    public DurableTaskClient Client => _client.Value;

    public HostLog Logs { get; } = new();

    public IServiceProvider Services => _host.Services;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async Task StartAsync()
    {
        await _host.StartAsync(Cancellation);
        _started = true;
    }

    /// <summary>As on Ctrl-C: what is in hand is given back.</summary>
    public Task StopAsync() => _host.StopAsync(CancellationToken.None);

    public Task<string> ScheduleAsync(string orchestrator, object? input = null, string? id = null) =>
        Client.ScheduleNewOrchestrationInstanceAsync(orchestrator, input, new StartOrchestrationOptions(id), Cancellation);

    /// <summary>Starts an instance and waits for its end.</summary>
    public async Task<OrchestrationMetadata> RunAsync(string orchestrator, object? input = null, string? id = null) =>
        await EndAsync(await ScheduleAsync(orchestrator, input, id));

    /// <summary>Waits until the instance has ended.</summary>
    public async Task<OrchestrationMetadata> EndAsync(string id)
    {
        try
        {
            return await Client.WaitForInstanceCompletionAsync(id, cancellation: Cancellation).WaitAsync(s_deadline, TimeProvider.System, Cancellation);
        }
        catch (TimeoutException)
        {
            var last = await Client.GetInstanceAsync(id);
            var history = await HistoryAsync(id);
            throw new TimeoutException(
                $"Instance {id} is {last?.RuntimeStatus} after {s_deadline.TotalSeconds} s; history: {string.Join(", ", history.Select(line => line.Type).TakeLast(20))}; log: {Logs}");
        }
    }

    /// <summary>Waits until the instance has ended well, and reads its output.</summary>
    public async Task<T> OutputAsync<T>(string id)
    {
        var ended = await EndAsync(id);
        Assert.True(ended.RuntimeStatus == OrchestrationRuntimeStatus.Completed, $"{id} is {ended.RuntimeStatus}: {ended.FailureDetails}");
        return ended.ReadOutputAs<T>()!;
    }

    public async Task<T> OutputAsync<T>(string orchestrator, object? input) => await OutputAsync<T>(await ScheduleAsync(orchestrator, input));

    /// <summary>Waits until the instance has failed, and says how.</summary>
    public async Task<TaskFailureDetails> FailureAsync(string orchestrator, object? input = null) => await FailureOfAsync(await ScheduleAsync(orchestrator, input));

    public async Task<TaskFailureDetails> FailureOfAsync(string id)
    {
        var ended = await EndAsync(id);
        Assert.Equal(OrchestrationRuntimeStatus.Failed, ended.RuntimeStatus);
        return ended.FailureDetails!;
    }

    public Task<IReadOnlyList<OrchestrationHistoryEvent>> HistoryAsync(string id) => Client.GetOrchestrationHistoryAsync(id, Cancellation);

    /// <summary>Waits until the instance's history holds so many events of a type.</summary>
    public async Task HistoryHoldsAsync(string id, string type, int count = 1) => await Workflow.Testing.Eventually.TrueAsync(
        async () => (await HistoryAsync(id)).Count(line => line.Type == type) >= count, cancellation: Cancellation, what: $"{id} has {count} {type}");

    public Task StatusAsync(string id, OrchestrationRuntimeStatus status) => Workflow.Testing.Eventually.TrueAsync(
        async () => (await Client.GetInstanceAsync(id))?.RuntimeStatus == status, cancellation: Cancellation, what: $"{id} is {status}");

    public async ValueTask DisposeAsync()
    {
        if (_started)
        {
            await StopAsync();
        }

        if (_host is IAsyncDisposable disposable)
        {
            await disposable.DisposeAsync();
        }
    }
}

/// <summary>What a host logged.</summary>
internal sealed class HostLog : ILoggerProvider
{
    private readonly ConcurrentQueue<(string Category, LogLevel Level, string Text)> _lines = new();

    public IEnumerable<string> Of(string category) => _lines.Where(line => line.Category == category).Select(line => line.Text);

    public IEnumerable<string> Warnings => _lines.Where(line => line.Level >= LogLevel.Warning).Select(line => $"{line.Level}: {line.Text}");

    public ILogger CreateLogger(string categoryName) => new Writer(this, categoryName);

    public void Dispose()
    {
    }

    public override string ToString() => string.Join(" | ", Warnings.TakeLast(10));

    private sealed class Writer(HostLog log, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                log._lines.Enqueue((category, logLevel, exception is null ? formatter(state, exception) : $"{formatter(state, exception)}: {exception.GetType().Name}: {exception.Message}"));
            }
        }
    }
}
