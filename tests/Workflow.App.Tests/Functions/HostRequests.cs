using System.Text.Json;
using System.Text.Json.Nodes;

namespace Workflow.App.Tests.Functions;

/// <summary>
/// Invocations as the Azure Functions host writes them: a text becomes a JSON text before it is written into the JSON of the request, an object
/// does not; and the top level of a text that is a JSON object comes once more as metadata.
/// </summary>
internal static class HostRequests
{
    public static JsonObject Orchestration(string request) => Invocation([new("request", Text(request))], []);

    public static JsonObject Activity(string call, string instance, JsonObject client) =>
        Invocation([new("call", Text(call)), Client(client)], [new("instanceId", Text(instance)), new("data", Text(call)), .. TopLevel(call)]);

    public static JsonObject Timer(DateTimeOffset? last, JsonObject client)
    {
        var timer = new JsonObject
        {
            ["Schedule"] = new JsonObject { ["AdjustForDST"] = true },
            ["ScheduleStatus"] = last is null ? null : new JsonObject { ["Last"] = last, ["Next"] = last, ["LastUpdated"] = last },
            ["IsPastDue"] = false,
        };
        return Invocation([new("timer", timer), Client(client)], []);
    }

    /// <param name="path">Of the container and the blob in it.</param>
    /// <param name="name">What the part of the path in braces stands for; null where the host says nothing of it.</param>
    public static JsonObject Blob(string content, string path, string? name, JsonObject client) => Invocation(
        [new("blob", Text(content)), Client(client)],
        [
            new("BlobTrigger", Text(path)), new("Uri", Text($"https://account.blob.core.windows.net/{path.Replace(" ", "%20", StringComparison.Ordinal)}")),
            new("Properties", new JsonObject { ["LastModified"] = "2025-01-31T10:00:00+00:00", ["ETag"] = "\"0x8DD41F0A5E0D1B0\"", ["ContentLength"] = content.Length, ["BlobType"] = 0 }),
            new("Metadata", new JsonObject()), .. name is null ? [] : new KeyValuePair<string, JsonNode?>[] { new("name", Text(name)) },
        ]);

    public static JsonObject Queue(string message, JsonObject client, int dequeueCount = 1) => Invocation([new("message", Text(message)), Client(client)], [new("Id", Text("message-1")), new("DequeueCount", dequeueCount)]);

    public static JsonObject Http(string method, string url, string? body, JsonObject client, params (string Name, string Value)[] headers)
    {
        var all = new JsonObject([.. headers.Select(header => KeyValuePair.Create(header.Name, (JsonNode?)new JsonArray(header.Value)))]);
        var request = new JsonObject { ["Url"] = url, ["Method"] = method, ["Query"] = new JsonObject(), ["Headers"] = all, ["Params"] = new JsonObject(), ["Identities"] = new JsonArray() };
        if (body is not null)
        {
            request["Body"] = body;
        }

        return Invocation([new("req", request), Client(client)], []);
    }

    /// <summary>What a <c>durableClient</c> binding says.</summary>
    public static JsonObject Client(Uri http, string key) => new()
    {
        ["taskHubName"] = "durable", ["connectionName"] = "", ["creationUrls"] = null, ["managementUrls"] = null, ["baseUrl"] = null,
        ["requiredQueryStringParameters"] = $"code={key}", ["rpcBaseUrl"] = "http://127.0.0.1:1", ["httpBaseUrl"] = http.ToString().TrimEnd('/'),
    };

    private static KeyValuePair<string, JsonNode?> Client(JsonObject client) => new("client", Text(client.ToJsonString()));

    private static JsonObject Invocation(IEnumerable<KeyValuePair<string, JsonNode?>> data, IEnumerable<KeyValuePair<string, JsonNode?>> metadata) => new()
    {
        ["Data"] = new JsonObject(data),
        ["Metadata"] = new JsonObject([.. metadata, new("sys", new JsonObject { ["MethodName"] = "function", ["UtcNow"] = DateTime.UnixEpoch, ["RandGuid"] = Guid.Empty })]),
    };

    private static IEnumerable<KeyValuePair<string, JsonNode?>> TopLevel(string text) => JsonNode.Parse(text) is JsonObject json
        ? json.Where(property => property.Value is not (null or JsonArray) && property.Key != "instanceId").Select(property => KeyValuePair.Create<string, JsonNode?>(property.Key, property.Value!.GetValueKind() == JsonValueKind.String ? Text(property.Value!.GetValue<string>()) : property.Value.DeepClone()))
        : [];

    private static JsonValue Text(string text) => JsonValue.Create(JsonSerializer.Serialize(text))!;
}
