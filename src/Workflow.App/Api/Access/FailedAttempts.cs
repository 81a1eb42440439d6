using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Threading.RateLimiting;
using Microsoft.Extensions.Caching.Memory;
using Workflow.App.Configuration;

namespace Workflow.App.Api.Access;

/// <summary>
/// Who sends wrong keys and tokens, by address. An address that sent too many is not looked at for the rest of the minute, except with what was
/// right before: behind one proxy a caller with a stale key must not lock out all the others.
/// </summary>
internal sealed class FailedAttempts(AccessSettings access) : IDisposable
{
    private const int MostRemembered = 10_000;
    private static readonly TimeSpan RememberFor = TimeSpan.FromMinutes(10);

    private readonly MemoryCache _right = new(new MemoryCacheOptions { SizeLimit = MostRemembered });
    private readonly PartitionedRateLimiter<IPAddress> _failures = PartitionedRateLimiter.Create<IPAddress, IPAddress>(address => RateLimitPartition.GetFixedWindowLimiter(
        address, _ => new FixedWindowRateLimiterOptions { PermitLimit = access.FailuresPerMinute, Window = TimeSpan.FromMinutes(1) }));

    /// <summary>How long a credential is not looked at; null where it is.</summary>
    public TimeSpan? WaitFor(IPAddress address, string credential)
    {
        using var lease = _failures.AttemptAcquire(address, permitCount: 0);
        return lease.IsAcquired || _right.TryGetValue(Fingerprint(credential), out _)
            ? null
            : lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? wait : TimeSpan.FromMinutes(1);
    }

    public void WasRight(string credential) => _right.Set(Fingerprint(credential), true, new MemoryCacheEntryOptions { Size = 1, SlidingExpiration = RememberFor });

    public void WasWrong(IPAddress address, string credential)
    {
        _right.Remove(Fingerprint(credential));
        _failures.AttemptAcquire(address).Dispose();
    }

    public void Dispose()
    {
        _failures.Dispose();
        _right.Dispose();
    }

    private static string Fingerprint(string credential) => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(credential)));
}
