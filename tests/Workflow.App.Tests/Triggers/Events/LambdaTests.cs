using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Workflow.App.Commands;
using Workflow.App.Hosting;
using Workflow.App.Triggers.Events.Lambda;
using Workflow.Cloud.Aws;
using Workflow.Cloud.Objects;
using Workflow.Cloud.Secrets;
using Workflow.Testing;

namespace Workflow.App.Tests.Triggers.Events;

/// <summary>The program as the bootstrap of a function, driven over the API that Lambda gives it.</summary>
public sealed class LambdaTests(PostgresFixture postgres) : IAsyncLifetime
{
    private Installation _installation = null!;
    private LambdaApi _lambda = null!;

    public async ValueTask InitializeAsync()
    {
        _installation = await Installation.CreateAsync(postgres);
        _installation.With("gate", "quality-gate", new { Output = "local://good/" }).With("nightly", "quadratic-primes", new { });
        _installation.Settings["Pipelines"]!["gate"]!["Trigger"] = new JsonObject { ["Object"] = "s3://landing/in/", ["Watch"] = "false" };
        _lambda = await LambdaApi.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _lambda.DisposeAsync();
        await _installation.DisposeAsync();
    }

    [Fact]
    public async Task The_function_starts_runs_and_tells_the_queue_which_messages_to_keep()
    {
        await using var sqs = await ScriptedSqs.StartAsync();
        _installation.Settings["Aws"] = new JsonObject { ["Endpoints"] = new JsonObject { ["SQS"] = sqs.Address } };
        _installation.Settings["Events"] = new JsonObject { ["Queues"] = new JsonArray(new JsonObject { ["Url"] = $"{sqs.Address}/000000000000/landing", ["DeadLetter"] = $"{sqs.Address}/000000000000/dead" }) };
        _installation.WriteSettings();
        await using var function = Start(_installation.Data);

        Assert.Equal("""{"started":1,"ignored":0}""", await _lambda.InvokeAsync(Envelopes.S3("landing", "in/one two.csv")));
        Assert.Equal("""{"started":0,"ignored":1}""", await _lambda.InvokeAsync(Envelopes.InLambdaSns(Envelopes.S3("landing", "in/one two.csv"))));
        Assert.Equal("""{"started":1,"ignored":0}""", await _lambda.InvokeAsync(Envelopes.EventBridge("landing", "in/two.csv")));
        Assert.Equal("""{"started":1,"ignored":0}""", await _lambda.InvokeAsync(Envelopes.Schedule("nightly", "2025-01-31T02:00:00Z")));
        Assert.Equal(
            """{"batchItemFailures":[{"itemIdentifier":"m3"}]}""",
            await _lambda.InvokeAsync(Envelopes.InLambdaSqs(
                Envelopes.S3("landing", "in/three.csv"), "poison", Envelopes.InSns(Envelopes.S3("landing", "in/four.csv")), Envelopes.Schedule("gate", "2025-01-31T02:00:00Z"), Envelopes.TestEvent)));
        Assert.Equal("poison", (string?)Assert.Single(sqs.Calls("SendMessage"))["MessageBody"]);
        Assert.Equal("""{"batchItemFailures":[]}""", await _lambda.InvokeAsync(Envelopes.InLambdaSqs(Envelopes.S3("landing", "in/three.csv"))));

        var malformed = JsonDocument.Parse(await _lambda.InvokeAsync("""{"hello":1}""")).RootElement;
        Assert.Equal("Workflow.MalformedEventException", malformed.GetProperty("errorType").GetString());
        Assert.StartsWith("it is no notification of S3", malformed.GetProperty("errorMessage").GetString(), StringComparison.Ordinal);
        Assert.Equal("Workflow.MalformedEventException", _lambda.ErrorType);

        var late = JsonDocument.Parse(await _lambda.InvokeAsync(Envelopes.S3("landing", "in/late.csv"), TimeSpan.FromSeconds(-1))).RootElement;
        Assert.Equal("Workflow.TimeoutException", late.GetProperty("errorType").GetString());

        await _installation.StartServiceAsync(ServiceRoles.None);
        var runs = (await _installation.Client.ListAsync("gate", null, 10, null, TestContext.Current.CancellationToken)).Runs;
        Assert.Equal(
            ["in/four.csv", "in/one two.csv", "in/three.csv", "in/two.csv"],
            runs.Select(run => run.Input!.Value.GetProperty("object").GetString()!["s3://landing/".Length..]).Order(StringComparer.Ordinal));
        Assert.All(runs, run => Assert.Equal("Pending", $"{run.Status}"));
        Assert.Single((await _installation.Client.ListAsync("nightly", null, 10, null, TestContext.Current.CancellationToken)).Runs);
    }

