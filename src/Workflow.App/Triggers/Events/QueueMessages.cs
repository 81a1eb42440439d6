using System.Text.Json;
using Npgsql;
using Workflow.App.Pipelines;
using Workflow.Cloud.Aws;
using Workflow.Cloud.Objects;

namespace Workflow.App.Triggers.Events;

/// <summary>As <see cref="ObjectEvents.AcceptAsync"/>.</summary>
internal delegate Task<EventsAccepted> AcceptEvents(JsonElement body, CancellationToken cancellation);

/// <summary>
/// Takes the messages of a queue, whoever received them. One that nobody will ever understand is put aside at once, with its reason, one that fails
/// by itself after so many times. While the hub or a store of objects is away no message is put aside.
/// </summary>
internal sealed class QueueMessages(EventQueue queue, AcceptEvents accept, EventCounts counts, ILogger logger)
{
    /// <returns>True where the queue needs the message no more: its runs are durable, or it is put aside. False where it is to come again.</returns>
    /// <exception cref="NpgsqlException">The hub is away.</exception>
    /// <exception cref="TimeoutException">The hub or a store is away.</exception>
    /// <exception cref="ObjectStoreException">A store is away, or does not let us see the object.</exception>
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
        catch (Exception failed) when (!IsAway(failed))
        {
            logger.LogWarning("Message {Message} of queue {Queue} failed, at its receipt number {Receives}: {Reason}", message.Id, queue.Name, message.Receives, failed.Message);
            return message.Receives >= queue.MaxReceives && await PutAsideAsync(message, $"it failed {message.Receives} times, at last: {failed.Message}", cancellation);
        }
    }

    /// <summary>It is not the message's fault, as far as can be told: a store that refuses us all objects says so of one.</summary>
    private static bool IsAway(Exception failed) =>
        Runs.AreAway(failed) || failed is ObjectStoreException or HttpRequestException or IOException;

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
