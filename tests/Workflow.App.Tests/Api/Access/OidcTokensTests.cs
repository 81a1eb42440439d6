using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Workflow.App.Api;
using Workflow.App.Api.Access;
using Workflow.App.Configuration;
using Workflow.Testing;

namespace Workflow.App.Tests.Api.Access;

/// <summary>Tokens of a real issuer, on loopback, and what forgers make of them.</summary>
public sealed class OidcTokensTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _clock = new();
    private LocalOidcIssuer _issuer = null!;
    private OidcKeys _keys = null!;
    private OidcTokens _tokens = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _issuer = await LocalOidcIssuer.StartAsync(Cancellation);
        _keys = new(new Clients(), _clock, NullLogger<OidcKeys>.Instance);
        _tokens = Tokens(new() { Issuer = _issuer.Issuer, Audience = "workflow", Roles = new() { Viewer = ["readers"], Operator = ["etl"], Admin = ["admins", "root"] } });
    }

    public async ValueTask DisposeAsync()
    {
        _keys.Dispose();
        await _issuer.DisposeAsync();
    }

    [Theory]
    [InlineData("RS256")]
    [InlineData("ES256")]
    public async Task A_token_that_is_for_us_is_taken(string algorithm)
    {
        var caller = await TakeAsync(_issuer.Issue(Claims(), algorithm));

        Assert.Equal(($"ann of {_issuer.Issuer}", (Role?)Role.Operator, true), (caller.Name, caller.Role, caller.MaySee("any")));
    }

    [Theory]
    [InlineData("aud", "\"another\"", "Audience")]
    [InlineData("aud", "null", "Audience")]
    [InlineData("iss", "\"https://issuer.example.com\"", "Issuer")]
    [InlineData("exp", "1000", "InvalidLifetime|Expired")]
    [InlineData("nbf", "32503680000", "NotYetValid|InvalidLifetime")]
    [InlineData("exp", "null", "NoExpiration")]
    public async Task A_claim_that_is_not_right_is_why_it_is_refused(string claim, string value, string why)
    {
        var claims = Claims();
        claims[claim] = JsonNode.Parse(value);

        Assert.Matches(why, await RefuseAsync(_issuer.Issue(claims)));
    }

    [Fact]
    public async Task Clocks_may_differ_by_half_a_minute()
    {
        var now = TimeProvider.System.GetUtcNow();

        await TakeAsync(_issuer.Issue(Claims(("exp", now.AddSeconds(-15).ToUnixTimeSeconds()), ("nbf", now.AddMinutes(-5).ToUnixTimeSeconds()))));
        await TakeAsync(_issuer.Issue(Claims(("nbf", now.AddSeconds(15).ToUnixTimeSeconds()))));
        await RefuseAsync(_issuer.Issue(Claims(("exp", now.AddSeconds(-45).ToUnixTimeSeconds()), ("nbf", now.AddMinutes(-5).ToUnixTimeSeconds()))));
    }

    [Theory]
    [InlineData("none")]
    [InlineData("None")]
    [InlineData("HS256")]
    [InlineData("RS256")]
    [InlineData("PS256")]
    public async Task What_the_issuer_did_not_sign_is_refused(string algorithm)
    {
        using var strangers = RSA.Create(2048);
        var header = new JsonObject { ["alg"] = algorithm, ["typ"] = "JWT", ["kid"] = _issuer.KeyId };

        await RefuseAsync(_issuer.Forge(header, Claims(), data => algorithm switch
        {
            "RS256" => strangers.SignData(data, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
            "PS256" => strangers.SignData(data, HashAlgorithmName.SHA256, RSASignaturePadding.Pss),

            // The public key, taken for a shared secret.
            "HS256" => HMACSHA256.HashData(Encoding.ASCII.GetBytes(_issuer.PublicKeyPem), data),
            _ => [],
        }));
    }

    [Fact]
    public async Task A_token_whose_claims_were_changed_is_refused()
    {
        var parts = _issuer.Issue(Claims()).Split('.');
        var changed = _issuer.Issue(Claims(("roles", "admins"))).Split('.');

        await RefuseAsync($"{parts[0]}.{changed[1]}.{parts[2]}");
    }

    [Fact]
    public async Task New_keys_of_the_issuer_are_found_and_made_up_ones_do_not_make_us_ask_again()
    {
        await TakeAsync(_issuer.Issue(Claims()));
        _clock.Advance(OidcKeys.AskEvery);
        _issuer.Rotate();

        await TakeAsync(_issuer.Issue(Claims()));
        Assert.Equal(2, _issuer.KeyRequests);

        using var strangers = RSA.Create(2048);
        for (var time = 0; time < 5; time++)
        {
            await RefuseAsync(_issuer.Forge(
                new JsonObject { ["alg"] = "RS256", ["kid"] = $"made-up-{time}" }, Claims(), data => strangers.SignData(data, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)));
        }

        Assert.Equal(2, _issuer.KeyRequests);
    }

    [Fact]
    public async Task While_the_issuer_is_away_its_keys_that_are_known_are_used_and_without_any_nobody_is_judged()
    {
        _issuer.IsAway = true;
        await Assert.ThrowsAsync<IssuerAwayException>(() => _tokens.RecogniseAsync(_issuer.Issue(Claims()), Cancellation));

        _issuer.IsAway = false;
        _clock.Advance(OidcKeys.AskEvery);
        await TakeAsync(_issuer.Issue(Claims()));

        _issuer.IsAway = true;
        _clock.Advance(OidcKeys.KeepFor);
        await TakeAsync(_issuer.Issue(Claims()));
    }

    [Fact]
    public async Task A_discovery_document_of_another_issuer_is_not_believed()
    {
        _issuer.ClaimedIssuer = "https://issuer.example.com";

        await Assert.ThrowsAsync<IssuerAwayException>(() => _tokens.RecogniseAsync(_issuer.Issue(Claims()), Cancellation));
    }

    [Theory]
    [InlineData("""["readers","admins"]""", "Admin")]
    [InlineData("\"readers etl\"", "Operator")]
    [InlineData("\"readers\"", "Viewer")]
    [InlineData("\"Readers\"", null)]
    [InlineData("null", null)]
    public async Task The_highest_role_that_the_claim_names_counts(string roles, string? role) =>
        Assert.Equal(role, (await TakeAsync(_issuer.Issue(Claims(("roles", JsonNode.Parse(roles)))))).Role?.ToString());

    [Theory]
    [InlineData("""["orders","users"]""", true, false)]
    [InlineData("\"orders\"", true, false)]
    [InlineData("\"*\"", true, true)]
    [InlineData("[]", false, false)]
    [InlineData(null, false, false)]
    public async Task The_pipelines_are_those_that_the_claim_names(string? pipelines, bool orders, bool others)
    {
        var tokens = Tokens(new() { Issuer = _issuer.Issuer, Audience = "workflow", PipelinesClaim = "pipelines", Roles = new() { Operator = ["etl"] } });
        var claims = pipelines is null ? Claims() : Claims(("pipelines", JsonNode.Parse(pipelines)));

        var caller = (await tokens.RecogniseAsync(_issuer.Issue(claims), Cancellation)).Caller!;

        Assert.Equal((orders, others), (caller.MaySee("Orders"), caller.MaySee("payments")));
    }

    private static JsonObject Claims(params (string Name, JsonNode? Value)[] more)
    {
        var claims = new JsonObject { ["aud"] = "workflow", ["sub"] = "ann", ["roles"] = new JsonArray("etl") };
        foreach (var (name, value) in more)
        {
            claims[name] = value;
        }

        return claims;
    }

    private OidcTokens Tokens(OidcSettings issuer) => new(new() { Oidc = issuer }, _keys);

    private async Task<Caller> TakeAsync(string token)
    {
        var found = await _tokens.RecogniseAsync(token, Cancellation);
        Assert.Null(found.Refusal);
        return found.Caller!;
    }

    private async Task<string> RefuseAsync(string token)
    {
        var found = await _tokens.RecogniseAsync(token, Cancellation);
        Assert.Null(found.Caller);
        Assert.DoesNotContain(token, found.Refusal, StringComparison.Ordinal);
        return found.Refusal!;
    }

    private sealed class Clients : IHttpClientFactory
    {
        public HttpClient CreateClient(string name) => new();
    }
}
