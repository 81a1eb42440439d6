using System.Security.Cryptography;
using System.Text;

namespace Workflow.Cloud.Local;

/// <summary>Temporary credentials that the stand-in for STS has handed out.</summary>
/// <param name="Caller">Whose they are: <c>arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION</c>.</param>
public sealed record LocalAwsSession(string AccessKey, string SecretKey, string Token, string Caller, DateTimeOffset Ends)
{
    public bool Has(string? token) => CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(token ?? ""), Encoding.UTF8.GetBytes(Token));
}

/// <summary>The sessions that the stand-ins take signatures of, until each has ended by this clock.</summary>
public sealed class LocalAwsSessions(string dataFolder, TimeProvider time)
{
    private static readonly TimeSpan KeptAfterEnd = TimeSpan.FromHours(1);

    private readonly LocalAwsState<State> _state = new(dataFolder, "sessions", TimeProvider.System);

    public DateTimeOffset Now => time.GetUtcNow();

    /// <summary>Makes a session and keeps it.</summary>
    public Task<LocalAwsSession> BeginAsync(string caller, TimeSpan lasting, CancellationToken cancellation) => _state.UpdateAsync(
        state =>
        {
            state.Sessions.RemoveAll(session => session.Ends + KeptAfterEnd < Now);
            // Whole seconds, as STS has them.
            var ends = DateTimeOffset.FromUnixTimeSeconds((Now + lasting).ToUnixTimeSeconds());
            var session = new LocalAwsSession($"ASIA{RandomNumberGenerator.GetHexString(16)}", Random(30), Random(120), caller, ends);
            state.Sessions.Add(session);
            return session;
        },
        cancellation);

    /// <summary>Also one that has ended: who shows it is told so.</summary>
    public Task<LocalAwsSession?> FindAsync(string accessKey, CancellationToken cancellation) =>
        _state.ReadAsync(state => state.Sessions.Find(session => session.AccessKey == accessKey), cancellation);

    public bool HasEnded(LocalAwsSession session) => session.Ends <= Now;

    private static string Random(int bytes) => Convert.ToBase64String(RandomNumberGenerator.GetBytes(bytes));

    private sealed class State
    {
        public List<LocalAwsSession> Sessions { get; init; } = [];
    }
}
