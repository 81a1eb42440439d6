using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Workflow.App.Configuration;
using Workflow.App.Hosting;
using Workflow.App.Pipelines;
using Workflow.Cloud.Aws;
using Workflow.Cloud.Secrets;
using Workflow.Durable;

namespace Workflow.App.Triggers.Events.Lambda;

/// <summary>
/// What the function does with an event: it starts runs. The work is done by services on the same hub; here is only its client. Messages of
/// SQS are taken each for itself, as they are where the service receives them, and the queue keeps those that failed; anything else fails as a whole.
/// </summary>
internal sealed class LambdaFunction(Settings settings, SqsClient sqs, ObjectEvents events, EventCounts counts, ILogger<LambdaFunction> logger)
{
    public static async Task<ServiceProvider> CreateAsync(DataFolder data, CancellationToken cancellation)
    {
        var sources = Settings.Sources(data);
        var settings = Settings.Load(sources);
        var hub = settings.Hub ?? throw new SettingsException([new("ConnectionStrings:Hub", null, "name the PostgreSQL database that the services work on: in Lambda there is no embedded one")]);
        await DatabaseHosts.CheckAsync(settings, cancellation);
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

    private async Task<FailedItem?> TakeAsync(JsonElement record, CancellationToken cancellation)
    {
        var message = Read(record);
        try
        {
            return await new QueueMessages(QueueOf(record), events.AcceptAsync, counts, logger).TakeAsync(message, cancellation) ? null : new(message.Id);
        }
        catch (Exception away)
        {
            // Told here, because the queue is only told which.
            logger.LogWarning("Message {Message} failed: {Reason}", message.Id, away.Message);
            return new(message.Id);
        }
    }

    private static SqsMessage Read(JsonElement record)
    {
        var receives = record.TryGetProperty("attributes", out var attributes) ? Text(attributes, "ApproximateReceiveCount") : null;
        return new(
            Text(record, "messageId") ?? "", Text(record, "receiptHandle") ?? "", Text(record, "body") ?? "",
            int.TryParse(receives, CultureInfo.InvariantCulture, out var count) ? count : 1);
    }

    /// <summary>Of a queue that the settings do not name nothing is put aside.</summary>
    private EventQueue QueueOf(JsonElement record)
    {
        var arn = Text(record, "eventSourceARN") ?? "";
        return new(sqs, settings.Events.Queues.FirstOrDefault(queue => SqsClient.IsSame(queue.Url!, arn)) ?? new() { Url = arn });
    }

    private static string? Text(JsonElement holder, string name) => holder.ValueKind == JsonValueKind.Object && holder.TryGetProperty(name, out var value) ? value.ToString() : null;
}

/// <summary>Which messages of a batch the queue is to keep.</summary>
internal sealed record BatchAnswer(IReadOnlyList<FailedItem> BatchItemFailures);

/// <param name="ItemIdentifier">The message's id.</param>
internal sealed record FailedItem(string ItemIdentifier);
