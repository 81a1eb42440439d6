using System.Diagnostics;
using Microsoft.Extensions.Hosting;

namespace Workflow.Cloud.Secrets;

/// <summary>Spans without known secrets: their tags and status when they end, and the exceptions that are recorded in them.</summary>
/// <remarks>It only looks at spans that somebody else wants; before those who export them, because it listens from the start.</remarks>
public sealed class MaskedTraces : IHostedService, IDisposable
{
    private readonly KnownSecrets _known;
    private readonly ActivityListener _listener;

    public MaskedTraces(KnownSecrets known)
    {
        _known = known;
        _listener = new() { ShouldListenTo = _ => true, ActivityStopped = Hide, ExceptionRecorder = Record };
        ActivitySource.AddActivityListener(_listener);
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _listener.Dispose();

    private void Hide(Activity span)
    {
        foreach (var (name, value) in span.TagObjects.ToArray())
        {
            if (value?.ToString() is { } shown && _known.Has(shown))
            {
                span.SetTag(name, _known.Hide(shown));
            }
        }

        if (span.StatusDescription is { } description && _known.Has(description))
        {
            span.SetStatus(span.Status, _known.Hide(description));
        }
    }

    /// <summary>The tags that are there already are not written again by the runtime.</summary>
    private void Record(Activity span, Exception exception, ref TagList tags)
    {
        if (_known.Has(exception.ToString()))
        {
            tags.Add("exception.message", _known.Hide(exception.Message));
            tags.Add("exception.stacktrace", _known.Hide(exception.ToString()));
        }
    }
}
