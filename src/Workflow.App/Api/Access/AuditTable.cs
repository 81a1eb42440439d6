using Microsoft.AspNetCore.Http.Features;
using Npgsql;
using NpgsqlTypes;
using Workflow.App.Hosting;

namespace Workflow.App.Api.Access;

/// <summary>How far a change got. <c>Begun</c> that stays means that the process ended, or lost the database, before it could say more.</summary>
internal enum AuditOutcome
{
    Begun,
    Done,
    Refused,
    Failed,
}

/// <summary>A change that was asked for.</summary>
/// <param name="Address">From where; null on this machine without the network.</param>
/// <param name="Action">What was asked, without names: <c>POST /api/runs/{instance}/terminate</c>.</param>
/// <param name="Request">As it was asked: path and query.</param>
internal sealed record AuditedChange(string Caller, Role? Role, string? Address, string Action, string Request)
{
    /// <summary>The change that an endpoint is about to make.</summary>
    public static AuditedChange Of(HttpContext context) => context.Features.GetRequiredFeature<AuditedChange>();

    /// <summary>The pipeline it is about, or null.</summary>
    public string? Pipeline { get; set; }

    /// <summary>The run it is about, or null; of a start known only once it is made.</summary>
    public string? Instance { get; set; }
}

/// <summary>A row of the audit.</summary>
/// <param name="Status">The answer's, or null.</param>
internal sealed record AuditRow(
    long Entry, DateTimeOffset At, string Caller, string? Role, string? Address, string Action, string Request, string? Pipeline, string? Instance, AuditOutcome Outcome, int? Status, DateTimeOffset? EndedAt);

/// <summary>One page of the audit, newest first.</summary>
/// <param name="After">Asks for the next page; null on the last.</param>
internal sealed record AuditPage(IReadOnlyList<AuditRow> Entries, string? After);

/// <summary>
/// One row for every change, in the table <c>audit</c>. It is written before the change is made, and no change is made that it could not be
/// written for; what became of it is added afterwards. So a change without its row does not happen, and a row that stays <c>Begun</c> says that
/// the change may or may not have been made.
/// </summary>
internal sealed class AuditTable(ServiceDatabase database, TimeProvider time)
{
    private const int LongestRequest = 1_000;

    public Task<long> BeginAsync(AuditedChange change, CancellationToken cancellation) => InsertAsync(change, AuditOutcome.Begun, null, cancellation);

    public Task RefuseAsync(AuditedChange change, int status, CancellationToken cancellation) => InsertAsync(change, AuditOutcome.Refused, status, cancellation);

    /// <summary>Makes a change that does not come through the API, between the two halves of its row.</summary>
    public async Task MakeAsync(AuditedChange change, Func<Task> make, CancellationToken cancellation)
    {
        var entry = await BeginAsync(change, cancellation);
        var outcome = AuditOutcome.Failed;
        try
        {
            await make();
            outcome = AuditOutcome.Done;
        }
        finally
        {
            // Whoever asked may have left meanwhile; what was made was made.
            await EndAsync(entry, change, outcome, status: null, CancellationToken.None);
        }
    }

    public async Task EndAsync(long entry, AuditedChange change, AuditOutcome outcome, int? status, CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        await using var command = Command(connection, "end_audit", Number(entry), Time(time.GetUtcNow()), Text(outcome.ToString()), Whole(status), Text(change.Pipeline), Text(change.Instance));
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <param name="after">The token of the page before.</param>
    public async Task<AuditPage> ListAsync(string? pipeline, string? instance, DateTimeOffset? since, long? after, int top, CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);

        // One more than is shown says whether there is another page.
        await using var command = Command(connection, "list_audit", Text(pipeline), Text(instance), Time(since), Number(after), Whole(top + 1));
        await using var rows = await command.ExecuteReaderAsync(cancellation);
        var entries = new List<AuditRow>();
        while (await rows.ReadAsync(cancellation))
        {
            entries.Add(new(
                rows.GetInt64(0), rows.GetFieldValue<DateTimeOffset>(1), rows.GetString(2), TextAt(rows, 3), TextAt(rows, 4), rows.GetString(5), rows.GetString(6), TextAt(rows, 7), TextAt(rows, 8),
                Enum.Parse<AuditOutcome>(rows.GetString(9)), rows.GetFieldValue<int?>(10), rows.GetFieldValue<DateTimeOffset?>(11)));
        }

        return new([.. entries.Take(top)], entries.Count > top ? $"{entries[top - 1].Entry}" : null);
    }

    private async Task<long> InsertAsync(AuditedChange change, AuditOutcome outcome, int? status, CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        await using var command = Command(
            connection, "begin_audit", Time(time.GetUtcNow()), Text(change.Caller), Text(change.Role?.ToString()), Text(change.Address), Text(change.Action),
            Text(change.Request[..Math.Min(change.Request.Length, LongestRequest)]), Text(change.Pipeline), Text(change.Instance), Text(outcome.ToString()), Whole(status));
        return (long)(await command.ExecuteScalarAsync(cancellation))!;
    }

    private static string? TextAt(NpgsqlDataReader rows, int column) => rows.IsDBNull(column) ? null : rows.GetString(column);

    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql, params IEnumerable<NpgsqlParameter> values)
    {
        var command = new NpgsqlCommand(SqlText.Read($"Api/Access/{sql}.sql"), connection);
        foreach (var value in values)
        {
            command.Parameters.Add(value);
        }

        return command;
    }

    // PostgreSQL holds no NUL in a text, and a path may have one.
    private static NpgsqlParameter Text(string? value) => Of(value?.Replace("\0", "\\0", StringComparison.Ordinal), NpgsqlDbType.Text);

    private static NpgsqlParameter Number(long? value) => Of(value, NpgsqlDbType.Bigint);

    private static NpgsqlParameter Whole(int? value) => Of(value, NpgsqlDbType.Integer);

    private static NpgsqlParameter Time(DateTimeOffset? value) => Of(value?.ToUniversalTime(), NpgsqlDbType.TimestampTz);

    private static NpgsqlParameter Of(object? value, NpgsqlDbType type) => new() { Value = value ?? DBNull.Value, NpgsqlDbType = type };
}
