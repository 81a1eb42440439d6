using System.Text.Json;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Workflow.App.Api;
using Workflow.App.Configuration;

namespace Workflow.App.Triggers.Events.Inbound;

/// <summary>Where clouds post their events. Nobody has a key of the API there: each request proves itself.</summary>
internal static class InboundApi
{
    private const string AllowedOrigin = "eventgrid.azure.net";

    public static void MapInbound(this IEndpointRouteBuilder routes)
    {
        Map(routes, "sns", FromSnsAsync).OpenTo("SNS proves itself by its signature");
        Map(routes, "eventbridge", FromEventBridgeAsync).OpenTo("EventBridge proves itself by the key of its connection");
        Map(routes, "eventgrid", FromEventGridAsync).OpenTo("Event Grid proves itself by the key in its delivery headers");
        routes.MapMethods("/api/events/eventgrid", [HttpMethods.Options], Consent).RefusesUntrusted("eventgrid").OpenTo("Event Grid asks whether it may send; what it sends proves itself").WithTags("Events").WithSummary("Says that Event Grid may send.");
        Map(routes, "s3", FromRelayAsync).OpenTo("whoever passes events on proves itself by a key or a signature");
        routes.MapPost("/api/slack/commands", SlackCommands.AnswerAsync).RefusesUntrusted("slack").OpenTo("Slack proves itself by its signature").WithTags("Events").WithSummary("Answers Slack's commands.")
            .WithMetadata(new RequestSizeLimitAttribute(SlackCommands.Longest));
    }

    public static async Task<byte[]> ReadAsync(HttpRequest request, CancellationToken cancellation)
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body, cancellation);
        return body.ToArray();
    }

    private static RouteHandlerBuilder Map(IEndpointRouteBuilder routes, string entrance, Delegate handler) =>
        routes.MapPost($"/api/events/{entrance}", handler).RefusesUntrusted(entrance).WithTags("Events").WithSummary($"Takes events of objects from {entrance} and starts the runs they ask for.");

    private static async Task<IResult> FromSnsAsync(HttpRequest request, SnsTrust trust, SnsSubscriptions subscriptions, ObjectEvents events, CancellationToken cancellation)
    {
        var body = await ReadAsync(request, cancellation);
        if (request.Headers["x-amz-sns-rawdelivery"] == "true")
        {
            throw new UntrustedException("it is delivered raw, which carries no signature: switch raw message delivery off");
        }

        var message = SnsMessage.Read(body);
        await trust.CheckAsync(message, cancellation);
        switch (message.Type)
        {
            case SnsMessage.SubscriptionConfirmation:
                await subscriptions.ConfirmAsync(message, cancellation);
                return TypedResults.Ok();
            case SnsMessage.UnsubscribeConfirmation:
                subscriptions.NoteEnd(message);
                return TypedResults.Ok();
            default:
                // What was signed, and not the body: another reader may read that otherwise.
                return await AcceptAsync(JsonSerializer.SerializeToUtf8Bytes(message), events, cancellation);
        }
    }

    private static async Task<IResult> FromEventBridgeAsync(HttpRequest request, Settings settings, SharedKeys keys, ObjectEvents events, CancellationToken cancellation)
    {
        await keys.CheckKeyAsync(request, settings.Events.EventBridge, cancellation);
        return await AcceptAsync(await ReadAsync(request, cancellation), events, cancellation);
    }

    private static async Task<IResult> FromEventGridAsync(HttpRequest request, Settings settings, SharedKeys keys, ObjectEvents events, CancellationToken cancellation)
    {
        var body = await ReadAsync(request, cancellation);
        if (request.Headers["aeg-event-type"] == "SubscriptionValidation")
        {
            return TypedResults.Ok(new { validationResponse = ValidationCode(body, settings.Events.EventGrid.Topics) });
        }

        await keys.CheckKeyAsync(request, settings.Events.EventGrid, cancellation);
        return await AcceptAsync(body, events, cancellation);
    }

    private static async Task<IResult> FromRelayAsync(HttpRequest request, Settings settings, SharedKeys keys, ObjectEvents events, CancellationToken cancellation)
    {
        var body = await ReadAsync(request, cancellation);
        var entrance = settings.Events.S3;
        if (request.Headers["X-Event-Signature"] is { Count: > 0 } signature)
        {
            await keys.CheckSignatureAsync(body, request.Headers["X-Event-Timestamp"], signature, entrance.Secret, SharedKeys.Key, cancellation);
        }
        else
        {
            await keys.CheckKeyAsync(request, entrance, cancellation);
        }

        return await AcceptAsync(body, events, cancellation);
    }

    /// <summary>CloudEvents ask first whether they may come. Only Event Grid may, and only where its entrance is open.</summary>
    private static Ok Consent(HttpContext context, Settings settings)
    {
        if (settings.Events.EventGrid.Secret is null || context.Request.Headers["WebHook-Request-Origin"] is not [AllowedOrigin])
        {
            throw new UntrustedException($"'{context.Request.Headers["WebHook-Request-Origin"]}' asks whether it may send, and only {AllowedOrigin} may, once Events:EventGrid:Secret is set");
        }

        context.Response.Headers["WebHook-Allowed-Origin"] = AllowedOrigin;
        context.Response.Headers["WebHook-Allowed-Rate"] = "*";
        context.Response.Headers.Allow = "POST, OPTIONS";
        return TypedResults.Ok();
    }

    /// <summary>
    /// The handshake of the Event Grid schema. It comes without the delivery headers, so a subscription is known by its topic; what it sends
    /// later must bring the key.
    /// </summary>
    private static string ValidationCode(byte[] body, IReadOnlyList<string> topics)
    {
        try
        {
            using var events = JsonDocument.Parse(body);
            if (events.RootElement is { ValueKind: JsonValueKind.Array } all && all.GetArrayLength() == 1
                && all[0].GetProperty("eventType").GetString() == "Microsoft.EventGrid.SubscriptionValidationEvent"
                && all[0].GetProperty("data").GetProperty("validationCode").GetString() is { Length: > 0 } code)
            {
                var topic = all[0].GetProperty("topic").GetString();
                return topics.Contains(topic, StringComparer.OrdinalIgnoreCase) ? code : throw new UntrustedException($"topic '{topic}' is not among Events:EventGrid:Topics");
            }
        }
        catch (Exception broken) when (broken is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new UntrustedException("it is no validation of a subscription");
        }

        throw new UntrustedException("it is no validation of a subscription");
    }

    private static async Task<IResult> AcceptAsync(byte[] body, ObjectEvents events, CancellationToken cancellation)
    {
        try
        {
            using var envelope = JsonDocument.Parse(body);
            return TypedResults.Ok(await events.AcceptAsync(envelope.RootElement, cancellation));
        }
        catch (JsonException)
        {
            throw new BadRequestException("The body is not JSON.");
        }
        catch (MalformedEventException malformed)
        {
            throw new BadRequestException($"The event cannot be taken: {malformed.Message}.");
        }
    }
}
