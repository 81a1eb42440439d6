using System.Collections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Workflow.Cloud.Secrets;

/// <summary>Logs without known secrets, whoever writes and wherever they go: messages, their values, scopes and exceptions.</summary>
public static class MaskedLogging
{
    public static ILoggingBuilder MaskSecrets(this ILoggingBuilder logging, KnownSecrets known)
    {
        // Around the factory and not each provider: providers that come later are covered, and the rules that name one keep finding it.
        logging.Services.Replace(ServiceDescriptor.Singleton<ILoggerFactory>(provider => new MaskedLoggerFactory(
            new LoggerFactory(
                provider.GetServices<ILoggerProvider>(), provider.GetRequiredService<IOptionsMonitor<LoggerFilterOptions>>(), provider.GetRequiredService<IOptions<LoggerFactoryOptions>>()),
            known)));
        return logging;
    }

    private sealed class MaskedLoggerFactory(LoggerFactory inner, KnownSecrets known) : ILoggerFactory
    {
        public ILogger CreateLogger(string categoryName) => new MaskedLogger(inner.CreateLogger(categoryName), known);

        public void AddProvider(ILoggerProvider provider) => inner.AddProvider(provider);

        public void Dispose() => inner.Dispose();
    }

    private sealed class MaskedLogger(ILogger inner, KnownSecrets known) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => inner.BeginScope(new MaskedState(state, state.ToString, known));

        public bool IsEnabled(LogLevel logLevel) => inner.IsEnabled(logLevel);

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                var masked = exception is not null && known.Has(exception.ToString()) ? new MaskedException(exception, known) : exception;
                inner.Log(logLevel, eventId, new MaskedState(state, () => formatter(state, exception), known), masked, static (shown, _) => shown.ToString());
            }
        }
    }

    /// <summary>What is logged, or a scope: its text and its named values. A scope is masked each time it is shown, with what is known by then.</summary>
    private sealed class MaskedState(object? state, Func<string?> text, KnownSecrets known) : IReadOnlyList<KeyValuePair<string, object?>>
    {
        private IReadOnlyList<KeyValuePair<string, object?>> Values => state switch
        {
            IReadOnlyList<KeyValuePair<string, object?>> list => list,
            IEnumerable<KeyValuePair<string, object?>> values => [.. values],
            _ => [],
        };

        public int Count => Values.Count;

        public KeyValuePair<string, object?> this[int index] => Hide(Values[index]);

        public IEnumerator<KeyValuePair<string, object?>> GetEnumerator() => Values.Select(Hide).GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

        public override string ToString() => known.Hide(text() ?? "");

        private KeyValuePair<string, object?> Hide(KeyValuePair<string, object?> value) =>
            value.Value?.ToString() is { } shown && known.Has(shown) ? KeyValuePair.Create(value.Key, (object?)known.Hide(shown)) : value;
    }

    /// <summary>Stands for an exception whose text holds a secret.</summary>
    private sealed class MaskedException(Exception original, KnownSecrets known) : Exception(known.Hide(original.Message))
    {
        public override string? StackTrace => original.StackTrace is { } trace ? known.Hide(trace) : null;

        public override string ToString() => known.Hide(original.ToString());
    }
}
