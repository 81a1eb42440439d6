using Workflow.Cloud.Aws;

namespace Workflow.App.Triggers.Events;

/// <summary>
/// Takes events out of a queue, ten messages at once. A message is deleted when its runs are durable, and not before; until then it is
/// kept out of others' sight. While the hub or the queue is away the receiver waits, ever longer, and then tries with one message.
/// </summary>
internal sealed class QueueReceiver(EventQueue queue, AcceptEvents accept, EventCounts counts, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan ShortestPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LongestRest = TimeSpan.FromMinutes(15);

    // Less than a host grants its parts to stop.
    private static readonly TimeSpan FinishWithin = TimeSpan.FromSeconds(20);

    private readonly QueueMessages _messages = new(queue, accept, counts, logger);
    private string? _trouble;

    /// <summary>Until it is told to stop; what it has in hand then is finished.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        for (var failures = 0; !stopping.IsCancellationRequested;)
        {
            try
            {
                var messages = await queue.ReceiveAsync(failures == 0 ? SqsClient.BatchSize : 1, stopping);
                failures = await TakeAsync(messages, stopping) ? 0 : failures + 1;
                _trouble = failures == 0 ? null : _trouble;
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception failed)
            {
                failures++;
                Tell(failed);
            }

            if (failures > 0 && !await RestAsync(failures, stopping))
            {
                return;
            }
        }
    }

    /// <returns>False where the hub is away.</returns>
    private async Task<bool> TakeAsync(IReadOnlyList<SqsMessage> messages, CancellationToken stopping)
    {
        if (messages.Count == 0)
        {
            return true;
        }

        using var inHand = new CancellationTokenSource();
        await using var _ = stopping.Register(() => inHand.CancelAfter(FinishWithin));
        using var taken = new CancellationTokenSource();
        var hiding = KeepHiddenAsync(messages, taken.Token);
        try
        {
            var fates = await Task.WhenAll(messages.Select(message => TakeAsync(message, inHand.Token)));
            await SettleAsync([.. messages.Zip(fates)], inHand.Token);
            return !fates.Contains(Fate.Away);
        }
        finally
        {
            await taken.CancelAsync();
            await hiding;
        }
    }

    private async Task<Fate> TakeAsync(SqsMessage message, CancellationToken cancellation)
    {
        try
        {
            return await _messages.TakeAsync(message, cancellation) ? Fate.Done : Fate.Later;
        }
        catch (Exception away)
        {
            Tell(away);
            return Fate.Away;
        }
    }

    private async Task SettleAsync(IReadOnlyList<(SqsMessage Message, Fate Fate)> taken, CancellationToken cancellation)
    {
        var done = taken.Where(message => message.Fate == Fate.Done).Select(message => message.Message).ToArray();
        if (done.Length > 0 && await queue.DeleteAsync(done, cancellation) is { Count: > 0 } kept)
        {
            logger.LogWarning("{Count} messages of queue {Queue} were taken and could not be deleted; they will come again, and start nothing.", kept.Count, queue.Name);
        }

        foreach (var rest in taken.Where(message => message.Fate != Fate.Done).GroupBy(message => message.Message.Receives))
        {
            await queue.HideAsync([.. rest.Select(message => message.Message)], Pause(rest.Key, LongestRest), cancellation);
        }
    }

    private async Task KeepHiddenAsync(IReadOnlyList<SqsMessage> messages, CancellationToken taken)
    {
        try
        {
            while (true)
            {
                await Task.Delay(queue.Visibility / 2, time, taken);
                await queue.HideAsync(messages, queue.Visibility, taken);
            }
        }
        catch (OperationCanceledException) when (taken.IsCancellationRequested)
        {
            // They are taken.
        }
        catch (AwsException failed)
        {
            // Somebody else may be handed them too; what they start is the same.
            Tell(failed);
        }
    }

    private async Task<bool> RestAsync(int failures, CancellationToken stopping)
    {
        try
        {
            await Task.Delay(Pause(failures, LongestPause), time, stopping);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private static TimeSpan Pause(int failures, TimeSpan longest) =>
        TimeSpan.FromSeconds(Math.Min(longest.TotalSeconds, ShortestPause.TotalSeconds * Math.Pow(2, Math.Min(failures, 20) - 1)));

    /// <summary>The same trouble is told once, not at each try.</summary>
    private void Tell(Exception failed)
    {
        if (Interlocked.Exchange(ref _trouble, failed.Message) != failed.Message)
        {
            logger.LogWarning("Queue {Queue} cannot be worked on now; it is tried again: {Reason}", queue.Name, failed.Message);
        }
    }

    private enum Fate
    {
        /// <summary>To be deleted.</summary>
        Done,

        /// <summary>To be tried again.</summary>
        Later,

        /// <summary>To be tried again, and nothing else meanwhile.</summary>
        Away,
    }
}
