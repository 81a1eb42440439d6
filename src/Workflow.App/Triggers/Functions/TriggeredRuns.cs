using Workflow.App.Pipelines;
using Workflow.Cloud.Objects;

namespace Workflow.App.Triggers.Functions;

/// <summary>Starts the runs that a trigger of the host asks for. The host may say everything twice; that is one run.</summary>
internal sealed class TriggeredRuns(Runs runs, ObjectStores stores, ILogger<TriggeredRuns> logger)
{
    public Task StartAsync(Function function, FunctionInvocation invocation, CancellationToken cancellation) => function.Kind switch
    {
        FunctionKind.Blob => StartForBlobAsync(function.Pipeline!, invocation, cancellation),
        _ => throw new InvalidOperationException($"Nothing is started by a {function.Kind} function."),
    };

    /// <summary>The host tells where the blob is; what it is, is asked of the store, as everywhere.</summary>
    private async Task StartForBlobAsync(Pipeline pipeline, FunctionInvocation invocation, CancellationToken cancellation)
    {
        var prefix = pipeline.Trigger!.Prefix;
        var address = prefix.WithKey(prefix.Key + (invocation.Metadata("name") ?? throw new Api.BadRequestException("The invocation does not name its blob.")));
        if (await stores.For(address).FindAsync(address, cancellation) is not { } arrived)
        {
            logger.LogInformation("{Object} has gone before its run of {Pipeline} could be started.", address, pipeline.Name);
            return;
        }

        var instance = await runs.StartForAsync(pipeline, arrived, cancellation);
        logger.LogInformation("{Object} is run {Instance} of {Pipeline}.", address, instance ?? "(ended before)", pipeline.Name);
    }
}
