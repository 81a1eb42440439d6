using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Workflow.App.Configuration;

namespace Workflow.App.Api.Access;

/// <summary>
/// The issuer's discovery document and keys, fetched when the first token comes, kept, and fetched anew when a token names a key that is not among
/// them. Whatever is sent, the issuer is asked at most once in <see cref="AskEvery"/>.
/// </summary>
internal sealed class OidcKeys(IHttpClientFactory clients, TimeProvider time, ILogger<OidcKeys> logger) : IDisposable
{
    /// <summary>The name of the client, for who configures it.</summary>
    public const string Client = "oidc";

    public static readonly TimeSpan AskEvery = TimeSpan.FromSeconds(30);
    public static readonly TimeSpan KeepFor = TimeSpan.FromHours(12);

    private readonly SemaphoreSlim _asking = new(1);
    private volatile Fetched? _known;
    private DateTimeOffset _askedAt;

    /// <exception cref="IssuerAwayException">They are not known and cannot be had.</exception>
    public async Task<OpenIdConnectConfiguration> GetAsync(OidcSettings issuer, CancellationToken cancellation)
    {
        var known = _known;
        if (known is null || time.GetUtcNow() - known.At >= KeepFor)
        {
            known = await AskAsync(issuer, known, cancellation);
        }

        return known?.Document ?? throw new IssuerAwayException();
    }

    /// <summary>Others than those that were not enough, or null where there are none to be had now.</summary>
    public async Task<OpenIdConnectConfiguration?> FindNewerAsync(OidcSettings issuer, OpenIdConnectConfiguration than, CancellationToken cancellation)
    {
        var known = _known;
        if (known?.Document == than)
        {
            known = await AskAsync(issuer, known, cancellation);
        }

        return known?.Document == than ? null : known?.Document;
    }

    public void Dispose() => _asking.Dispose();

    /// <returns>What is known afterwards; what was known before where the issuer was asked a moment ago or does not answer.</returns>
    private async Task<Fetched?> AskAsync(OidcSettings issuer, Fetched? had, CancellationToken cancellation)
    {
        await _asking.WaitAsync(cancellation);
        try
        {
            var now = time.GetUtcNow();
            if (_known == had && now - _askedAt >= AskEvery)
            {
                _askedAt = now;
                _known = new(await FetchAsync(issuer, cancellation), now);
            }
        }
        catch (Exception away) when (!cancellation.IsCancellationRequested)
        {
            logger.LogWarning(away, "The keys of {Issuer} could not be fetched; {Meanwhile}.", issuer.Issuer, _known is null ? "no token is taken" : "those known so far are used");
        }
        finally
        {
            _asking.Release();
        }

        return _known;
    }

    private async Task<OpenIdConnectConfiguration> FetchAsync(OidcSettings issuer, CancellationToken cancellation)
    {
        using var http = clients.CreateClient(Client);
        var documents = new HttpDocumentRetriever(http) { RequireHttps = new Uri(issuer.Issuer).Scheme == Uri.UriSchemeHttps };
        var found = await OpenIdConnectConfigurationRetriever.GetAsync($"{issuer.Issuer.TrimEnd('/')}/.well-known/openid-configuration", documents, cancellation);
        return found.Issuer == issuer.Issuer
            ? found
            : throw new InvalidDataException($"The discovery document is that of '{found.Issuer}'. Write that into Access:Oidc:Issuer if it is the issuer you mean.");
    }

    private sealed record Fetched(OpenIdConnectConfiguration Document, DateTimeOffset At);
}
