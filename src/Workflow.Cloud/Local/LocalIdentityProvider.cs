using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Workflow.Cloud.Local;

/// <summary>An issuer of tokens that the account trusts, as IAM knows it.</summary>
/// <param name="Url">The issuer; AWS takes only https, the stand-in http on this machine too.</param>
/// <param name="ClientIds">The audiences that its tokens may be for.</param>
public sealed record LocalIdentityProvider(string Url, IReadOnlyList<string> ClientIds)
{
    private const string Scheme = "://";

    /// <summary>Its condition keys begin with it: the address without its scheme.</summary>
    public string Name => Url[(Url.IndexOf(Scheme, StringComparison.Ordinal) + Scheme.Length)..];

    public string Arn => $"arn:aws:iam::{LocalAws.Account}:oidc-provider/{Name}";
}

/// <summary>Reads a web identity token as STS does, and refuses it in its words.</summary>
internal sealed class LocalWebIdentity(HttpClient http)
{
    /// <returns>The token's claims.</returns>
    /// <exception cref="LocalAwsException">It is none, has ended, or was not signed by a provider of the account for one of its audiences.</exception>
    public async Task<(LocalIdentityProvider Provider, JsonObject Claims)> VerifyAsync(
        string token, IReadOnlyList<LocalIdentityProvider> providers, DateTimeOffset now, CancellationToken cancellation)
    {
        var parts = token.Split('.');
        if (parts.Length != 3 || Part(parts[0]) is not { } header || Part(parts[1]) is not { } claims || (string?)header["alg"] != "RS256")
        {
            throw Invalid("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)");
        }

        var issuer = (string?)claims["iss"] ?? throw Invalid("Missing a required claim: iss");
        var provider = providers.FirstOrDefault(known => known.Url == issuer) ?? throw Invalid($"No OpenIDConnect provider found in your account for {issuer}");
        await VerifySignatureAsync(issuer, (string?)header["kid"], parts, cancellation);
        if (DateTimeOffset.FromUnixTimeSeconds((long?)claims["exp"] ?? throw Invalid("Missing a required claim: exp")) is var ends && ends <= now)
        {
            throw new LocalAwsException("ExpiredTokenException", $"Token expired: current date/time {now.ToUnixTimeSeconds()} must be before the expiration date/time {ends.ToUnixTimeSeconds()}");
        }

        return provider.ClientIds.Contains((string?)claims["aud"] ?? "") ? (provider, claims) : throw Invalid("Incorrect token audience");
    }

    private async Task VerifySignatureAsync(string issuer, string? kid, string[] parts, CancellationToken cancellation)
    {
        var key = (await KeysAsync(issuer, cancellation)).OfType<JsonObject>().FirstOrDefault(key => (string?)key["kid"] == kid && (string?)key["kty"] == "RSA")
            ?? throw Invalid("Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity documentation for requirements");
        using var rsa = RSA.Create(new RSAParameters { Modulus = Base64Url.DecodeFromChars((string)key["n"]!), Exponent = Base64Url.DecodeFromChars((string)key["e"]!) });
        if (!Base64Url.IsValid(parts[2])
            || !rsa.VerifyData(Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"), Base64Url.DecodeFromChars(parts[2]), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))
        {
            throw Invalid("Provided Token is not a Login With OpenID Connect token: its signature is not valid");
        }
    }

    private async Task<JsonArray> KeysAsync(string issuer, CancellationToken cancellation)
    {
        try
        {
            var discovered = await http.GetStringAsync($"{issuer.TrimEnd('/')}/.well-known/openid-configuration", cancellation);
            return JsonNode.Parse(await http.GetStringAsync((string?)JsonNode.Parse(discovered)!["jwks_uri"], cancellation))!["keys"]!.AsArray();
        }
        catch (Exception failed) when (failed is HttpRequestException or JsonException or InvalidOperationException)
        {
            throw new LocalAwsException("IDPCommunicationError", $"Error communicating with OIDC provider {issuer}");
        }
    }

    private static JsonObject? Part(string part)
    {
        try
        {
            return Base64Url.IsValid(part) ? JsonNode.Parse(Base64Url.DecodeFromChars(part)) as JsonObject : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static LocalAwsException Invalid(string message) => new("InvalidIdentityToken", message);
}
