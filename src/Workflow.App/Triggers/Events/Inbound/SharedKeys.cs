using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Primitives;
using Workflow.App.Configuration;
using Workflow.Cloud.Secrets;

namespace Workflow.App.Triggers.Events.Inbound;

/// <summary>Tells whether a request knows a secret: it brings it in a header, or has signed its body with it. Both are compared in constant time.</summary>
internal sealed class SharedKeys(Secrets secrets, TimeProvider time)
{
    public const string Key = "key";
    public const string Previous = "previous";
    public const string SigningSecret = "signing_secret";

    /// <summary>How old, or how far ahead, a signature may be.</summary>
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(5);

    /// <summary>The key is in the header, or in Authorization as a bearer's.</summary>
    /// <exception cref="UntrustedException">It is not, or the entrance is closed.</exception>
    public async Task CheckKeyAsync(HttpRequest request, EventSettings.KeySettings entrance, CancellationToken cancellation)
    {
        var secret = await GetAsync(entrance.Secret, Key, cancellation);
        var given = request.Headers[entrance.Header] is [{ Length: > 0 } key] ? key
            : request.Headers.Authorization is [{ } bearer] && bearer.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? bearer["Bearer ".Length..]
            : throw new UntrustedException($"it brings no key in {entrance.Header}");
        if (!Equal(given, secret[Key]) && !(secret.Find(Previous) is { Length: > 0 } previous && Equal(given, previous)))
        {
            throw new UntrustedException("its key is another");
        }
    }

    /// <summary>
    /// The signature is as Slack makes it: <c>v0=</c> and the HMAC-SHA256 of <c>v0:{timestamp}:{body}</c>, in hexadecimal; the timestamp is in
    /// seconds since 1970.
    /// </summary>
    /// <exception cref="UntrustedException">It is not, or it is too old, or the entrance is closed.</exception>
    public async Task CheckSignatureAsync(byte[] body, StringValues timestamp, StringValues signature, string? secretName, string field, CancellationToken cancellation)
    {
        var secret = await GetAsync(secretName, field, cancellation);
        if (timestamp is not [{ } seconds] || !long.TryParse(seconds, NumberStyles.None, CultureInfo.InvariantCulture, out var sent) || sent > DateTimeOffset.MaxValue.ToUnixTimeSeconds())
        {
            throw new UntrustedException("it does not say when it was signed");
        }

        if ((time.GetUtcNow() - DateTimeOffset.FromUnixTimeSeconds(sent)).Duration() > Window)
        {
            throw new UntrustedException($"it was signed at {DateTimeOffset.FromUnixTimeSeconds(sent):u}, more than {Window.TotalMinutes} minutes from now");
        }

        if (signature is not [{ } given] || !Equal(given, Sign(secret[field], seconds, body)))
        {
            throw new UntrustedException("its signature is not that of the body");
        }
    }

    public static string Sign(string secret, string timestamp, byte[] body)
    {
        byte[] signed = [.. Encoding.UTF8.GetBytes($"v0:{timestamp}:"), .. body];
        return $"v0={Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), signed))}";
    }

    /// <summary>A secret that has the field. A store that is away is another matter than a wrong key: the sender is to come again.</summary>
    private async Task<Secret> GetAsync(string? name, string field, CancellationToken cancellation)
    {
        try
        {
            var secret = await secrets.GetAsync(name ?? throw new UntrustedException("no secret is configured for this entrance, so it is closed"), cancellation);
            _ = secret[field];
            return secret;
        }
        catch (SecretException missing)
        {
            throw new UntrustedException(missing.Message);
        }
        catch (SecretUnavailableException away)
        {
            throw new UntrustedException(away.Message, HttpStatusCode.ServiceUnavailable);
        }
    }

    /// <summary>By their hashes, so that not even the length is told.</summary>
    private static bool Equal(string given, string right) =>
        right.Length > 0 && CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(given)), SHA256.HashData(Encoding.UTF8.GetBytes(right)));
}
