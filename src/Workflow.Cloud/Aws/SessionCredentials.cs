using Amazon.Runtime;
using Amazon.SecurityToken.Model;
using Microsoft.Extensions.Logging;
using Workflow.Cloud.Secrets;

namespace Workflow.Cloud.Aws;

/// <summary>Credentials with an end.</summary>
internal sealed record AwsSession(ImmutableCredentials Credentials, DateTimeOffset Ends)
{
    public static AwsSession From(Credentials given) =>
        new(new(given.AccessKeyId, given.SecretAccessKey, given.SessionToken), given.Expiration!.Value.ToUniversalTime());
}

/// <summary>
/// The session of a role. It is renewed five minutes before its end, once for all who ask; where that fails it goes on to its end.
/// </summary>
internal sealed class SessionCredentials(string role, Func<CancellationToken, Task<AwsSession>> begin, KnownSecrets known, TimeProvider time, ILogger log) : AWSCredentials
{
    public static readonly TimeSpan RenewBefore = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(30);

    // What is logged late is masked, too.
    private static readonly TimeSpan KnownBeyondEnd = TimeSpan.FromHours(1);

    private readonly Lock _lock = new();
    private AwsSession? _session;
    private DateTimeOffset _renewAt;
    private Task<AwsSession>? _beginning;

    /// <summary>The session that is there: whoever cannot wait gets no new one.</summary>
    public override ImmutableCredentials GetCredentials()
    {
        lock (_lock)
        {
            return _session is { } session && time.GetUtcNow() < session.Ends
                ? session.Credentials
                : throw new InvalidOperationException($"There is no session of {role} yet, or no longer: call asynchronously.");
        }
    }

    public override async Task<ImmutableCredentials> GetCredentialsAsync()
    {
        Task<AwsSession> beginning;
        lock (_lock)
        {
            if (_session is { } session && time.GetUtcNow() < _renewAt)
            {
                return session.Credentials;
            }

            beginning = _beginning ??= Task.Run(BeginAsync);
        }

        return (await beginning).Credentials;
    }

    private async Task<AwsSession> BeginAsync()
    {
        using var deadline = new CancellationTokenSource(AnswerWithin, time);
        try
        {
            var session = await begin(deadline.Token);
            known.Learn(session.Credentials.SecretKey, session.Ends + KnownBeyondEnd);
            known.Learn(session.Credentials.Token, session.Ends + KnownBeyondEnd);
            Keep(session, session.Ends - RenewBefore);
            return session;
        }
        catch (Exception failed) when (_session is { } held && time.GetUtcNow() < held.Ends)
        {
            var again = time.GetUtcNow() + PauseAfterFailure;
            log.LogWarning(failed, "The session of {Role} could not be renewed; it goes on until {Ends:u}, and is tried again.", role, held.Ends);
            Keep(held, again < held.Ends ? again : held.Ends);
            return held;
        }
        catch (OperationCanceledException late) when (deadline.IsCancellationRequested)
        {
            throw new AwsException("STS", "AssumeRole", null, $"no answer within {AnswerWithin.TotalSeconds} s for {role}.", late);
        }
        finally
        {
            lock (_lock)
            {
                _beginning = null;
            }
        }
    }

    private void Keep(AwsSession session, DateTimeOffset renewAt)
    {
        lock (_lock)
        {
            (_session, _renewAt) = (session, renewAt);
        }
    }
}
