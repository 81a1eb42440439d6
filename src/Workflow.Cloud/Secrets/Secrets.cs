using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Workflow.Cloud.Secrets;

/// <summary>How long a secret that was read is used.</summary>
/// <param name="CacheFor">Without asking again; a rotation is noticed at the latest then.</param>
/// <param name="ServeStaleFor">Beyond that, while the store cannot be read.</param>
public sealed record SecretLifetimes(TimeSpan CacheFor, TimeSpan ServeStaleFor)
{
    public static SecretLifetimes Usual { get; } = new(TimeSpan.FromMinutes(5), TimeSpan.FromHours(1));
}

/// <summary>
/// Secrets by name, from whichever store has them, kept in memory for a while and never longer. Those in files of this machine are read
/// each time. Each value that comes through here is one of the <see cref="KnownSecrets"/> from then on.
/// </summary>
public sealed class Secrets(SecretStores stores, SecretLifetimes lifetimes, KnownSecrets known, TimeProvider time, ILogger<Secrets> log)
{
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<string, Held> _byName = new();

    /// <exception cref="SecretException">There is no such secret, or it cannot be read.</exception>
    /// <exception cref="SecretUnavailableException">The store could not be asked, and what was known of the secret is too old.</exception>
    public Task<Secret> GetAsync(string name, CancellationToken cancellation) => GetAsync(name, refused: null, cancellation);

    /// <summary>Does something with a secret; where it is refused for its credentials, once more with the secret as it is now, if it is another.</summary>
    /// <param name="use">Must bear being done again.</param>
    /// <param name="isAuthenticationFailure">Whether what <paramref name="use"/> threw says that the credentials are wrong.</param>
    public async Task<T> UseAsync<T>(string name, Func<Secret, Task<T>> use, Func<Exception, bool> isAuthenticationFailure, CancellationToken cancellation)
    {
        var secret = await GetAsync(name, cancellation);
        Secret? renewed;
        try
        {
            return await use(secret);
        }
        catch (Exception refused) when (isAuthenticationFailure(refused))
        {
            renewed = await RenewAsync(secret, cancellation);
            if (renewed is null)
            {
                throw;
            }
        }

        return await use(renewed);
    }

    /// <summary>The secret as it is now; null where it is still the same, or nobody can say.</summary>
    private async Task<Secret?> RenewAsync(Secret refused, CancellationToken cancellation)
    {
        try
        {
            var now = await GetAsync(refused.Name, refused, cancellation);
            return now.HasFieldsOf(refused) ? null : now;
        }
        catch (Exception unread) when (unread is SecretException or SecretUnavailableException)
        {
            log.LogWarning(unread, "The secret {Secret} was refused and could not be read again.", refused.Name);
            return null;
        }
    }

    private async Task<Secret> GetAsync(string name, Secret? refused, CancellationToken cancellation)
    {
        if (stores.For(name) is LocalSecretStore local)
        {
            var secret = await local.GetAsync(name, cancellation);
            known.Learn(secret);
            return secret;
        }

        var held = _byName.GetOrAdd(name, _ => new());
        Task<Secret> reading;
        lock (held.Lock)
        {
            if (held.Secret is { } secret && refused?.HasFieldsOf(secret) != true && time.GetUtcNow() < held.GoodUntil)
            {
                return secret;
            }

            // Belongs to all who wait, so it is not theirs to cancel.
            reading = held.Reading ??= Task.Run(() => ReadAsync(name, held), CancellationToken.None);
        }

        return await reading.WaitAsync(cancellation);
    }

    private async Task<Secret> ReadAsync(string name, Held held)
    {
        using var deadline = new CancellationTokenSource(AnswerWithin, time);
        try
        {
            var secret = await stores.For(name).GetAsync(name, deadline.Token);
            known.Learn(secret);
            if (held.Secret is { } before && !before.HasFieldsOf(secret))
            {
                log.LogInformation("The secret {Secret} has changed since {ReadAt:u}; the new one is used from now on.", name, held.ReadAt);
            }

            held.Keep(secret, time.GetUtcNow(), lifetimes.CacheFor);
            return secret;
        }
        catch (Exception failed) when (held.Secret is { } before && time.GetUtcNow() < StaleUntil(held))
        {
            log.LogWarning(failed, "The secret {Secret} could not be read again; what was read at {ReadAt:u} is used until {Until:u} at the latest.", name, held.ReadAt, StaleUntil(held));
            held.KeepOn(Earlier(time.GetUtcNow() + PauseAfterFailure, StaleUntil(held)));
            return before;
        }
        catch (OperationCanceledException late) when (deadline.IsCancellationRequested)
        {
            throw new SecretUnavailableException($"The secret '{name}' could not be read: no answer within {AnswerWithin.TotalSeconds} s.", late);
        }
        finally
        {
            held.EndReading();
        }
    }

    private DateTimeOffset StaleUntil(Held held) => held.ReadAt + lifetimes.CacheFor + lifetimes.ServeStaleFor;

    private static DateTimeOffset Earlier(DateTimeOffset one, DateTimeOffset other) => one < other ? one : other;

    /// <summary>One secret; changed only by the one read that is under way.</summary>
    private sealed class Held
    {
        public Lock Lock { get; } = new();

        public Task<Secret>? Reading { get; set; }

        public Secret? Secret { get; private set; }

        public DateTimeOffset ReadAt { get; private set; }

        public DateTimeOffset GoodUntil { get; private set; }

        public void Keep(Secret secret, DateTimeOffset now, TimeSpan cacheFor)
        {
            lock (Lock)
            {
                (Secret, ReadAt, GoodUntil) = (secret, now, now + cacheFor);
            }
        }

        public void KeepOn(DateTimeOffset until)
        {
            lock (Lock)
            {
                GoodUntil = until;
            }
        }

        public void EndReading()
        {
            lock (Lock)
            {
                Reading = null;
            }
        }
    }
}
