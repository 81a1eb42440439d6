using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Workflow.App.Configuration;
using Workflow.App.Hosting;
using Workflow.App.Pipelines;
using Workflow.Cloud.Secrets;
using Workflow.Durable;

namespace Workflow.App.Triggers.Events.Lambda;

/// <summary>
/// What the function does with an event: it starts runs. The work is done by services on the same hub; here is only its client. Messages of
/// SQS are taken each for itself, and the queue keeps those that failed; anything else fails as a whole.
/// </summary>
internal sealed class LambdaFunction(ObjectEvents events, ILogger<LambdaFunction> logger)
{
    public static ServiceProvider Create(DataFolder data)
    {
        var sources = Settings.Sources(data);
        var settings = Settings.Load(sources);
        var hub = settings.Hub ?? throw new SettingsException([new("ConnectionStrings:Hub", null, "name the PostgreSQL database that the services work on: in Lambda there is no embedded one")]);
        var known = new KnownSecrets(TimeProvider.System);
        known.LearnPasswords(hub);
        var services = new ServiceCollection();
        services.AddLogging(logging => ServiceLog.Configure(logging, sources, least: null, known));
        services.AddSingleton(settings).AddSingleton(data).AddSingleton(TimeProvider.System);
        services.AddSingleton(_ => new ServiceDatabase(hub, settings.Host.HubName ?? new DurableTaskOptions().TaskHub));
        services.AddAws(settings, _ => throw new InvalidOperationException("In Lambda there are no stand-ins: set the services of Aws:Endpoints to aws."));
        services.AddOutboundGuard(settings.Outbound);
        services.AddPipelines(data).AddAzure(settings.Azure).AddSecrets(settings.Secrets, data, known);
        services.AddDurableTaskClient(options =>
        {
            settings.Host.ApplyTo(options);
            options.ConnectionString = hub;
        });
        services.AddObjectEvents().AddSingleton<LambdaFunction>();
        return services.BuildServiceProvider();
    }

    /// <returns>What Lambda is answered.</returns>
    public async Task<object> HandleAsync(byte[] body, CancellationToken cancellation)
    {
        using var envelope = JsonDocument.Parse(body);
        return Messages(envelope.RootElement) is { } messages
            ? new BatchAnswer(await TakeAsync(messages, cancellation))
            : await events.AcceptAsync(envelope.RootElement, cancellation);
    }

    /// <summary>The messages, where the event is of SQS.</summary>
    private static JsonElement[]? Messages(JsonElement envelope) =>
        envelope.ValueKind == JsonValueKind.Object && envelope.TryGetProperty("Records", out var records) && records.ValueKind == JsonValueKind.Array
        && records.EnumerateArray().ToArray() is { Length: > 0 } all && all.All(IsMessage) ? all : null;

    private static bool IsMessage(JsonElement record) =>
        record.ValueKind == JsonValueKind.Object && record.TryGetProperty("eventSource", out var source) && source.ValueEquals("aws:sqs") && record.TryGetProperty("messageId", out _);

    private async Task<IReadOnlyList<FailedItem>> TakeAsync(JsonElement[] messages, CancellationToken cancellation)
    {
        var failed = await Task.WhenAll(messages.Select(message => TakeAsync(message, cancellation)));
        return [.. failed.OfType<FailedItem>()];
    }

    private async Task<FailedItem?> TakeAsync(JsonElement message, CancellationToken cancellation)
    {
        var id = message.GetProperty("messageId").ToString();
        try
        {
            using var body = JsonDocument.Parse(message.GetProperty("body").ToString());
            await events.AcceptAsync(body.RootElement, cancellation);
            return null;
        }
        catch (Exception failed)
        {
            // Told here, because the queue is only told which: its redrive policy puts aside what fails again and again.
            logger.LogWarning("Message {Message} failed: {Reason}", id, failed.Message);
            return new(id);
        }
    }
}

/// <summary>Which messages of a batch the queue is to keep.</summary>
internal sealed record BatchAnswer(IReadOnlyList<FailedItem> BatchItemFailures);

/// <param name="ItemIdentifier">The message's id.</param>
internal sealed record FailedItem(string ItemIdentifier);
