using System.Diagnostics;
using System.Net;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Workflow.Cloud.Secrets;
using Workflow.Testing;

namespace Workflow.Cloud.Tests.Secrets;

public sealed class KnownSecretsTests
{
    private const string Password = "p&ss \"wörd\"/+";

    private readonly FakeTimeProvider _time = new();
    private readonly KnownSecrets _known;

    public KnownSecretsTests() => _known = new(_time);

    [Fact]
    public void A_value_is_masked_as_it_is_and_as_JSON_and_URLs_write_it()
    {
        _known.Learn(Password);

        foreach (var written in new[] { Password, JsonSerializer.Serialize(Password).Trim('"'), Uri.EscapeDataString(Password), WebUtility.UrlEncode(Password), "p&ss \\\"wörd\\\"/+" })
        {
            Assert.Equal($"before {KnownSecrets.Mask} after", _known.Hide($"before {written} after"));
        }
    }

    [Fact]
    public void Short_values_and_those_that_say_where_something_is_stay()
    {
        _known.Learn("abc12");
        _known.Learn(Secret("""{"engine": "postgres", "host": "db.example.com", "username": "reader", "password": "hunter-two", "table": "customers"}"""));

        Assert.Equal("abc12 reader@db.example.com customers ***", _known.Hide("abc12 reader@db.example.com customers hunter-two"));
    }

    [Fact]
    public void Of_an_address_the_path_is_masked_too_and_of_a_key_each_line()
    {
        _known.Learn("https://hooks.example.com/services/T000/B000/XXXXXXXX");
        _known.Learn("-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG\n9w0BAQEFAASCBKcwggSj\n-----END KEY-----\n");

        Assert.Equal("POST *** to hooks.example.com", _known.Hide("POST /services/T000/B000/XXXXXXXX to hooks.example.com"));
        Assert.Equal("POST ***", _known.Hide("POST https://hooks.example.com/services/T000/B000/XXXXXXXX"));
        Assert.Equal("at ***, -----BEGIN KEY-----", _known.Hide("at 9w0BAQEFAASCBKcwggSj, -----BEGIN KEY-----"));
    }

    [Fact]
    public void What_opens_nothing_any_more_is_forgotten()
    {
        _known.Learn("session-token-1", _time.GetUtcNow().AddHours(1));
        Assert.Equal("***", _known.Hide("session-token-1"));

        _time.Advance(TimeSpan.FromHours(2));
        _known.Learn("session-token-2", _time.GetUtcNow().AddHours(1));

        Assert.Equal("session-token-1 ***", _known.Hide("session-token-1 session-token-2"));
    }

    [Fact]
    public void Wherever_values_stand_and_however_they_overlap_none_is_left()
    {
        // Few letters, so that values are parts of each other and overlap.
        var value = Gen.Elements("ab", "b", "a", "\"", "/").ArrayOf().Select(string.Concat).Where(text => text.Length is >= KnownSecrets.Shortest and < 12);
        var property = Prop.ForAll(
            Arb.From(value.NonEmptyListOf().Select(values => values.ToArray())),
            Arb.From(Gen.Elements("a", "b", "ab", " ", "/").ArrayOf().Select(string.Concat)),
            (values, between) =>
            {
                var known = new KnownSecrets(_time);
                foreach (var one in values)
                {
                    known.Learn(one);
                }

                var hidden = known.Hide(between + string.Join(between, values) + between);
                return values.All(one => !hidden.Contains(one, StringComparison.Ordinal));
            });
        property.QuickCheckThrowOnFailure();
    }

    [Fact]
    public void A_log_shows_a_secret_in_no_message_value_scope_or_exception()
    {
        using var lines = new LogLines();
        using var services = new ServiceCollection().AddLogging(logging => logging.AddProvider(lines).MaskSecrets(_known)).BuildServiceProvider();
        var log = services.GetRequiredService<ILogger<KnownSecretsTests>>();
        using (log.BeginScope("for {Key}", Password))
        using (log.BeginScope(new Dictionary<string, object?> { ["Password"] = Password }))
        {
            // Learned after the scopes were opened.
            _known.Learn(Password);
            log.LogError(new InvalidOperationException($"no {Password}", new ArgumentException(Password)), "Refused {Password} and {Address}", Password, new Uri($"https://example.com/?key={Uri.EscapeDataString(Password)}"));
        }

        var line = Assert.Single(lines.All);
        Assert.DoesNotContain("wörd", Uri.UnescapeDataString(line), StringComparison.Ordinal);
        Assert.Contains("Refused *** and https://example.com/?key=***", line, StringComparison.Ordinal);
        Assert.Contains("System.InvalidOperationException: no ***", line, StringComparison.Ordinal);
    }

    [Fact]
    public void A_span_shows_a_secret_in_no_tag_status_or_exception()
    {
        using var masked = new MaskedTraces(_known);
        using var source = new ActivitySource($"{Guid.NewGuid()}");
        using var listener = new ActivityListener { ShouldListenTo = one => one.Name == source.Name, Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded };
        ActivitySource.AddActivityListener(listener);
        _known.Learn(Password);
        var span = source.StartActivity("post")!;
        span.SetTag("url.full", $"https://example.com/{Uri.EscapeDataString(Password)}").SetStatus(ActivityStatusCode.Error, $"refused {Password}");
        span.AddException(new InvalidOperationException($"no {Password}"));

        span.Stop();

        var shown = string.Join(' ', span.TagObjects.Concat(span.Events.SelectMany(one => one.Tags)).Select(tag => $"{tag.Key}={tag.Value}").Append(span.StatusDescription));
        Assert.DoesNotContain("w%C3%B6rd", shown, StringComparison.Ordinal);
        Assert.DoesNotContain("wörd", shown, StringComparison.Ordinal);
        Assert.Contains("url.full=https://example.com/***", shown, StringComparison.Ordinal);
        Assert.Contains("exception.message=no ***", shown, StringComparison.Ordinal);
        Assert.EndsWith("refused ***", shown, StringComparison.Ordinal);
    }

    private static Secret Secret(string json)
    {
        using var content = JsonDocument.Parse(json);
        return new("orders", content.RootElement);
    }
}
