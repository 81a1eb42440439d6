using System.Diagnostics;
using System.Globalization;
using Workflow.Cloud.Objects;

namespace Workflow.App.Tests.Faults;

/// <summary>Counts what a process does outside itself, and kills it after the chosen effect; writes the count down where that is asked for.</summary>
internal sealed class EffectCount
{
    /// <summary>The effect after which the process is killed, from 1.</summary>
    public const string KillAfter = "WORKFLOW_TEST_KILL_AFTER";

    /// <summary>A file that is told how many effects there were.</summary>
    public const string CountTo = "WORKFLOW_TEST_COUNT_TO";

    private readonly int _killAfter = int.Parse(Environment.GetEnvironmentVariable(KillAfter) ?? "0", CultureInfo.InvariantCulture);
    private readonly string? _countTo = Environment.GetEnvironmentVariable(CountTo);
    private int _effects;

    public void Happened()
    {
        var effect = Interlocked.Increment(ref _effects);
        if (_countTo is not null)
        {
            File.WriteAllText(_countTo, effect.ToString(CultureInfo.InvariantCulture));
        }

        if (effect == _killAfter)
        {
            Process.GetCurrentProcess().Kill();
        }
    }
}

/// <summary>A store that tells of each call that has had its effect. Listing has none and is not counted: triggers list all the time.</summary>
internal sealed class CountingObjectStore(IObjectStore store, EffectCount effects) : IObjectStore
{
    public string Scheme => store.Scheme;

    public IAsyncEnumerable<ObjectInfo> ListAsync(ObjectAddress prefix, CancellationToken cancellation) => store.ListAsync(prefix, cancellation);

    public async Task<ObjectInfo?> FindAsync(ObjectAddress address, CancellationToken cancellation) => Done(await store.FindAsync(address, cancellation));

    public async Task<Stream> OpenReadAsync(ObjectAddress address, CancellationToken cancellation) => Done(await store.OpenReadAsync(address, cancellation));

    public async Task<ObjectInfo> WriteAsync(ObjectAddress address, Stream content, WriteCondition condition, CancellationToken cancellation) =>
        Done(await store.WriteAsync(address, content, condition, cancellation));

    public async Task<ObjectInfo> CopyAsync(ObjectAddress from, ObjectAddress to, CancellationToken cancellation) => Done(await store.CopyAsync(from, to, cancellation));

    public async Task DeleteAsync(ObjectAddress address, CancellationToken cancellation)
    {
        await store.DeleteAsync(address, cancellation);
        effects.Happened();
    }

    private T Done<T>(T result)
    {
        effects.Happened();
        return result;
    }
}
