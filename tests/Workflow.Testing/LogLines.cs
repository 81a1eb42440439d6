using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Workflow.Testing;

/// <summary>A log in memory that keeps all that a real one could show of an entry: message, named values, scopes and exception.</summary>
public sealed class LogLines : ILoggerProvider, ISupportExternalScope
{
    private readonly ConcurrentQueue<string> _lines = new();
    private IExternalScopeProvider _scopes = new LoggerExternalScopeProvider();

    public IReadOnlyList<string> All => [.. _lines];

    /// <summary>A logger that writes here and is not masked.</summary>
    public ILogger<T> For<T>() => new Logger<T>(new LoggerFactory([this]));

    public ILogger CreateLogger(string categoryName) => new Lines(this);

    public void SetScopeProvider(IExternalScopeProvider scopeProvider) => _scopes = scopeProvider;

    public void Dispose()
    {
    }

    private static string Show(object? state) =>
        state is IEnumerable<KeyValuePair<string, object?>> values ? $"{state} {string.Join(' ', values.Select(value => $"{value.Key}={value.Value}"))}" : $"{state}";

    private sealed class Lines(LogLines log) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => log._scopes.Push(state);

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            var scopes = new List<string>();
            log._scopes.ForEachScope((scope, all) => all.Add(Show(scope)), scopes);
            log._lines.Enqueue($"{logLevel}: {formatter(state, exception)} | {Show(state)} | {string.Join(" > ", scopes)} | {exception}");
        }
    }
}
