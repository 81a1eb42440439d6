using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Workflow.Testing;

/// <summary>
/// An issuer of OpenID Connect tokens on loopback: discovery document, keys (one RSA, one elliptic), and tokens with the claims a test asks for.
/// </summary>
public sealed class LocalOidcIssuer : IAsyncDisposable
{
    public const string DiscoveryPath = "/.well-known/openid-configuration";
    private const string KeysPath = "/keys";

    private readonly WebApplication _server;
    private SigningKeys _keys = new();
    private int _keyRequests;

    private LocalOidcIssuer()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        _server = builder.Build();
        _server.MapGet(DiscoveryPath, () => IsAway ? Results.StatusCode(StatusCodes.Status503ServiceUnavailable) : Results.Json(new JsonObject
        {
            ["issuer"] = ClaimedIssuer ?? Issuer,
            ["jwks_uri"] = Issuer + KeysPath,
            ["response_types_supported"] = new JsonArray("id_token"),
            ["subject_types_supported"] = new JsonArray("public"),
            ["id_token_signing_alg_values_supported"] = new JsonArray("RS256", "ES256"),
        }));
        _server.MapGet(KeysPath, () =>
        {
            Interlocked.Increment(ref _keyRequests);
            return IsAway ? Results.StatusCode(StatusCodes.Status503ServiceUnavailable) : Results.Json(_keys.Published());
        });
    }

    /// <summary>The <c>iss</c> of its tokens, and where its discovery document is found; without a slash at the end.</summary>
    public string Issuer => _server.Urls.Single();

    /// <summary>What the discovery document says instead of <see cref="Issuer"/>.</summary>
    public string? ClaimedIssuer { get; set; }

    /// <summary>It answers nothing but 503.</summary>
    public bool IsAway { get; set; }

    /// <summary>How often its keys were asked for.</summary>
    public int KeyRequests => Volatile.Read(ref _keyRequests);

    /// <summary>The public RSA key as PEM: what a forger of HS256 tokens signs with.</summary>
    public string PublicKeyPem => _keys.Rsa.ExportSubjectPublicKeyInfoPem();

    public static async Task<LocalOidcIssuer> StartAsync(CancellationToken cancellation = default)
    {
        var issuer = new LocalOidcIssuer();
        await issuer._server.StartAsync(cancellation);
        return issuer;
    }

    /// <summary>New keys under new ids; the old ones are no longer published.</summary>
    public void Rotate()
    {
        var old = _keys;
        _keys = new();
        old.Dispose();
    }

    /// <summary>A signed token. <c>iss</c>, <c>iat</c>, <c>nbf</c> and <c>exp</c> (in five minutes) are added where the claims do not give them; one that is null is left out.</summary>
    /// <param name="algorithm"><c>RS256</c> or <c>ES256</c>.</param>
    public string Issue(JsonObject claims, string algorithm = "RS256")
    {
        var signed = $"{Encode(new JsonObject { ["alg"] = algorithm, ["typ"] = "JWT", ["kid"] = _keys.IdOf(algorithm) })}.{Encode(WithDefaults(claims))}";
        return $"{signed}.{Base64Url.EncodeToString(_keys.Sign(Encoding.ASCII.GetBytes(signed), algorithm))}";
    }

    /// <summary>A token whose header and signature are the caller's: what a forger sends.</summary>
    public string Forge(JsonObject header, JsonObject claims, Func<byte[], byte[]> sign)
    {
        var signed = $"{Encode(header)}.{Encode(WithDefaults(claims))}";
        return $"{signed}.{Base64Url.EncodeToString(sign(Encoding.ASCII.GetBytes(signed)))}";
    }

    /// <summary>The id of its RSA key.</summary>
    public string KeyId => _keys.IdOf("RS256");

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _keys.Dispose();
    }

    private JsonObject WithDefaults(JsonObject claims)
    {
        var now = TimeProvider.System.GetUtcNow();
        var all = (JsonObject)claims.DeepClone();
        all.TryAdd("iss", Issuer);
        all.TryAdd("iat", now.ToUnixTimeSeconds());
        all.TryAdd("nbf", now.ToUnixTimeSeconds());
        all.TryAdd("exp", now.AddMinutes(5).ToUnixTimeSeconds());
        foreach (var left in all.Where(claim => claim.Value is null).Select(claim => claim.Key).ToArray())
        {
            all.Remove(left);
        }

        return all;
    }

    private static string Encode(JsonObject part) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(part.ToJsonString()));

    private sealed class SigningKeys : IDisposable
    {
        private readonly ECDsa _elliptic = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        private readonly string _id = Guid.NewGuid().ToString("N")[..8];

        public RSA Rsa { get; } = RSA.Create(2048);

        public string IdOf(string algorithm) => $"{algorithm}-{_id}";

        public byte[] Sign(byte[] data, string algorithm) => algorithm switch
        {
            "RS256" => Rsa.SignData(data, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
            "ES256" => _elliptic.SignData(data, HashAlgorithmName.SHA256),
            _ => throw new ArgumentOutOfRangeException(nameof(algorithm), algorithm, "Sign with RS256 or ES256."),
        };

        public JsonObject Published()
        {
            var rsa = Rsa.ExportParameters(includePrivateParameters: false);
            var elliptic = _elliptic.ExportParameters(includePrivateParameters: false);
            return new()
            {
                ["keys"] = new JsonArray(
                    new JsonObject
                    {
                        ["kty"] = "RSA", ["use"] = "sig", ["alg"] = "RS256", ["kid"] = IdOf("RS256"),
                        ["n"] = Base64Url.EncodeToString(rsa.Modulus), ["e"] = Base64Url.EncodeToString(rsa.Exponent),
                    },
                    new JsonObject
                    {
                        ["kty"] = "EC", ["use"] = "sig", ["alg"] = "ES256", ["kid"] = IdOf("ES256"), ["crv"] = "P-256",
                        ["x"] = Base64Url.EncodeToString(elliptic.Q.X), ["y"] = Base64Url.EncodeToString(elliptic.Q.Y),
                    }),
            };
        }

        public void Dispose()
        {
            Rsa.Dispose();
            _elliptic.Dispose();
        }
    }
}
