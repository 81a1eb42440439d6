using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;

namespace Workflow.App.Triggers.Events.Inbound;

/// <summary>
/// The certificates that SNS signs with, each fetched once and kept for a day. The file holds the signer's certificate alone, without the
/// ones above it, so what vouches for it is the connection it comes over, which is checked up to the roots of this machine; here its name,
/// its time and its key are.
/// </summary>
/// <param name="http">Follows no redirect: an address that was checked is the one that is fetched.</param>
internal sealed partial class SnsCertificates(HttpClient http, TimeProvider time) : IDisposable
{
    private const int Longest = 64 << 10;
    private const int Most = 32;
    private const int LeastBits = 2048;
    private static readonly TimeSpan Kept = TimeSpan.FromDays(1);

    private readonly ConcurrentDictionary<Uri, (X509Certificate2 Certificate, DateTimeOffset Until)> _kept = new();

    // Who sends many messages makes us fetch one after the other.
    private readonly SemaphoreSlim _fetching = new(1);

    /// <exception cref="UntrustedException">There is none there that SNS could sign with now.</exception>
    public async Task<X509Certificate2> GetAsync(Uri url, CancellationToken cancellation)
    {
        if (Find(url) is { } known)
        {
            return known;
        }

        await _fetching.WaitAsync(cancellation);
        try
        {
            return Find(url) ?? Keep(url, Check(await FetchAsync(url, cancellation), url));
        }
        finally
        {
            _fetching.Release();
        }
    }

    public void Dispose() => _fetching.Dispose();

    private X509Certificate2? Find(Uri url) => _kept.TryGetValue(url, out var kept) && time.GetUtcNow() < kept.Until ? kept.Certificate : null;

    private X509Certificate2 Keep(Uri url, X509Certificate2 certificate)
    {
        if (_kept.Count >= Most)
        {
            _kept.Clear();
        }

        var ends = new DateTimeOffset(certificate.NotAfter.ToUniversalTime());
        var until = time.GetUtcNow() + Kept;
        _kept[url] = (certificate, until < ends ? until : ends);
        return certificate;
    }

    private async Task<string> FetchAsync(Uri url, CancellationToken cancellation)
    {
        try
        {
            using var answer = await http.GetAsync(url, HttpCompletionOption.ResponseHeadersRead, cancellation);
            if (!answer.IsSuccessStatusCode || answer.RequestMessage?.RequestUri != url)
            {
                throw new UntrustedException($"{url} answered {(int)answer.StatusCode} instead of a certificate");
            }

            await answer.Content.LoadIntoBufferAsync(Longest, cancellation);
            return await answer.Content.ReadAsStringAsync(cancellation);
        }
        catch (Exception failed) when (failed is HttpRequestException or IOException)
        {
            throw new UntrustedException($"{url} could not be fetched: {failed.Message}");
        }
    }

    private X509Certificate2 Check(string pem, Uri url)
    {
        X509Certificate2 certificate;
        try
        {
            certificate = X509Certificate2.CreateFromPem(pem);
        }
        catch (CryptographicException)
        {
            throw new UntrustedException($"what is at {url} is no certificate");
        }

        var now = time.GetUtcNow();
        var name = certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false);
        using var key = certificate.GetRSAPublicKey();
        return now < certificate.NotBefore.ToUniversalTime() || now > certificate.NotAfter.ToUniversalTime() ? throw new UntrustedException($"the certificate at {url} is not of this time")
            : !Signers().IsMatch(name) ? throw new UntrustedException($"the certificate at {url} is of '{name}'")
            : key is null || key.KeySize < LeastBits ? throw new UntrustedException($"the certificate at {url} has no RSA key of {LeastBits} bits")
            : certificate;
    }

    [GeneratedRegex(@"^sns(\.[a-z0-9-]+)?\.amazonaws\.com(\.cn)?$")]
    private static partial Regex Signers();
}
