using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Workflow.Durable;
using Workflow.Durable.Protocol;

namespace Workflow.App.Tests.Functions;

/// <summary>What the host may ask of the handler that is not as it should be.</summary>
public sealed class HandlerTests
{
    [Theory]
    [InlineData("not base64!")]
    [InlineData("")]
    [InlineData("/////w==")]
    public async Task A_turn_that_cannot_be_read_is_answered_with_the_instances_end(string request)
    {
        await using var host = await StartAsync();

        using var answer = await host.Engine.PostAsync("once", HostRequests.Orchestration(request));

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var value = JsonNode.Parse(await answer.Content.ReadAsStringAsync(Cancellation))!["ReturnValue"]!.GetValue<string>();
        var response = OrchestratorResponse.Parser.ParseFrom(Convert.FromBase64String(value));
        var ended = Assert.Single(response.Actions).CompleteOrchestration;
        Assert.Equal(OrchestrationStatus.Failed, ended.OrchestrationStatus);
        Assert.NotEmpty(ended.FailureDetails.ErrorMessage);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("""{"Data":null}""")]
    public async Task An_invocation_that_is_none_is_refused_with_the_reason(string body)
    {
        await using var host = await StartAsync();
        using var http = new HttpClient { BaseAddress = host.Address };

        using var answer = await http.PostAsync("once", new StringContent(body, Encoding.UTF8, "application/json"), Cancellation);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains("The invocation", await answer.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Origin", "http://127.0.0.1:7071", "application/json")]
    [InlineData("Origin", "null", "application/json")]
    [InlineData("Host", "evil.example", "application/json")]
    [InlineData("X-Forwarded-For", "192.0.2.1", "application/json")]
    [InlineData("Accept", "*/*", "text/plain")]
    [InlineData("Accept", "*/*", "application/x-www-form-urlencoded")]
    public async Task Who_is_not_the_host_has_nothing_done(string header, string value, string type)
    {
        var done = false;
        await using var host = await HandlerHost.StartAsync(registry => registry.AddActivityFunc<string?, int>("work", (_, _) =>
        {
            done = true;
            return Task.FromResult(1);
        }));
        using var http = new HttpClient { BaseAddress = host.Address };
        using var request = new HttpRequestMessage(HttpMethod.Post, "work") { Content = new StringContent("""{"Data":{"call":"{}"},"Metadata":{}}""", Encoding.UTF8, type) };
        request.Headers.TryAddWithoutValidation(header, value);

        using var answer = await http.SendAsync(request, Cancellation);

        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.False(done);
    }

    [Fact]
    public async Task A_function_that_is_not_there_is_not_found()
    {
        await using var host = await StartAsync();

        using var answer = await host.Engine.PostAsync("nobody", HostRequests.Orchestration(""));

        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.NotEmpty(await answer.Content.ReadAsStringAsync(Cancellation));
    }

    [Theory]
    [InlineData("\"text\"")]
    [InlineData("{}")]
    [InlineData("not json")]
    public async Task An_activity_that_somebody_else_asks_for_fails_and_says_so(string input)
    {
        await using var host = await StartAsync();

        using var answer = await host.Engine.PostAsync("work", new JsonObject { ["Data"] = new JsonObject { ["call"] = input, ["client"] = host.Engine.Client.ToJsonString() } });

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Contains("is not one that an orchestrator", await answer.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_activity_whose_host_did_not_answer_is_asked_for_again_with_its_key()
    {
        var attempts = new List<string>();
        await using var host = await HandlerHost.StartAsync(registry => registry
            .AddOrchestratorFunc<string?, int>("once", (context, _) => context.CallActivityAsync<int>("work"))
            .AddActivityFunc<string?, int>("work", (context, _) =>
            {
                attempts.Add($"{context.IdempotencyKey} {context.Attempt}");
                return Task.FromResult(7);
            }));
        host.Lose("work", 2);

        var ended = await host.Engine.RunAsync("once", id: "lost");

        Assert.Equal(7, ended.Read<int>());
        Assert.Equal(["lost/0 1", "lost/0 2", "lost/0 3"], attempts);
    }

    [Fact]
    public async Task A_host_that_never_answers_fails_the_step_in_the_end()
    {
        await using var host = await HandlerHost.StartAsync(registry => registry.AddOrchestratorFunc<string?, int>("once", (context, _) => context.CallActivityAsync<int>("not-deployed")));

        var ended = await host.Engine.RunAsync("once");

        Assert.Contains("404", ended.Failure.InnerFailure!.ErrorMessage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_large_history_is_taken()
    {
        await using var host = await HandlerHost.StartAsync(registry => registry
            .AddOrchestratorFunc<int, int>("large", async (context, count) =>
                (await Task.WhenAll(Enumerable.Range(0, count).Select(_ => context.CallActivityAsync<string>("work")))).Sum(text => text.Length))
            .AddActivityFunc<string?, string>("work", (_, _) => Task.FromResult(new string('x', 1_000_000))));

        host.Engine.Gathers = true;

        // More than the API takes, and more than is drained of what it refuses.
        Assert.Equal(26_000_000, (await host.Engine.RunAsync("large", 26)).Read<int>());
    }

    [Fact]
    public async Task Many_instances_are_answered_at_once()
    {
        await using var host = await StartAsync();
        var instances = Enumerable.Range(0, 100).Select(index => host.Engine.Start("once", null, $"many-{index}")).ToArray();

        foreach (var instance in instances)
        {
            await host.Engine.FinishAsync(instance);
        }

        Assert.All(instances, instance => Assert.Equal(1, instance.Read<int>()));
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static Task<HandlerHost> StartAsync() => HandlerHost.StartAsync(registry => registry
        .AddOrchestratorFunc<string?, int>("once", (context, _) => context.CallActivityAsync<int>("work"))
        .AddActivityFunc<string?, int>("work", (_, _) => Task.FromResult(1)));
}
