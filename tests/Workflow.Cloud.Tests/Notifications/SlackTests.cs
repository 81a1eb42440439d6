using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using Workflow.Cloud.Local;
using Workflow.Cloud.Notifications;
using Workflow.Testing;

namespace Workflow.Cloud.Tests.Notifications;

/// <summary>The notifier against the stand-in, over HTTP.</summary>
public sealed class SlackTests : IAsyncLifetime
{
    private readonly TempFolder _data = new();
    private readonly FakeTimeProvider _clock = new();
    private readonly WebApplication _service;
    private readonly LocalSlack _slack;
    private HttpClient _http = null!;
    private SlackNotifier _notifier = null!;

    public SlackTests()
    {
        _slack = new(_data.Path, TimeProvider.System);
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        _service = builder.Build();
        _service.MapLocalSlack(_slack, new HashSet<string> { "etl", "alerts" });
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await _service.StartAsync(Cancellation);
        _http = new HttpClient { BaseAddress = new(_service.Urls.Single()) };
        _notifier = new(_http, _clock);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _service.DisposeAsync();
        _data.Dispose();
    }

    [Fact]
    public async Task A_message_arrives_and_is_kept()
    {
        var outcome = await SendAsync("etl", new("merged 10 rows", "run/1"));

        Assert.Equal(new(true, 1, null), outcome);
        var shown = await _http.GetFromJsonAsync<LocalSlackMessage[]>("/local/slack/messages", Cancellation);
        var message = Assert.Single(shown!);
        Assert.Equal(("etl", "merged 10 rows", "run/1"), (message.Channel, message.Text, message.Key));
        Assert.Single(await File.ReadAllLinesAsync(_data.File("slack", "messages.jsonl"), Cancellation));
        Assert.Equal(shown, await new LocalSlack(_data.Path, TimeProvider.System).ReadAsync(Cancellation));
    }

    [Fact]
    public async Task The_same_message_sent_again_is_kept_once()
    {
        await SendAsync("etl", new("done", "run/1"));
        await SendAsync("etl", new("done", "run/1"));
        await SendAsync("alerts", new("done", "run/1"));
        await SendAsync("etl", new("done", "run/2"));

        Assert.Equal([("etl", "run/1"), ("alerts", "run/1"), ("etl", "run/2")], (await _slack.ReadAsync(Cancellation)).Select(message => (message.Channel, message.Key!)));
    }

    [Fact]
    public async Task Many_messages_at_once_are_all_kept_whole()
    {
        await Parallel.ForEachAsync(Enumerable.Range(0, 50), Cancellation, async (n, _) => await SendAsync("etl", new(new string('x', 10_000), $"run/{n}")));

        Assert.Equal(50, (await _slack.ReadAsync(Cancellation)).Select(message => message.Key).Distinct().Count());
    }

    [Fact]
    public async Task Markup_in_a_text_is_shown_and_not_obeyed()
    {
        await SendAsync("etl", new("<!channel> a & b", "run/1"));

        Assert.Equal("&lt;!channel&gt; a &amp; b", Assert.Single(await _slack.ReadAsync(Cancellation)).Text);
    }

