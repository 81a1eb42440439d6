using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Workflow.Cloud.Local;

/// <summary>What a request's signature says: who signed it, for which region and service.</summary>
/// <remarks>Signature Version 4, computed here from its specification and not by the SDK whose signatures it judges.</remarks>
internal sealed record LocalAwsSignature(string AccessKey, string Date, string Region, string Service, string[] SignedHeaders, string Signature)
{
    private const string Algorithm = "AWS4-HMAC-SHA256";
    private const string DateHeader = "X-Amz-Date";

    /// <summary>Goes with temporary keys, and must be signed where it is sent.</summary>
    public const string TokenHeader = "X-Amz-Security-Token";

    private static readonly TimeSpan ClockDifference = TimeSpan.FromMinutes(5);
    private static readonly string[] MustBeSigned = ["host", "x-amz-date"];

    public static LocalAwsSignature? TryParse(string? authorization)
    {
        if (authorization is null || !authorization.StartsWith(Algorithm + " ", StringComparison.Ordinal))
        {
            return null;
        }

        var parts = authorization[Algorithm.Length..].Split(',', StringSplitOptions.TrimEntries)
            .Select(part => part.Split('=', 2))
            .Where(part => part.Length == 2)
            .ToDictionary(part => part[0], part => part[1]);
        return parts.GetValueOrDefault("Credential")?.Split('/') is [var key, var date, var region, var service, "aws4_request"]
            && parts.TryGetValue("SignedHeaders", out var headers) && parts.TryGetValue("Signature", out var signature)
            ? new(key, date, region, service, headers.Split(';'), signature)
            : null;
    }

    /// <summary>Whether the request, as it arrived, is what the owner of the secret key has signed just now.</summary>
    public bool IsOf(HttpRequest request, byte[] body, string secretKey, DateTimeOffset now)
    {
        var time = request.Headers[DateHeader].ToString();
        return MustBeSigned.All(SignedHeaders.Contains)
            && (!request.Headers.ContainsKey(TokenHeader) || SignedHeaders.Contains(TokenHeader, StringComparer.OrdinalIgnoreCase))
            && DateTimeOffset.TryParseExact(time, "yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var signedAt)
            && (now - signedAt).Duration() < ClockDifference
            && time.StartsWith(Date, StringComparison.Ordinal)
            && CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(Compute(request, body, secretKey, time)), Encoding.ASCII.GetBytes(Signature));
    }

    private string Compute(HttpRequest request, byte[] body, string secretKey, string time)
    {
        var headers = string.Concat(SignedHeaders.Select(name => $"{name}:{Value(request, name)}\n"));
        var canonical = $"{request.Method}\n{request.PathBase}{request.Path}\n{request.QueryString.Value?.TrimStart('?')}\n{headers}\n{string.Join(';', SignedHeaders)}\n{Hash(body)}";
        var scope = $"{Date}/{Region}/{Service}/aws4_request";
        var key = Encoding.UTF8.GetBytes($"AWS4{secretKey}");
        foreach (var part in scope.Split('/'))
        {
            key = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(part));
        }

        return Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"{Algorithm}\n{time}\n{scope}\n{Hash(Encoding.UTF8.GetBytes(canonical))}")));
    }

    private static string Value(HttpRequest request, string name) =>
        name == "host" ? request.Host.Value! : string.Join(',', request.Headers[name].Select(value => value?.Trim()));

    private static string Hash(byte[] data) => Convert.ToHexStringLower(SHA256.HashData(data));
}
