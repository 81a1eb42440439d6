using System.Text.Json;
using Npgsql;
using Workflow.App.Pipelines;
using Workflow.Cloud.Aws;

namespace Workflow.App.Triggers.Events;

/// <summary>As <see cref="ObjectEvents.AcceptAsync"/>.</summary>
internal delegate Task<EventsAccepted> AcceptEvents(JsonElement body, CancellationToken cancellation);

/// <summary>
/// Takes the messages of a queue, whoever received them. One that nobody will ever understand is put aside at once, with its reason, one that fails
/// by itself after so many times. While the hub is away no message is put aside.
/// </summary>
internal sealed class QueueMessages(EventQueue queue, AcceptEvents accept, EventCounts counts, ILogger logger)
{
    /// <returns>True where the queue needs the message no more: its runs are durable, or it is put aside. False where it is to come again.</returns>
    /// <exception cref="NpgsqlException">The hub is away.</exception>
    /// <exception cref="TimeoutException">The hub is away.</exception>
    public async Task<bool> TakeAsync(SqsMessage message, CancellationToken cancellation)
    {
        try
        {
            using var body = JsonDocument.Parse(message.Body);
            await accept(body.RootElement, cancellation);
            return true;
        }
        catch (JsonException)
        {
            return await PutAsideAsync(message, "it is not JSON", cancellation);
        }
        catch (MalformedEventException malformed)
        {
            return await PutAsideAsync(message, malformed.Message, cancellation);
        }
        catch (Exception failed) when (!Runs.AreAway(failed))
        {
            logger.LogWarning("Message {Message} of queue {Queue} failed, at its receipt number {Receives}: {Reason}", message.Id, queue.Name, message.Receives, failed.Message);
            return message.Receives >= queue.MaxReceives && await PutAsideAsync(message, $"it failed {message.Receives} times, at last: {failed.Message}", cancellation);
        }
    }

    private async Task<bool> PutAsideAsync(SqsMessage message, string reason, CancellationToken cancellation)
    {
        if (!queue.HasDeadLetter)
        {
            logger.LogError("Message {Message} of queue {Queue} cannot be taken and stays, because Events:Queues names no DeadLetter for it: {Reason}", message.Id, queue.Name, reason);
            return false;
        }

        try
        {
            await queue.PutAsideAsync(message, reason, cancellation);
        }
        catch (Exception refused)
        {
            // Whatever it is, the others that came with it are not to come again for it.
            logger.LogError("Message {Message} of queue {Queue} cannot be put aside and stays: {Why} It was to be, because {Reason}", message.Id, queue.Name, refused.Message, reason);
            return false;
        }

        counts.DeadLettered(queue.Name);
        logger.LogError("Message {Message} of queue {Queue} is put aside: {Reason}", message.Id, queue.Name, reason);
        return true;
    }
}
