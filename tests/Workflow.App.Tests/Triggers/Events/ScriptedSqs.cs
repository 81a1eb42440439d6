using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Workflow.Cloud.Aws;

namespace Workflow.App.Tests.Triggers.Events;

/// <summary>A queue that does as it is told: hands out what a test gives it, keeps what it was asked, and fails on command.</summary>
internal sealed class ScriptedSqs : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Lock _lock = new();
    private readonly List<(string Operation, JsonObject Input)> _calls = [];
    private readonly Queue<JsonArray> _messages = new();

    private ScriptedSqs(WebApplication app) => _app = app;

    /// <summary>Decides of an operation what it answers instead; null for what is right.</summary>
    public Func<string, int?> Fail { get; set; } = _ => null;

    public string Address => _app.Urls.Single();

    public SqsClient Client => new(new(new Dictionary<string, AwsEndpoint> { ["SQS"] = new(false, new(Address)) }, () => throw new InvalidOperationException(), new([], () => [])));

    public static async Task<ScriptedSqs> StartAsync()
    {
        TestCredentials.Set();
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var app = builder.Build();
        var sqs = new ScriptedSqs(app);
        app.MapPost("/", sqs.AnswerAsync);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return sqs;
    }

    /// <summary>Hands these out together, at the next call.</summary>
    public void Give(params (string Body, int Receives)[] messages)
    {
        lock (_lock)
        {
            _messages.Enqueue(
            [
                .. messages.Select((message, index) => new JsonObject
                {
                    ["MessageId"] = $"m{index}", ["ReceiptHandle"] = $"r{index}", ["Body"] = message.Body, ["Attributes"] = new JsonObject { ["ApproximateReceiveCount"] = $"{message.Receives}" },
                }),
            ]);
        }
    }

    public IReadOnlyList<JsonObject> Calls(string operation)
    {
        lock (_lock)
        {
            return [.. _calls.Where(call => call.Operation == operation).Select(call => call.Input)];
        }
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        var operation = context.Request.Headers["X-Amz-Target"].ToString().Split('.')[^1];
        var input = (JsonObject)(await JsonNode.ParseAsync(context.Request.Body))!;
        JsonObject? answer = new();
        int? failure;
        lock (_lock)
        {
            _calls.Add((operation, input));
            failure = Fail(operation);
            if (failure is null && operation == "ReceiveMessage")
            {
                answer = _messages.TryDequeue(out var messages) ? new() { ["Messages"] = messages } : null;
            }
        }

        if (failure is { } status)
        {
            context.Response.StatusCode = status;
            await context.Response.WriteAsJsonAsync(new { __type = "com.amazonaws.sqs#InternalFailure", message = "fault on command" });
            return;
        }

        if (answer is null)
        {
            // Nothing there: held open, as a long poll is.
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
        }

        answer!["MessageId"] = "sent";
        context.Response.ContentType = "application/x-amz-json-1.0";
        await context.Response.WriteAsync(answer.ToJsonString());
    }
}

/// <summary>Credentials that servers on this machine take.</summary>
internal static class TestCredentials
{
    public static IReadOnlyDictionary<string, string> Variables { get; } = new Dictionary<string, string>
    {
        ["AWS_ACCESS_KEY_ID"] = "test",
        ["AWS_SECRET_ACCESS_KEY"] = "test",
        ["AWS_REGION"] = "us-east-1",
    };

    /// <summary>In this process.</summary>
    public static void Set()
    {
        foreach (var (name, value) in Variables)
        {
            Environment.SetEnvironmentVariable(name, value);
        }
    }
}
