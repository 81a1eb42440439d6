using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Workflow.Cloud.Notifications;

namespace Workflow.Cloud.Local;

/// <summary>A message the stand-in for Slack has received.</summary>
/// <param name="Text">As it was sent, with Slack's escapes.</param>
/// <param name="Key">The sender's key; a second message with the same key was not kept.</param>
public sealed record LocalSlackMessage(DateTimeOffset Time, string Channel, string Text, string? Key);

/// <summary>
/// A stand-in for Slack's incoming webhooks: refuses what they refuse, shows what was sent, and keeps it in the data folder
/// as JSON lines (<c>slack/messages.jsonl</c>), one file for all processes that share the folder.
/// </summary>
public sealed class LocalSlack
{
    private const int LongestText = 40_000;

    private readonly string _messages;
    private readonly string _lock;
    private readonly TimeProvider _time;
    private readonly LocalFaults<Fault> _faults = new();

    public LocalSlack(string dataFolder, TimeProvider time)
    {
        var folder = Directory.CreateDirectory(Path.Combine(dataFolder, "slack")).FullName;
        _messages = Path.Combine(folder, "messages.jsonl");
        _lock = Path.Combine(folder, "lock");
        _time = time;
    }

    /// <summary>The path of a channel's webhook in an application that has mapped the stand-in.</summary>
    public static string HookPath(string channel) => $"/local/slack/hooks/{Uri.EscapeDataString(channel)}";

    /// <summary>Lets the next <paramref name="Times"/> posts fail.</summary>
    /// <param name="Status">The HTTP status they are answered with.</param>
    /// <param name="Times">How many.</param>
    /// <param name="RetryAfter">In seconds, said in the Retry-After header.</param>
    public sealed record Fault(int Status, int Times, int? RetryAfter = null);

    /// <summary>Everything received so far, oldest first.</summary>
    public async Task<IReadOnlyList<LocalSlackMessage>> ReadAsync(CancellationToken cancellation)
    {
        using (await FileLock.TakeAsync(_lock, _time, cancellation))
        {
            return await LoadAsync(cancellation);
        }
    }

    internal void Fail(Fault fault) => _faults.Set(fault, fault.Times);

    internal async Task<IResult> PostAsync(string channel, IReadOnlySet<string> channels, HttpContext context)
    {
        if (_faults.Take() is { } fault)
        {
            context.Response.Headers.RetryAfter = fault.RetryAfter is { } seconds ? $"{seconds}" : default;
            return Results.Text("fault_on_command", statusCode: fault.Status);
        }

        if (!channels.Contains(channel))
        {
            return Results.Text("no_service", statusCode: StatusCodes.Status404NotFound);
        }

        var (text, refusal) = await ReadTextAsync(context.Request);
        if (text is null)
        {
            return Results.Text(refusal, statusCode: StatusCodes.Status400BadRequest);
        }

        var key = context.Request.Headers[SlackNotifier.KeyHeader].FirstOrDefault();
        await KeepAsync(new(_time.GetUtcNow(), channel, text, key), context.RequestAborted);
        return Results.Text("ok");
    }

    private static async Task<(string? Text, string? Refusal)> ReadTextAsync(HttpRequest request)
    {
        if (!request.HasJsonContentType())
        {
            return (null, "invalid_payload");
        }

        try
        {
            using var payload = await JsonDocument.ParseAsync(request.Body, cancellationToken: request.HttpContext.RequestAborted);
            if (payload.RootElement.ValueKind != JsonValueKind.Object)
            {
                return (null, "invalid_payload");
            }

            var text = payload.RootElement.TryGetProperty("text", out var field) && field.ValueKind == JsonValueKind.String ? field.GetString() : null;
            return string.IsNullOrWhiteSpace(text) ? (null, "no_text")
                : text.Length > LongestText ? (null, "invalid_payload")
                : (text, null);
        }
        catch (JsonException)
        {
            return (null, "invalid_payload");
        }
    }

    private async Task KeepAsync(LocalSlackMessage message, CancellationToken cancellation)
    {
        using (await FileLock.TakeAsync(_lock, _time, cancellation))
        {
            var repeated = message.Key is not null && (await LoadAsync(cancellation)).Any(kept => kept.Channel == message.Channel && kept.Key == message.Key);
            if (!repeated)
            {
                await File.AppendAllTextAsync(_messages, JsonSerializer.Serialize(message, JsonSerializerOptions.Web) + "\n", cancellation);
            }
        }
    }

    private async Task<List<LocalSlackMessage>> LoadAsync(CancellationToken cancellation) =>
        File.Exists(_messages)
            ? await File.ReadLinesAsync(_messages, cancellation).Select(line => JsonSerializer.Deserialize<LocalSlackMessage>(line, JsonSerializerOptions.Web)!).ToListAsync(cancellation)
            : [];
}

public static class LocalSlackEndpoints
{
    private const int LargestPayload = 1 << 20;

    /// <summary>
    /// Maps the stand-in: a webhook per channel (<see cref="LocalSlack.HookPath"/>; POST), what was sent (GET <c>/local/slack/messages</c>)
    /// and faults on command (POST <c>/local/slack/faults</c>, a <see cref="LocalSlack.Fault"/>).
    /// </summary>
    public static IEndpointRouteBuilder MapLocalSlack(this IEndpointRouteBuilder endpoints, LocalSlack slack, IReadOnlySet<string> channels)
    {
        var local = endpoints.MapGroup("/local/slack");
        local.MapPost("/hooks/{channel}", (string channel, HttpContext context) => slack.PostAsync(channel, channels, context))
            .WithMetadata(new RequestSizeLimitAttribute(LargestPayload));
        local.MapGet("/messages", (CancellationToken cancellation) => slack.ReadAsync(cancellation));
        local.MapPost("/faults", (LocalSlack.Fault fault) => slack.Fail(fault));
        return endpoints;
    }
}
