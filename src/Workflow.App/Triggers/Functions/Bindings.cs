using System.Text.Json.Nodes;

namespace Workflow.App.Triggers.Functions;

/// <summary>
/// Bindings as <c>function.json</c> writes them. None of them is a <c>$return</c>: the host would decode what comes back as bytes, and
/// a durable trigger takes its answer without one.
/// </summary>
internal static class Bindings
{
    public const string Client = "client";
    public const string Response = "res";
    public const string Poison = "poison";

    public static JsonObject Orchestration() => In("orchestrationTrigger", "request");

    public static JsonObject Activity() => In("activityTrigger", "call");

    /// <summary>Tells where the Durable Task extension answers, and with which key.</summary>
    public static JsonObject DurableClient() => In("durableClient", Client);

    public static JsonObject HttpTrigger(string route, params string[] methods) => In("httpTrigger", "req", [
        new("authLevel", "function"), new("methods", new JsonArray([.. methods.Select(method => JsonValue.Create(method))])), new("route", route)]);

    public static JsonObject HttpResponse() => new() { ["type"] = "http", ["direction"] = "out", ["name"] = Response };

    /// <param name="schedule">The six fields of NCRONTAB, in UTC.</param>
    public static JsonObject Timer(string schedule) => In("timerTrigger", "timer", [new("schedule", schedule), new("useMonitor", true)]);

    /// <param name="path">Of the container and its blobs, with a name in braces.</param>
    /// <param name="connection">The app setting that names the storage account.</param>
    public static JsonObject Blob(string path, string connection) => In("blobTrigger", "blob", [new("path", path), new("source", "EventGrid"), new("connection", connection)]);

    public static JsonObject Queue(string queue, string connection) => In("queueTrigger", "message", [new("queueName", queue), new("connection", connection)]);

    /// <summary>The queue where the host puts what fails again and again.</summary>
    public static JsonObject PoisonQueue(string queue, string connection) =>
        new() { ["type"] = "queue", ["direction"] = "out", ["name"] = Poison, ["queueName"] = $"{queue}-poison", ["connection"] = connection };

    private static JsonObject In(string type, string name, params KeyValuePair<string, JsonNode?>[] more) =>
        new([new("type", type), new("direction", "in"), new("name", name), .. more]);
}
