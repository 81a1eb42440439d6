using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Workflow.Durable;
using Workflow.Durable.Protocol;

namespace Workflow.App.Tests.Functions;

/// <summary>The management API of the Durable Task extension over an engine's instances, with the key that it asks for.</summary>
internal sealed class ExtensionApi : IAsyncDisposable
{
    private const string Root = "/runtime/webhooks/durabletask";
    private const string Key = "key+of/the=extension";
    private const string Continuation = "x-ms-continuation-token";

    private WebApplication _app = null!;

    public JsonObject Binding => HostRequests.Client(
        new(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First() + Root), Uri.EscapeDataString(Key));

    public async Task StartAsync(ExtensionEngine engine)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        _app.Run(async context => await (await AnswerAsync(engine, context)).ExecuteAsync(context));
        await _app.StartAsync(TestContext.Current.CancellationToken);
    }

    public ValueTask DisposeAsync() => _app?.DisposeAsync() ?? ValueTask.CompletedTask;

    private static async Task<IResult> AnswerAsync(ExtensionEngine engine, HttpContext context)
    {
        if (context.Request.Query["code"] != Key)
        {
            return Results.Unauthorized();
        }

        var path = context.Request.Path.StartsWithSegments(Root, StringComparison.Ordinal, out var rest) ? rest.Value!.Trim('/').Split('/') : [];
        return (context.Request.Method, path) switch
        {
            ("POST", ["orchestrators", var name, .. var id]) => await StartAsync(engine, context, name, id.FirstOrDefault()),
            ("GET", ["instances"]) => List(engine, context),
            ("DELETE", ["instances"]) => PurgeMany(engine, context),
            ("GET", ["instances", var id]) => Look(engine, id, context.Request.Query["showHistory"] == "true"),
            ("DELETE", ["instances", var id]) => engine.Remove(id) ? Results.Json(new { instancesDeleted = 1 }) : Results.NotFound(),
            ("POST", ["instances", var id, "raiseEvent", var name]) => await RaiseAsync(engine, context, id, name),
            ("POST", ["instances", var id, var operation]) => Steer(engine, id, Operation(operation, context.Request.Query["reason"])),
            _ => Results.NotFound(),
        };
    }

    private static HistoryEvent? Operation(string operation, string? reason) => operation switch
    {
        "terminate" => new() { ExecutionTerminated = new() { Input = reason } },
        "suspend" => new() { ExecutionSuspended = new() { Input = reason } },
        "resume" => new() { ExecutionResumed = new() { Input = reason } },
        _ => null,
    };

    private static async Task<IResult> StartAsync(ExtensionEngine engine, HttpContext context, string name, string? id)
    {
        using var body = new StreamReader(context.Request.Body);
        var text = await body.ReadToEndAsync();
        try
        {
            id ??= Guid.NewGuid().ToString("N");
            engine.Start(name, text.Length == 0 ? null : JsonNode.Parse(text)!.ToJsonString(), id);
            return Results.Json(new { id }, statusCode: 202);
        }
        catch (InvalidOperationException taken)
        {
            return Results.Json(new { message = "Something went wrong while processing your request", exceptionMessage = taken.Message }, statusCode: 500);
        }
    }

    private static IResult Look(ExtensionEngine engine, string id, bool history) => engine.Find(id) is { } found
        ? Results.Json(Describe(found, history), statusCode: found.HasEnded ? 200 : 202)
        : Results.NotFound();

    /// <summary>Pages of at most three, whatever was asked for, so that paging is seen.</summary>
    private static IResult List(ExtensionEngine engine, HttpContext context)
    {
        var query = context.Request.Query;
        var from = query["createdTimeFrom"] is [{ } since] ? DateTime.Parse(since, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal) : DateTime.MinValue;
        var statuses = query["runtimeStatus"].ToString().Split(',', StringSplitOptions.RemoveEmptyEntries);
        var prefix = query["instanceIdPrefix"].ToString();
        var skip = int.TryParse(context.Request.Headers[Continuation], out var given) ? given : 0;
        var found = engine.All()
            .Where(instance => instance.CreatedAt >= from && instance.Id.StartsWith(prefix, StringComparison.Ordinal) && (statuses.Length == 0 || statuses.Contains($"{instance.Status}")))
            .ToArray();
        var top = Math.Min(3, int.Parse(query["top"]!, CultureInfo.InvariantCulture));
        context.Response.Headers[Continuation] = skip + top < found.Length ? $"{skip + top}" : "";
        return Results.Json(found.Skip(skip).Take(top).Select(instance => Describe(instance, false)).ToArray());
    }

    private static IResult PurgeMany(ExtensionEngine engine, HttpContext context)
    {
        if (!context.Request.Query.ContainsKey("createdTimeFrom"))
        {
            return Results.BadRequest("Please provide value for 'createdTimeFrom' parameter.");
        }

        var statuses = context.Request.Query["runtimeStatus"].ToString().Split(',', StringSplitOptions.RemoveEmptyEntries);
        var gone = engine.All().Count(instance => instance.HasEnded && (statuses.Length == 0 || statuses.Contains($"{instance.Status}")) && engine.Remove(instance.Id));
        return gone == 0 ? Results.NotFound() : Results.Json(new { instancesDeleted = gone });
    }

    private static async Task<IResult> RaiseAsync(ExtensionEngine engine, HttpContext context, string id, string name)
    {
        if (context.Request.ContentType?.StartsWith("application/json", StringComparison.Ordinal) != true)
        {
            return Results.BadRequest("Only application/json request content is supported");
        }

        using var body = new StreamReader(context.Request.Body);
        return Steer(engine, id, new() { EventRaised = new() { Name = name, Input = await body.ReadToEndAsync() } });
    }

    private static IResult Steer(ExtensionEngine engine, string id, HistoryEvent? told)
    {
        if (told is null || engine.Find(id) is not { } instance)
        {
            return Results.NotFound();
        }

        if (instance.HasEnded)
        {
            return Results.StatusCode(410);
        }

        engine.Tell(instance, told);
        return Results.Accepted();
    }

    /// <summary>Inputs and outputs are shown as the JSON that they are, and as text where they are none.</summary>
    private static JsonObject Describe(EngineInstance instance, bool history) => new()
    {
        ["name"] = instance.Name,
        ["instanceId"] = instance.Id,
        ["runtimeStatus"] = $"{instance.Status}",
        ["input"] = Show(instance.Input),
        ["customStatus"] = Show(instance.CustomStatus),
        ["output"] = Show(instance.Output),
        ["createdTime"] = instance.CreatedAt.ToString("s") + "Z",
        ["lastUpdatedTime"] = instance.LastUpdatedAt.ToString("s") + "Z",
        ["historyEvents"] = history
            ? new JsonArray([.. instance.History.Where(line => line.TaskScheduled is not null).Select(line => new JsonObject { ["EventType"] = "TaskScheduled", ["Timestamp"] = line.Timestamp.ToDateTime(), ["FunctionName"] = line.TaskScheduled.Name })])
            : null,
    };

    private static JsonNode? Show(string? value)
    {
        try
        {
            return value is null ? null : JsonNode.Parse(value);
        }
        catch (JsonException)
        {
            return value;
        }
    }
}
