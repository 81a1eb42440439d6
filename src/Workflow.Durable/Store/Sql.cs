using Npgsql;

namespace Workflow.Durable.Store;

/// <summary>The statements, each in a file beside this one.</summary>
internal static class Sql
{
    public static readonly IReadOnlyList<SchemaMigration> Migrations = [Migration("0001_task_hub.sql"), Migration("0002_commits_end.sql")];

    public static readonly string Create = Read("create.sql");
    public static readonly string EnterHub = Read("enter_hub.sql");
    public static readonly string LeaveHub = Read("leave_hub.sql");
    public static readonly string Send = Read("send.sql");
    public static readonly string Rewind = Read("rewind.sql");
    public static readonly string Find = Read("find.sql");
    public static readonly string Query = Read("query.sql");
    public static readonly string History = Read("history.sql");
    public static readonly string Purge = Read("purge.sql");
    public static readonly string PurgeMany = Read("purge_many.sql");
    public static readonly string Notify = Read("notify.sql");

    public static readonly string TakeInstances = Read("take_instances.sql");
    public static readonly string TakeMessages = Read("take_messages.sql");
    public static readonly string TakeActivities = Read("take_activities.sql");
    public static readonly string Look = Read("look.sql");
    public static readonly string ReadHistory = Read("read_history.sql");
    public static readonly string ReadChildren = Read("read_children.sql");

    public static readonly string LeaseAcquire = Read("lease_acquire.sql");
    public static readonly string LeaseHold = Read("lease_hold.sql");
    public static readonly string LeaseRenew = Read("lease_renew.sql");
    public static readonly string LeaseReap = Read("lease_reap.sql");
    public static readonly string LeaseRelease = Read("lease_release.sql");
    public static readonly string ActivitiesInHand = Read("activities_in_hand.sql");

    public static readonly string Stray = Read("stray.sql");
    public static readonly string GiveUpUnknown = Read("give_up_unknown.sql");

    public static readonly string Fence = Read("fence.sql");
    public static readonly string CommitHistory = Read("commit_history.sql");
    public static readonly string CommitHistoryDropped = Read("commit_history_dropped.sql");
    public static readonly string CommitMessagesTaken = Read("commit_messages_taken.sql");
    public static readonly string CommitActivitiesDone = Read("commit_activities_done.sql");
    public static readonly string CommitExecutionsEnded = Read("commit_executions_ended.sql");
    public static readonly string CommitInstancesEnded = Read("commit_instances_ended.sql");
    public static readonly string CommitActivitiesDropped = Read("commit_activities_dropped.sql");
    public static readonly string CommitChildren = Read("commit_children.sql");
    public static readonly string CommitMessages = Read("commit_messages.sql");
    public static readonly string CommitResults = Read("commit_results.sql");
    public static readonly string CommitActivities = Read("commit_activities.sql");
    public static readonly string CommitInstances = Read("commit_instances.sql");

    public static string Read(string name)
    {
        var resource = "Store/" + name;
        using var stream = typeof(Sql).Assembly.GetManifestResourceStream(resource)
            ?? throw new InvalidOperationException($"The statement {resource} is not embedded in {typeof(Sql).Assembly.GetName().Name}.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private static SchemaMigration Migration(string file) => new(file, Read("Migrations/" + file));

    /// <summary>A statement with its positional parameters. Arrays and nulls need their type said.</summary>
    public static NpgsqlBatchCommand Command(string sql, params NpgsqlParameter[] parameters)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(parameter);
        }

        return command;
    }

    public static NpgsqlParameter Of<T>(T value) => new NpgsqlParameter<T> { TypedValue = value };

    public static NpgsqlParameter Text(string? value) => new() { NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text, Value = (object?)value ?? DBNull.Value };

    public static NpgsqlParameter Time(DateTimeOffset? value) =>
        new() { NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.TimestampTz, Value = value is { } time ? time.UtcDateTime : DBNull.Value };

    public static NpgsqlParameter Times(IEnumerable<DateTimeOffset> values) =>
        new() { NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Array | NpgsqlTypes.NpgsqlDbType.TimestampTz, Value = values.Select(time => time.UtcDateTime).ToArray() };

    public static NpgsqlParameter Texts(IEnumerable<string?>? values) =>
        new() { NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Array | NpgsqlTypes.NpgsqlDbType.Text, Value = (object?)values?.ToArray() ?? DBNull.Value };
}
