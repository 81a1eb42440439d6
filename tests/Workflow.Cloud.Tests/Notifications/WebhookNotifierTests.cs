using System.Net;
using System.Text;
using Workflow.Cloud.Notifications;
using Workflow.Testing;

namespace Workflow.Cloud.Tests.Notifications;

public sealed class WebhookNotifierTests
{
    private static readonly Webhook Hook = new(new("https://example.com/hooks/secret-path"), Encoding.UTF8.GetBytes("a key of the two of us, 24+"));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void A_signature_is_that_of_the_published_example()
    {
        // The example of the specification's own library.
        var key = WebhookNotifier.ParseKey("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")!;

        Assert.Equal("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", WebhookNotifier.Signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", "{\"test\": 2432232314}"));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    [InlineData("whsec_short")]
    [InlineData("whsec_c2hvcnQ=")]
    [InlineData("whsec_not base64 at all, whatever its length may be")]
    public void A_text_that_is_no_key_is_none(string? text) => Assert.Null(WebhookNotifier.ParseKey(text));

    [Fact]
    public async Task Each_attempt_is_signed_for_its_own_time_and_carries_the_same_id()
    {
        var time = new FakeTimeProvider();
        var receiver = new Receiver(HttpStatusCode.ServiceUnavailable, HttpStatusCode.NoContent);
        using var http = new HttpClient(receiver);

        var sending = new WebhookNotifier(http, time).SendAsync(Hook, new("message-1", "{\"a\":1}"), Cancellation);
        await Eventually.TrueAsync(
            () =>
            {
                time.Advance(TimeSpan.FromSeconds(1));
                return sending.IsCompleted;
            },
            cancellation: Cancellation);

        Assert.Equal(new(true, 2, null), await sending);
        Assert.Equal(["message-1", "message-1"], receiver.Received.Select(request => request.Id));
        Assert.Equal(2, receiver.Received.Select(request => request.Timestamp).Distinct().Count());
        Assert.All(receiver.Received, request => Assert.Equal(WebhookNotifier.Signature(Hook.Key, request.Id, request.Timestamp, "{\"a\":1}"), request.Signature));
    }

    [Fact]
    public async Task A_refusal_is_an_outcome_that_does_not_name_the_address()
    {
        using var http = new HttpClient(new Receiver(HttpStatusCode.Gone));

        var outcome = await new WebhookNotifier(http, TimeProvider.System).SendAsync(Hook, new("message-1", "{}"), Cancellation);

        Assert.Equal((false, 1), (outcome.Delivered, outcome.Attempts));
        Assert.StartsWith("The webhook answered 410", outcome.Failure, StringComparison.Ordinal);
        Assert.DoesNotContain("secret-path", outcome.Failure, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(HttpStatusCode.OK)]
    [InlineData(HttpStatusCode.Gone)]
    public async Task Of_an_answer_no_more_is_read_than_is_told(HttpStatusCode status)
    {
        var answer = new Endless();
        using var http = new HttpClient(new Answering(() => new(status) { Content = new StreamContent(answer) }));

        var outcome = await new WebhookNotifier(http, TimeProvider.System).SendAsync(Hook, new("message-1", "{}"), Cancellation);

        Assert.Equal(status == HttpStatusCode.OK, outcome.Delivered);
        Assert.InRange(answer.Taken, 0, 1 << 20);
    }

    /// <summary>A body without an end, as far as anybody should try.</summary>
    private sealed class Endless : MemoryStream
    {
        public long Taken { get; private set; }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            buffer.Span.Fill((byte)'x');
            Taken += buffer.Length;
            return Taken > 1 << 24 ? throw new InvalidOperationException("So much is not needed.") : ValueTask.FromResult(buffer.Length);
        }
    }

    private sealed class Answering(Func<HttpResponseMessage> answer) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => Task.FromResult(answer());
    }

    private sealed record Request(string Id, string Timestamp, string Signature);

    private sealed class Receiver(params HttpStatusCode[] answers) : HttpMessageHandler
    {
        public List<Request> Received { get; } = [];

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Received.Add(new(Header(WebhookNotifier.IdHeader), Header(WebhookNotifier.TimestampHeader), Header(WebhookNotifier.SignatureHeader)));
            return Task.FromResult(new HttpResponseMessage(answers[Received.Count - 1]));

            string Header(string name) => Assert.Single(request.Headers.GetValues(name));
        }
    }
}
