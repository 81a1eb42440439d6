using Workflow.App.Api;
using Workflow.App.Pipelines;
using Workflow.App.Triggers.Schedules;
using Workflow.Cloud.Objects;

namespace Workflow.App.Triggers.Functions;

/// <summary>Starts the runs that a trigger of the host asks for. The host may say everything twice; that is one run.</summary>
internal sealed class TriggeredRuns(Runs runs, ObjectStores stores, ScheduleTicker ticker, TimeProvider time)
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);
    private const int MostLooks = 10;

    public Task StartAsync(Function function, FunctionInvocation invocation, CancellationToken cancellation) => function.Kind switch
    {
        FunctionKind.Timer => TakeTicksAsync(function.Pipeline!, cancellation),
        FunctionKind.Blob => StartForBlobAsync(function.Pipeline!, invocation, cancellation),
        _ => throw new InvalidOperationException($"Nothing is started by a {function.Kind} function."),
    };

    /// <summary>What is due, the database's clock says, and the host's may be ahead of it: what is due in a moment is waited for.</summary>
    private async Task TakeTicksAsync(Pipeline pipeline, CancellationToken cancellation)
    {
        for (var look = 1; ; look++)
        {
            var ticked = await ticker.TakeAsync(pipeline, seen: null, time.GetUtcNow(), cancellation);
            if (ticked.LookIn is not { } wait || wait > Soon || look == MostLooks)
            {
                return;
            }

            await Task.Delay(wait, time, cancellation);
        }
    }

    /// <summary>The host tells which blob it is; what it is, is asked of the store, as everywhere. One that has gone is nobody's any more.</summary>
    private async Task StartForBlobAsync(Pipeline pipeline, FunctionInvocation invocation, CancellationToken cancellation)
    {
        var trigger = pipeline.Trigger!;
        var address = trigger.Prefix.WithKey(trigger.Prefix.Key + (invocation.Metadata("name") ?? throw new BadRequestException("The invocation does not name its blob.")));
        if (trigger.Matches(address) && await stores.For(address).FindAsync(address, cancellation) is { } arrived)
        {
            await runs.StartForAsync(pipeline, arrived, cancellation);
        }
    }
}
