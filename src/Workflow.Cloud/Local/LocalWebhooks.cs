using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Workflow.Cloud.Notifications;

namespace Workflow.Cloud.Local;

/// <summary>A message a webhook of the stand-in has received.</summary>
public sealed record LocalWebhookMessage(DateTimeOffset Time, string Name, string Id, JsonNode Body);

/// <summary>
/// A stand-in for whoever listens to signed webhooks: takes what is signed with its key within the last five minutes, and each message
/// once. What was received is kept in the data folder (<c>webhooks/messages.json</c>).
/// </summary>
public sealed class LocalWebhooks(string dataFolder, TimeProvider time)
{
    private const int KeptMessages = 1_000;
    private const int LargestBody = 1 << 20;
    private static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(5);

    private readonly LocalAwsState<State> _state = new(dataFolder, "messages", time, "webhooks");
    private readonly LocalFaults<Fault> _faults = new();

    /// <summary>The stand-in's key. It protects nothing but the stand-in.</summary>
    public static byte[] Key { get; } = SHA256.HashData("the local stand-in for webhooks"u8);

    /// <summary>The path of a webhook in an application that has mapped the stand-in.</summary>
    public static string HookPath(string name) => $"/local/webhooks/{Uri.EscapeDataString(name)}";

    /// <summary>Lets the next <paramref name="Times"/> posts fail.</summary>
    /// <param name="Status">The HTTP status they are answered with.</param>
    public sealed record Fault(int Status, int Times);

    /// <summary>Everything received so far, oldest first.</summary>
    public Task<IReadOnlyList<LocalWebhookMessage>> ReadAsync(CancellationToken cancellation) =>
        _state.ReadAsync(IReadOnlyList<LocalWebhookMessage> (state) => state.Messages, cancellation);

    /// <summary>Maps a webhook of each name (POST), what was sent (GET <c>messages</c>) and faults on command (POST <c>faults</c>).</summary>
    public void Map(IEndpointRouteBuilder endpoints)
    {
        var local = endpoints.MapGroup("/local/webhooks");
        local.MapPost("/{name}", PostAsync);
        local.MapGet("/messages", ReadAsync);
        local.MapPost("/faults", (Fault fault) => _faults.Set(fault, fault.Times));
    }

    private async Task<IResult> PostAsync(string name, HttpRequest request, CancellationToken cancellation)
    {
        if (_faults.Take() is { } fault)
        {
            return Results.Text("fault on command", statusCode: fault.Status);
        }

        var body = await new StreamReader(request.Body, Encoding.UTF8).ReadToEndAsync(cancellation);
        if (Refusal(request.Headers, body) is { } refusal)
        {
            return Results.Text(refusal, statusCode: StatusCodes.Status401Unauthorized);
        }

        var message = new LocalWebhookMessage(time.GetUtcNow(), name, request.Headers[WebhookNotifier.IdHeader].ToString(), JsonNode.Parse(body)!);
        await _state.UpdateAsync(state => state.Keep(message), cancellation);
        return Results.NoContent();
    }

    /// <summary>Why a message is not taken; null where it is.</summary>
    private string? Refusal(IHeaderDictionary headers, string body)
    {
        var (id, timestamp) = (headers[WebhookNotifier.IdHeader].ToString(), headers[WebhookNotifier.TimestampHeader].ToString());
        if (body.Length > LargestBody)
        {
            return "the body is too long";
        }

        if (id.Length == 0 || !long.TryParse(timestamp, CultureInfo.InvariantCulture, out var seconds))
        {
            return "webhook-id or webhook-timestamp is missing";
        }

        if ((time.GetUtcNow() - DateTimeOffset.FromUnixTimeSeconds(seconds)).Duration() > Tolerance)
        {
            return "webhook-timestamp is not of now";
        }

        var expected = Encoding.UTF8.GetBytes(WebhookNotifier.Signature(Key, id, timestamp, body));
        return headers[WebhookNotifier.SignatureHeader].ToString().Split(' ').Any(given => CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given), expected))
            ? null
            : "webhook-signature does not fit";
    }

    private sealed class State
    {
        public List<LocalWebhookMessage> Messages { get; init; } = [];

        public bool Keep(LocalWebhookMessage message)
        {
            if (Messages.Exists(kept => kept.Name == message.Name && kept.Id == message.Id))
            {
                return false;
            }

            Messages.Add(message);
            Messages.RemoveRange(0, Math.Max(0, Messages.Count - KeptMessages));
            return true;
        }
    }
}
