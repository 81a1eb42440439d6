using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Workflow.App.Pipelines;
using Workflow.App.Triggers.Events;

namespace Workflow.App.Triggers.Functions;

/// <summary>
/// Takes the events that come by the storage queue. A message that nobody will ever understand goes to the host's poison queue at once, with its reason, one
/// that fails by itself after so many times. While the database or the extension is away the host brings it again, as often as host.json says, and then
/// puts it there as it is.
/// </summary>
internal sealed class QueuedEvents(ObjectEvents events, EventCounts counts, ILogger<QueuedEvents> logger)
{
    // As many as the service grants a message of SQS by default.
    private const int MostTimes = 5;

    /// <returns>What the host is answered.</returns>
    public async Task<JsonObject> TakeAsync(Function function, FunctionInvocation invocation, CancellationToken cancellation)
    {
        var message = invocation.Data(function.Trigger) ?? "";
        var times = int.TryParse(invocation.Metadata("DequeueCount"), CultureInfo.InvariantCulture, out var count) ? count : 1;
        try
        {
            using var body = JsonDocument.Parse(message);
            await events.AcceptAsync(body.RootElement, cancellation);
            return FunctionAnswer.Empty();
        }
        catch (JsonException)
        {
            return PutAside("it is not JSON");
        }
        catch (MalformedEventException malformed)
        {
            return PutAside(malformed.Message);
        }
        catch (Exception failed) when (!Runs.AreAway(failed) && failed is not HttpRequestException && times >= MostTimes)
        {
            return PutAside($"it failed {times} times, at last: {failed.Message}");
        }

        JsonObject PutAside(string reason)
        {
            var (id, queue) = (invocation.Metadata("Id"), function.Bindings[0]["queueName"]!.GetValue<string>());
            counts.DeadLettered(queue);
            logger.LogError("Message {Message} of queue {Queue} is put aside: {Reason}", id, queue, reason);

            // As a text, which the host hands on.
            return FunctionAnswer.Output(Bindings.Poison, new JsonObject { ["reason"] = reason, ["messageId"] = id, ["message"] = message }.ToJsonString());
        }
    }
}
