using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Workflow.App.Configuration;
using Workflow.Cloud.Objects;
using Workflow.Cloud.Salesforce;
using Workflow.Data.ContactSync;
using Workflow.Data.Warehouse;

namespace Workflow.App.Pipelines.SyncSalesforce;

/// <summary>Which segments to tell Salesforce, and how; see docs/pipelines/sync-salesforce.md.</summary>
internal sealed partial record SyncSalesforceInput : PipelineInput
{
    private const int MostAtOnce = 15;
    private const long LeastPartBytes = 200;
    private const long MostPartBytes = 100_000_000;
    private static readonly TimeSpan ShortestPoll = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan LongestPoll = TimeSpan.FromHours(1);
    private static readonly TimeSpan LongestDeadline = TimeSpan.FromDays(7);

    /// <summary>The name of the secret to log in with; see <see cref="SalesforceCredentials.From"/>.</summary>
    public string Secret { get; init; } = "";

    public string ApiVersion { get; init; } = "62.0";

    /// <summary>The contacts' field that the segment is written to.</summary>
    public string Field { get; init; } = "User_Segment__c";

    /// <summary>The warehouse's table that knows the e-mail addresses which the segments' object does not have; null for none.</summary>
    public string? UsersTable { get; init; }

    public string Schema { get; init; } = "public";

    /// <summary>The users' column that is the <c>user_id</c> of the segments.</summary>
    public string Key { get; init; } = "user_id";

    public string EmailColumn { get; init; } = "email";

    /// <summary>The prefix for what runs keep between their steps, and for nothing else.</summary>
    public string Work { get; init; } = "local://salesforce/work/";

    /// <summary>The prefix for the rows that were refused. An object there is the input of a run that tries them again.</summary>
    public string Quarantine { get; init; } = "local://salesforce/quarantine/";

    /// <summary>The most that one job is sent.</summary>
    public long PartBytes { get; init; } = MostPartBytes;

    /// <summary>Jobs under way at one time.</summary>
    public int AtOnce { get; init; } = 2;

    /// <summary>Between the first two looks at a job, where the pause doubles up to a minute, and between looks at the run before.</summary>
    public TimeSpan PollEvery { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a job may take.</summary>
    public TimeSpan JobDeadline { get; init; } = TimeSpan.FromHours(4);

    /// <summary>The share of the organisation's daily API requests beyond which no new work is begun.</summary>
    public double RequestShare { get; init; } = 0.8;

    public TableName? Users() => UsersTable is null ? null : new(Schema, UsersTable);

    public override void Check(Func<string, string> key, SettingErrors errors)
    {
        base.Check(key, errors);
        Inputs.CheckName(nameof(Schema), Schema, "the schema of the users' table", key, errors);
        Inputs.CheckName(nameof(Key), Key, "the users' column that is the user_id", key, errors);
        Inputs.CheckName(nameof(EmailColumn), EmailColumn, "the users' column of e-mail addresses", key, errors);
        Inputs.CheckRange(nameof(AtOnce), AtOnce, MostAtOnce, key, errors);
        CheckPrefix(nameof(Work), Work);
        CheckPrefix(nameof(Quarantine), Quarantine);
        CheckThat(Secret.Length > 0, nameof(Secret), null, "name the secret to log in with");
        CheckThat(Versions().IsMatch(ApiVersion), nameof(ApiVersion), ApiVersion, "write a version such as 62.0");
        CheckThat(Fields().IsMatch(Field), nameof(Field), Field, "write the API name of a field, such as User_Segment__c");
        CheckThat(PartBytes is >= LeastPartBytes and <= MostPartBytes, nameof(PartBytes), $"{PartBytes}", $"write a number from {LeastPartBytes} to {MostPartBytes}");
        CheckThat(PollEvery >= ShortestPoll && PollEvery <= LongestPoll, nameof(PollEvery), $"{PollEvery}", $"write a time span from {ShortestPoll:c} to {LongestPoll:c}");
        CheckThat(JobDeadline >= PollEvery && JobDeadline <= LongestDeadline, nameof(JobDeadline), $"{JobDeadline}", $"write a time span from PollEvery to {LongestDeadline:c}");
        CheckThat(RequestShare is > 0 and <= 1, nameof(RequestShare), RequestShare.ToString(CultureInfo.InvariantCulture), "write a number above 0, up to 1");

        void CheckPrefix(string name, string prefix)
        {
            Inputs.CheckAddress(name, prefix, "local://salesforce/work/", key, errors);
            CheckThat(prefix.EndsWith('/'), name, prefix, "write a prefix: it ends with /");
        }

        void CheckThat(bool isRight, string name, string? value, string right)
        {
            if (!isRight)
            {
                errors.Add(key(name), value, right);
            }
        }
    }

    [GeneratedRegex(@"^\d{2,3}\.0$")]
    private static partial Regex Versions();

    [GeneratedRegex("^[A-Za-z][A-Za-z0-9_]{0,79}$")]
    private static partial Regex Fields();
}

/// <summary>One run: its settings, and a key that names what is its own.</summary>
internal sealed record SyncRun(SyncSalesforceInput Input, Guid Key)
{
    /// <summary>Every row, with its address or the reason that refuses it.</summary>
    public ObjectAddress Rows => Work("rows.parquet");