    [Fact]
    public async Task A_text_too_long_for_Slack_is_cut_and_arrives()
    {
        Assert.True((await SendAsync("etl", new(new string('&', 100_000), "run/1"))).Delivered);

        var text = Assert.Single(await _slack.ReadAsync(Cancellation)).Text;
        Assert.InRange(text.Length, 39_000, 40_000);
        Assert.EndsWith("&amp;…", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_outage_is_waited_out_with_growing_pauses()
    {
        await FailAsync(new(503, 2));

        var sending = SendAsync("etl", new("done", "run/1"));
        await AdvanceAsync(TimeSpan.FromSeconds(1));
        await AdvanceAsync(TimeSpan.FromSeconds(2));

        Assert.Equal(new(true, 3, null), await sending);
        Assert.Single(await _slack.ReadAsync(Cancellation));
    }

    [Fact]
    public async Task A_pause_the_service_asks_for_is_kept()
    {
        await FailAsync(new(429, 1, RetryAfter: 7));

        var sending = SendAsync("etl", new("done", "run/1"));
        await AdvanceAsync(TimeSpan.FromSeconds(7));

        Assert.Equal(new(true, 2, null), await sending);
    }

    [Fact]
    public async Task A_lasting_outage_is_an_outcome_after_three_tries()
    {
        await FailAsync(new(500, 10));

        var sending = SendAsync("etl", new("done", "run/1"));
        await AdvanceAsync(TimeSpan.FromSeconds(1));
        await AdvanceAsync(TimeSpan.FromSeconds(2));

        Assert.Equal(new(false, 3, "Slack answered 500 fault_on_command"), await sending);
    }

    [Fact]
    public async Task A_pause_beyond_patience_is_an_outcome_at_once()
    {
        await FailAsync(new(429, 10, RetryAfter: 3600));

        Assert.Equal(new(false, 1, "Slack answered 429 fault_on_command"), await SendAsync("etl", new("done", "run/1")));
    }

    [Fact]
    public async Task An_unknown_hook_is_not_tried_twice_and_stays_out_of_the_outcome()
    {
        Assert.Equal(new(false, 1, "Slack answered 404 no_service") { CredentialsRefused = true }, await SendAsync("T0-secret", new("done", "run/1")));
    }

    [Fact]
    public async Task A_service_that_is_not_there_is_an_outcome()
    {
        var sending = _notifier.SendAsync(new($"http://127.0.0.1:{FreePort.Next()}/services/T0-secret"), new("done", "run/1"), Cancellation);
        await AdvanceAsync(TimeSpan.FromSeconds(1));
        await AdvanceAsync(TimeSpan.FromSeconds(2));

        var outcome = await sending;
        Assert.Equal((false, 3), (outcome.Delivered, outcome.Attempts));
        Assert.DoesNotContain("secret", outcome.Failure, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_service_that_never_answers_is_given_ten_seconds()
    {
        var silent = WebApplication.CreateSlimBuilder();
        silent.WebHost.UseUrls("http://127.0.0.1:0");
        silent.Logging.ClearProviders();
        await using var service = silent.Build();
        service.Run(context => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted));
        await service.StartAsync(Cancellation);

        var sending = _notifier.SendAsync(new(service.Urls.Single()), new("done", "run/1"), Cancellation);
        foreach (var pause in new[] { 10, 1, 10, 2, 10 })
        {
            await AdvanceAsync(TimeSpan.FromSeconds(pause));
        }

        Assert.Equal(new(false, 3, "Slack did not answer within 10 s."), await sending);
    }

    [Theory]
    [InlineData("{\"text\": \"\"}", "application/json", HttpStatusCode.BadRequest, "no_text")]
    [InlineData("{}", "application/json", HttpStatusCode.BadRequest, "no_text")]
    [InlineData("{\"text\": 1}", "application/json", HttpStatusCode.BadRequest, "no_text")]
    [InlineData("{\"text\": \"x\"", "application/json", HttpStatusCode.BadRequest, "invalid_payload")]
    [InlineData("[]", "application/json", HttpStatusCode.BadRequest, "invalid_payload")]
    [InlineData("{\"text\": \"x\"}", "text/plain", HttpStatusCode.BadRequest, "invalid_payload")]
    [InlineData("{\"text\": \"x\"}", "application/json", HttpStatusCode.OK, "ok")]
    public async Task The_stand_in_refuses_what_Slack_refuses(string payload, string type, HttpStatusCode status, string answer)
    {
        using var content = new StringContent(payload, null, type);
        using var response = await _http.PostAsync(LocalSlack.HookPath("etl"), content, Cancellation);

        Assert.Equal((status, answer), (response.StatusCode, await response.Content.ReadAsStringAsync(Cancellation)));
        Assert.Equal(status == HttpStatusCode.OK ? 1 : 0, (await _slack.ReadAsync(Cancellation)).Count);
    }

    [Fact]
    public async Task The_stand_in_takes_posts_only_and_no_novels()
    {
        using var got = await _http.GetAsync(LocalSlack.HookPath("etl"), Cancellation);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, got.StatusCode);
        using var novel = await _http.PostAsJsonAsync(LocalSlack.HookPath("etl"), new { text = new string('x', 40_001) }, Cancellation);
        Assert.Equal(HttpStatusCode.BadRequest, novel.StatusCode);
        using var library = await _http.PostAsJsonAsync(LocalSlack.HookPath("etl"), new { text = new string('x', 2 << 20) }, Cancellation);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, library.StatusCode);
    }

    private Task<NotificationOutcome> SendAsync(string channel, SlackMessage message) =>
        _notifier.SendAsync(new(_http.BaseAddress!, LocalSlack.HookPath(channel)), message, Cancellation);

    private async Task FailAsync(LocalSlack.Fault fault)
    {
        using var response = await _http.PostAsJsonAsync("/local/slack/faults", fault, Cancellation);
        response.EnsureSuccessStatusCode();
    }

    /// <summary>Waits until the code under test waits that long, and lets that time pass.</summary>
    private async Task AdvanceAsync(TimeSpan pause)
    {
        await Eventually.TrueAsync(() => _clock.NextTimer == pause, cancellation: Cancellation);
        _clock.Advance(pause);
    }
}
