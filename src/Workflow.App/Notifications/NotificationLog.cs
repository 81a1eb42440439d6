using Npgsql;
using NpgsqlTypes;
using Workflow.App.Hosting;

namespace Workflow.App.Notifications;

/// <summary>A way that messages take.</summary>
internal enum NotificationChannel
{
    Slack,
    Topic,
    Webhook,
}

/// <summary>A message on one of its ways.</summary>
/// <param name="Key">The same for each attempt to send it.</param>
/// <param name="Target">A secret's name, a stand-in's, or a topic's ARN: never an address that is a secret itself.</param>
/// <param name="Event">What it is about, such as <see cref="RunEvent.Failure"/>.</param>
internal sealed record OutgoingNotification(
    string Key, NotificationChannel Channel, string Target, string Pipeline, string Instance, string Event, string Subject, string Text);

/// <summary>What is to be done with a message.</summary>
/// <param name="WasDelivered">An attempt before this one got through.</param>
/// <param name="IsLeftOut">It is more than the rule lets through.</param>
/// <param name="LeftOutBefore">How many were left out since the last one that was not.</param>
internal readonly record struct NotificationTurn(bool WasDelivered, bool IsLeftOut, long LeftOutBefore);

/// <summary>A message as it is shown.</summary>
/// <param name="DeliveredAt">Null where it was not.</param>
/// <param name="LeftOut">It was more than the rule lets through.</param>
/// <param name="Failure">Why it could not be delivered.</param>
internal sealed record SentNotification(
    DateTimeOffset CreatedAt, string Pipeline, string Instance, string Event, NotificationChannel Channel, string Target, string Subject, string Text,
    DateTimeOffset? DeliveredAt, bool LeftOut, string? Failure);

/// <summary>The messages about runs, each written down before it is sent: so that none is sent twice, nor more than a rule lets through.</summary>
internal sealed class NotificationLog(ServiceDatabase database)
{
    /// <param name="most">Of the pipeline's messages to this target, how many are let through within <paramref name="per"/>; null for all.</param>
    public async Task<NotificationTurn> BeginAsync(OutgoingNotification message, int? most, TimeSpan per, CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await using (var turn = Command(connection, "lock", message.Pipeline, $"{message.Channel}", message.Target))
        {
            await turn.ExecuteNonQueryAsync(cancellation);
        }

        await using var command = Command(connection, "begin", message.Key, $"{message.Channel}", message.Target, message.Pipeline, message.Instance, message.Event, message.Subject, message.Text);
        command.Parameters.Add(new() { NpgsqlDbType = NpgsqlDbType.Integer, Value = (object?)most ?? DBNull.Value });
        command.Parameters.Add(new() { Value = per });
        NotificationTurn turnTaken;
        await using (var row = await command.ExecuteReaderAsync(cancellation))
        {
            await row.ReadAsync(cancellation);
            turnTaken = new(row.GetBoolean(0), row.GetBoolean(1), row.GetInt64(2));
        }

        await transaction.CommitAsync(cancellation);
        return turnTaken;
    }

    /// <param name="failure">Null where it was delivered.</param>
    public async Task EndAsync(OutgoingNotification message, string? failure, CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        await using var command = Command(connection, "end", message.Key, $"{message.Channel}", message.Target);
        command.Parameters.Add(new() { NpgsqlDbType = NpgsqlDbType.Text, Value = (object?)failure ?? DBNull.Value });
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>The newest first.</summary>
    /// <param name="pipelines">Null for all.</param>
    public async Task<IReadOnlyList<SentNotification>> ListAsync(IReadOnlyList<string>? pipelines, string? instance, DateTimeOffset? before, int top, CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        await using var command = Command(connection, "list");
        command.Parameters.Add(new() { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text, Value = (object?)pipelines?.ToArray() ?? DBNull.Value });
        command.Parameters.Add(new() { NpgsqlDbType = NpgsqlDbType.Text, Value = (object?)instance ?? DBNull.Value });
        command.Parameters.Add(new() { NpgsqlDbType = NpgsqlDbType.TimestampTz, Value = before is { } time ? time.UtcDateTime : DBNull.Value });
        command.Parameters.Add(new() { Value = top });
        await using var rows = await command.ExecuteReaderAsync(cancellation);
        var found = new List<SentNotification>();
        while (await rows.ReadAsync(cancellation))
        {
            found.Add(new(
                rows.GetFieldValue<DateTimeOffset>(0), rows.GetString(1), rows.GetString(2), rows.GetString(3), Enum.Parse<NotificationChannel>(rows.GetString(4)), rows.GetString(5),
                rows.GetString(6), rows.GetString(7), await rows.IsDBNullAsync(8, cancellation) ? null : rows.GetFieldValue<DateTimeOffset>(8), rows.GetBoolean(9),
                await rows.IsDBNullAsync(10, cancellation) ? null : rows.GetString(10)));
        }

        return found;
    }

    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql, params string[] texts)
    {
        var command = new NpgsqlCommand(SqlText.Read($"Notifications/{sql}.sql"), connection);
        foreach (var text in texts)
        {
            command.Parameters.Add(new() { Value = text });
        }

        return command;
    }
}