    /// <summary>Which contacts are sent for which rows.</summary>
    public ObjectAddress Sent => Work("sent.parquet");

    public ObjectAddress Folder => Work("");

    /// <summary>The refused rows: named as what was read, and told apart by the run.</summary>
    public ObjectAddress Quarantine => ObjectAddress.Parse($"{Input.Quarantine}{Path.GetFileNameWithoutExtension(ObjectAddress.Parse(Input.Object!).Name)}-{Tag}.csv");

    private string Tag => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{Key:N}")).AsSpan(0, 4));

    public ObjectAddress Part(int number) => Work($"part-{number:0000}.csv");

    private ObjectAddress Work(string name) => ObjectAddress.Parse($"{Input.Work}{Key:N}/{name}");
}

/// <summary>A job, and the run it belongs to.</summary>
internal sealed record SyncJob(SyncRun Run, string Id);

/// <param name="Number">Of the part, from 1.</param>
internal sealed record SyncPart(SyncRun Run, int Number);

/// <summary>What became of a part.</summary>
/// <param name="Job">As it was last seen; null where the part could not be sent, or not be watched.</param>
/// <param name="Failure">Why there is no job.</param>
internal sealed record SyncPartEnd(int Number, SalesforceJob? Job, string? Failure)
{
    public static SyncPartEnd Of(Outcome<SalesforceJob> sent, int index) => new(index + 1, sent.Result, sent.Failure?.FailureDetails.ErrorMessage);

    /// <summary>Why the part's contacts are not all accounted for by Salesforce; null where they are.</summary>
    public string? Problem() => Job is null ? Failure : Job.State == SalesforceJob.JobComplete ? null : Describe(Job);

    public static string Describe(SalesforceJob job) =>
        $"Salesforce's job {job.Id} is {job.State}: {job.ErrorMessage ?? "see Bulk Data Load Jobs in Salesforce's Setup"}.";
}

/// <summary>The counts of what was read and of what was found to be sent, and what came of it.</summary>
internal sealed record SyncOutcomes(SyncRun Run, SegmentRows Read, SegmentChangeCounts Changes, IReadOnlyList<SyncPartEnd> Parts);

/// <summary>What became of the rows. One that is loaded was sent, and Salesforce took it for all contacts with its address.</summary>
internal sealed record SyncSalesforceResult : PipelineResult
{
    /// <summary>Skipped: all contacts have the segment already.</summary>
    public long Unchanged { get; init; }

    /// <summary>Skipped: there is no contact with the address.</summary>
    public long WithoutContact { get; init; }

    /// <summary>Skipped: nobody knows the user's address.</summary>
    public long WithoutEmail { get; init; }

    /// <summary>Skipped: a later row has the same address.</summary>
    public long Duplicates { get; init; }

    public long ContactsUpdated { get; init; }

    public long ContactsFailed { get; init; }

    /// <summary>The ids of the jobs that updated contacts.</summary>
    public IReadOnlyList<string> Jobs { get; init; } = [];

    public static SyncSalesforceResult Of(SyncOutcomes outcomes, SegmentOutcomeCounts counts)
    {
        var (read, changes) = (outcomes.Read, outcomes.Changes);
        return new()
        {
            Table = $"{SalesforceLogin.Entity}.{outcomes.Run.Input.Field}",
            RowsIn = read.Rows,
            Loaded = counts.Loaded,
            Quarantined = read.Refused + counts.Failed,
            Skipped = read.WithoutEmail + changes.Duplicates + changes.WithoutContact + changes.Unchanged,
            Unchanged = changes.Unchanged,
            WithoutContact = changes.WithoutContact,
            WithoutEmail = read.WithoutEmail,
            Duplicates = changes.Duplicates,
            ContactsUpdated = counts.ContactsUpdated,
            ContactsFailed = counts.ContactsFailed,
            Jobs = [.. outcomes.Parts.Select(part => part.Job?.Id).OfType<string>()],
            QuarantineObject = counts.QuarantineLines > 0 ? outcomes.Run.Quarantine.ToString() : null,
        };
    }
}
