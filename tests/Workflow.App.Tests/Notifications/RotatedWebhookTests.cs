using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Workflow.Cloud.Local;
using Workflow.Cloud.Notifications;
using Workflow.Durable;
using Workflow.Testing;

namespace Workflow.App.Tests.Notifications;

/// <summary>Webhooks whose addresses and keys are replaced under a service that has them in memory.</summary>
public sealed class RotatedWebhookTests(PostgresFixture postgres)
{
    private const string File = "local://landing/csv/orders.csv";

    // Named for what they are answered with once they are out of date: the last is no refusal of whoever sends.
    private static readonly Dictionary<string, (int Status, string Body)> Hooks = new()
    {
        ["expired"] = (403, "invalid_token"),
        ["removed"] = (404, "no_service"),
        ["crm"] = (401, "unknown key"),
        ["archived"] = (404, "channel_not_found"),
    };

    private readonly ConcurrentQueue<string> _received = [];
    private string _version = "first";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_message_that_an_old_secret_is_refused_for_goes_out_with_the_new_one()
    {
        await using var receiver = await ReceiveAsync();
        await using var installation = await StartAsync(receiver);
        await RunAsync(installation, receiver);
        Assert.Equal(["archived/first", "crm/first signed", "expired/first", "removed/first"], Received());

        _version = "second";
        await RunAsync(installation, receiver);

        Assert.Equal(["archived/first", "crm/first signed", "crm/second signed", "expired/first", "expired/second", "removed/first", "removed/second"], Received());
        using var http = installation.CreateHttpClient();
        var shown = JsonNode.Parse(await http.GetStringAsync(new Uri("api/notifications?pipeline=orders", UriKind.Relative), Cancellation))!.AsArray();
        Assert.Equal("hooks/archived Slack answered 404 channel_not_found", Assert.Single(shown, message => message!["failure"] is not null) is { } failed ? $"{failed["target"]} {failed["failure"]}" : "");
    }

    private async Task<WebApplication> ReceiveAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var receiver = builder.Build();
        receiver.MapPost("/{hook}/{version}", async (string hook, string version, HttpRequest request) =>
        {
            var body = await new StreamReader(request.Body).ReadToEndAsync(Cancellation);
            _received.Enqueue($"{hook}/{version}{(IsSigned(request.Headers, body, version) ? " signed" : "")}");
            return version == _version ? Results.Text("ok") : Results.Text(Hooks[hook].Body, statusCode: Hooks[hook].Status);
        });
        await receiver.StartAsync(Cancellation);
        return receiver;
    }

    private static bool IsSigned(IHeaderDictionary headers, string body, string version) =>
        headers[WebhookNotifier.SignatureHeader] == WebhookNotifier.Signature(Key(version), headers[WebhookNotifier.IdHeader].ToString(), headers[WebhookNotifier.TimestampHeader].ToString(), body);

    private static byte[] Key(string version) => [.. Enumerable.Repeat((byte)version.Length, 32)];

    private async Task<Installation> StartAsync(WebApplication receiver)
    {
        var rules = Hooks.Keys.Select(hook => hook == "crm" ? (object)new { On = new[] { "Success" }, Webhook = $"hooks/{hook}" } : new { On = new[] { "Success" }, Slack = $"hooks/{hook}" });
        var installation = (await Installation.CreateAsync(postgres)).OpenToThisMachine().With("orders", "csv-to-warehouse", new { Table = "orders", Key = "id", Notify = rules });
        installation.Settings["Secrets"] = new JsonObject { ["Store"] = "aws" };
        return await installation.StartServiceAsync();
    }

    private async Task RunAsync(Installation installation, WebApplication receiver)
    {
        var store = new LocalSecretsManager(installation.Data.Path, TimeProvider.System);
        foreach (var hook in Hooks.Keys)
        {
            var secret = new { url = $"{receiver.Urls.Single()}/{hook}/{_version}", key = $"whsec_{Convert.ToBase64String(Key(_version))}" };
            await store.PutAsync(new($"hooks/{hook}", JsonSerializer.Serialize(secret)), Cancellation);
        }

        _received.Clear();
        installation.Drop(File, "id,amount\n1,10\n");
        Assert.Equal(OrchestrationRuntimeStatus.Completed, (await installation.RunAsync("orders", new { @object = File }, Guid.NewGuid().ToString("N"))).Status);
    }

    private IEnumerable<string> Received() => _received.Order(StringComparer.Ordinal);
}