    [Fact]
    public async Task Without_a_configured_hub_the_function_says_so_at_its_start_and_ends()
    {
        _installation.Settings.Remove("ConnectionStrings");
        _installation.WriteSettings();
        await using var function = Start(_installation.Data);

        var failed = JsonDocument.Parse(await _lambda.InitErrorAsync()).RootElement;
        var ended = await function.WaitAsync();

        Assert.Equal("Workflow.SettingsException", failed.GetProperty("errorType").GetString());
        Assert.Contains("ConnectionStrings:Hub: name the PostgreSQL database", failed.GetProperty("errorMessage").GetString(), StringComparison.Ordinal);
        Assert.NotEqual(0, ended.ExitCode);
        Assert.Contains("ConnectionStrings:Hub", ended.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Local", """{ "STS": "aws" }""", null)]
    [InlineData("Aws", """{ "SecretsManager": "aws", "STS": "aws" }""", null)]
    [InlineData("KeyVault", """{ "STS": "aws" }""", "orders/storage")]
    [InlineData("Aws", """{ "SecretsManager": "aws", "STS": "aws" }""", "orders/storage")]
    public async Task With_all_settings_of_both_clouds_the_function_has_what_they_name(string secrets, string endpoints, string? storageSecret)
    {
        _installation.Settings["Secrets"] = new JsonObject { ["Store"] = secrets };
        _installation.Settings["Azure"] = new JsonObject
        {
            ["Identity"] = new JsonObject { ["Kind"] = "ManagedIdentity" },
            ["Storage"] = new JsonObject { ["Account"] = "contoso", ["Secret"] = storageSecret },
            ["KeyVault"] = "https://orders.vault.azure.net",
        };
        _installation.Settings["Aws"] = new JsonObject
        {
            ["Region"] = "eu-central-1",
            ["Endpoints"] = JsonNode.Parse(endpoints),
            ["Roles"] = new JsonArray(new JsonObject { ["Arn"] = "arn:aws:iam::123456789012:role/workflow" }),
            ["WebIdentity"] = new JsonObject { ["Source"] = "Azure", ["Audience"] = "api://aws-workflow" },
        };
        _installation.WriteSettings();
        using var runtime = new LambdaRuntime(_lambda.Address);

        await using var services = await LambdaCommand.StartAsync(runtime, _installation.Data, TestContext.Current.CancellationToken);

        Assert.NotNull(services.GetRequiredService<LambdaFunction>());
        Assert.Equal(["az", "local", "s3"], services.GetServices<IObjectStore>().Select(store => store.Scheme).Order(StringComparer.Ordinal));
        Assert.Equal($"{secrets}SecretStore", services.GetRequiredService<SecretStores>().For("orders/database").GetType().Name);
        Assert.NotNull(services.GetRequiredService<AwsEndpoints>().Credentials!.Credentials);
    }

    [Fact]
    public async Task What_the_function_needs_and_cannot_be_made_is_told_at_its_start()
    {
        _installation.Settings["Secrets"] = new JsonObject { ["Store"] = "Aws" };
        _installation.Settings["Azure"] = new JsonObject { ["Storage"] = new JsonObject { ["Account"] = "contoso", ["Secret"] = "orders/storage" } };
        _installation.Settings["Aws"] = new JsonObject { ["Profile"] = "nobody" };
        _installation.WriteSettings();
        using var runtime = new LambdaRuntime(_lambda.Address);

        await Assert.ThrowsAsync<AwsRefusedException>(() => LambdaCommand.StartAsync(runtime, _installation.Data, TestContext.Current.CancellationToken));

        var failed = JsonDocument.Parse(await _lambda.InitErrorAsync()).RootElement;
        Assert.Contains("there is no profile 'nobody'", failed.GetProperty("errorMessage").GetString(), StringComparison.Ordinal);
    }

    private WorkflowProcess Start(DataFolder data) =>
        WorkflowProcess.Start(["lambda", "--data", data.Path], new Dictionary<string, string>(TestCredentials.Variables) { ["AWS_LAMBDA_RUNTIME_API"] = _lambda.Address });

    /// <summary>The runtime API of Lambda: hands out one event after another and takes the answers.</summary>
    private sealed class LambdaApi : IAsyncDisposable
    {
        private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(60);

        private readonly WebApplication _app;
        private readonly Channel<(string Id, string Event, DateTimeOffset Deadline)> _events = Channel.CreateUnbounded<(string, string, DateTimeOffset)>();
        private readonly Channel<(string Path, string Body)> _answers = Channel.CreateUnbounded<(string, string)>();
        private int _last;

        private LambdaApi(WebApplication app) => _app = app;

        public string Address => new Uri(_app.Urls.Single()).Authority;

        public string? ErrorType { get; private set; }

        public static async Task<LambdaApi> StartAsync()
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.WebHost.UseUrls("http://127.0.0.1:0");
            builder.Logging.ClearProviders();
            var app = builder.Build();
            var api = new LambdaApi(app);
            app.MapGet("/2018-06-01/runtime/invocation/next", api.NextAsync);
            app.MapPost("/2018-06-01/runtime/{**path}", api.TakeAsync);
            await app.StartAsync(TestContext.Current.CancellationToken);
            return api;
        }

        /// <summary>What the function answers, or the error it reports.</summary>
        public async Task<string> InvokeAsync(string @event, TimeSpan? left = null)
        {
            var id = $"request-{++_last}";
            await _events.Writer.WriteAsync((id, @event, TimeProvider.System.GetUtcNow() + (left ?? AnswerWithin)));
            var (path, body) = await ReadAsync();
            Assert.True(path == $"invocation/{id}/response" || path == $"invocation/{id}/error", path);
            return body;
        }

        public async Task<string> InitErrorAsync()
        {
            var (path, body) = await ReadAsync();
            Assert.Equal("init/error", path);
            return body;
        }

        public ValueTask DisposeAsync() => _app.DisposeAsync();

        private async Task<(string Path, string Body)> ReadAsync() => await _answers.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(AnswerWithin);

        private async Task NextAsync(HttpContext context)
        {
            var (id, @event, deadline) = await _events.Reader.ReadAsync(context.RequestAborted);
            context.Response.Headers["Lambda-Runtime-Aws-Request-Id"] = id;
            context.Response.Headers["Lambda-Runtime-Deadline-Ms"] = deadline.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture);
            context.Response.Headers["Lambda-Runtime-Trace-Id"] = "Root=1-00000000-000000000000000000000000;Sampled=0";
            context.Response.ContentType = "application/json";
            await context.Response.WriteAsync(@event);
        }

        private async Task TakeAsync(HttpContext context, string path)
        {
            using var reader = new StreamReader(context.Request.Body);
            ErrorType = context.Request.Headers["Lambda-Runtime-Function-Error-Type"] is [{ } type] ? type : null;
            Assert.NotNull(context.Request.ContentLength);
            var body = await reader.ReadToEndAsync();
            context.Response.StatusCode = StatusCodes.Status202Accepted;
            await context.Response.CompleteAsync();
            await _answers.Writer.WriteAsync((path, body));
        }
    }
}
