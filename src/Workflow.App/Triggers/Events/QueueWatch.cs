using Workflow.App.Configuration;
using Workflow.Cloud.Aws;

namespace Workflow.App.Triggers.Events;

/// <summary>Receives from the configured queues. Any number of hosts may: SQS hands each message to one at a time.</summary>
internal sealed class QueueWatch(Settings settings, SqsClient sqs, ObjectEvents events, EventCounts counts, ILogger<QueueWatch> logger) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(settings.Events.Queues.SelectMany(queue => Enumerable.Range(0, queue.Receivers).Select(_ =>
            new QueueReceiver(new(sqs, queue), events.AcceptAsync, counts, TimeProvider.System, logger).RunAsync(stoppingToken))));
}
