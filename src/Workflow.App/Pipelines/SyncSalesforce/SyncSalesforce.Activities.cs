using Npgsql;
using Workflow.App.Hosting;
using Workflow.Cloud.Objects;
using Workflow.Cloud.Salesforce;
using Workflow.Cloud.Secrets;
using Workflow.Data.ContactSync;
using Workflow.Durable;

namespace Workflow.App.Pipelines.SyncSalesforce;

/// <summary>Reads who is in which segment, and their addresses from the warehouse where the object does not have them.</summary>
internal sealed class ReadSegments(ObjectStores stores, Warehouse warehouse, Scratch scratch) : TaskActivity<SyncRun, SegmentRows>
{
    public override async Task<SegmentRows> RunAsync(TaskActivityContext context, SyncRun run)
    {
        using var folder = scratch.CreateFolder();
        var (input, cancellation) = (run.Input, context.CancellationToken);
        await stores.DownloadAsync(ObjectAddress.Parse(input.Object!), folder.File("segments"), cancellation);
        try
        {
            var read = await warehouse.UseAsync(
                source => SegmentFile.ReadAsync(
                    new()
                    {
                        File = folder.File("segments"),
                        Source = input.Object!,
                        Users = input.Users() is { } users ? new(source, users, input.Key, input.EmailColumn) : null,
                        Output = folder.File("rows.parquet"),
                        ScratchFolder = folder.File("spill"),
                    },
                    cancellation),
                cancellation);
            await stores.UploadAsync(folder.File("rows.parquet"), run.Rows, WriteCondition.Always, cancellation);
            return read;
        }
        catch (PostgresException refused) when (DatabaseRefusal.IsFinal(refused))
        {
            throw DatabaseRefusal.Explain("The warehouse refused to tell the addresses of users", refused);
        }
    }
}

/// <summary>
/// Asks Salesforce for the contacts: those with the addresses while they fit into a query, else all that have one. Done again it asks
/// again, and the first answer is read by nobody.
/// </summary>
internal sealed class QueryContacts(ObjectStores stores, SalesforceLogin salesforce, Scratch scratch) : TaskActivity<SyncRun, SyncJob>
{
    // Of each address the quotes and the comma; and what stands before them.
    private const int MostCharacters = Soql.LongestQuery * 3 / 4;

    public override async Task<SyncJob> RunAsync(TaskActivityContext context, SyncRun run)
    {
        using var folder = scratch.CreateFolder();
        await stores.DownloadAsync(run.Rows, folder.File("rows.parquet"), context.CancellationToken);
        var emails = SegmentFile.ReadEmails(folder.File("rows.parquet"), MostCharacters, context.CancellationToken);
        var job = await salesforce.UseAsync(run.Input, api => api.CreateQueryAsync(Query(run.Input.Field, emails), context.CancellationToken), context.CancellationToken);
        return new(run, job.Id);
    }

    private static string Query(string field, IReadOnlyList<string>? emails)
    {
        var all = $"SELECT Id, Email, {field} FROM {SalesforceLogin.Entity} WHERE Email";
        var these = emails is null ? "" : $"{all} IN ({string.Join(',', emails.Select(Soql.Text))})";
        return these.Length is > 0 and <= Soql.LongestQuery ? these : $"{all} != null";
    }
}

internal sealed class LookAtQuery(SalesforceLogin salesforce) : TaskActivity<SyncJob, SalesforceJob>
{
    public override Task<SalesforceJob> RunAsync(TaskActivityContext context, SyncJob job) =>
        salesforce.UseAsync(job.Run.Input, api => api.GetQueryAsync(job.Id, context.CancellationToken), context.CancellationToken);
}

/// <summary>Compares the contacts with the rows, and writes what is to be sent in parts.</summary>
internal sealed class MatchContacts(ObjectStores stores, SalesforceLogin salesforce, Scratch scratch) : TaskActivity<SyncJob, SegmentChangeCounts>
{
    public override async Task<SegmentChangeCounts> RunAsync(TaskActivityContext context, SyncJob query)
    {
        using var folder = scratch.CreateFolder();
        var (run, cancellation) = (query.Run, context.CancellationToken);
        await stores.DownloadAsync(run.Rows, folder.File("rows.parquet"), cancellation);
        var told = await salesforce.UseAsync(run.Input, api => api.DownloadQueryAsync(query.Id, folder.File("contacts.csv"), cancellation), cancellation);
        var changes = SegmentChanges.Find(
            new()
            {
                Rows = folder.File("rows.parquet"),
                Contacts = folder.File("contacts.csv"),
                Field = run.Input.Field,
                PartBytes = run.Input.PartBytes,
                PartFile = number => folder.File($"part-{number}"),
                Sent = folder.File("sent.parquet"),
                ScratchFolder = folder.File("spill"),
            },
            cancellation);
        if (changes.Contacts != told)
        {
            throw new InvalidDataException($"Salesforce tells of {told} contacts and {changes.Contacts} were read: the results of query job {query.Id} did not come whole.");
        }

        for (var number = 1; number <= changes.Parts; number++)
        {
            await stores.UploadAsync(folder.File($"part-{number}"), run.Part(number), WriteCondition.Always, cancellation);
        }

        await stores.UploadAsync(folder.File("sent.parquet"), run.Sent, WriteCondition.Always, cancellation);
        return changes;
    }
}

/// <summary>Sends a part as a job of its own, and hands the job in.</summary>
/// <remarks>
/// The job's id is noted beside the part before anything is uploaded. Done again, a job that was handed in is the one; a job that was
/// not is aborted, for it takes only one upload and nobody knows whether it has had it. A crash before the note leaves a job that is
/// open and empty: it changes nothing, and Salesforce removes it after a week.
/// </remarks>
internal sealed class SendPart(ObjectStores stores, SalesforceLogin salesforce, Scratch scratch) : TaskActivity<SyncPart, SyncJob>
{
    public override async Task<SyncJob> RunAsync(TaskActivityContext context, SyncPart part)
    {
        using var folder = scratch.CreateFolder();
        var (run, content, cancellation) = (part.Run, part.Run.Part(part.Number), context.CancellationToken);
        var note = content.WithKey($"{content.Key}.job");
        await stores.DownloadAsync(content, folder.File("part.csv"), cancellation);
        return await salesforce.UseAsync(run.Input, async api =>
        {
            if (await FindHandedInAsync(api, note, folder, cancellation) is { } earlier)
            {
                return new SyncJob(run, earlier);
            }

            var job = await api.CreateUpdateAsync(SalesforceLogin.Entity, cancellation);
            await File.WriteAllTextAsync(folder.File("job"), job.Id, cancellation);
            await stores.UploadAsync(folder.File("job"), note, WriteCondition.Always, cancellation);
            await api.UploadAsync(job.Id, folder.File("part.csv"), cancellation);
            await api.CloseAsync(job.Id, cancellation);
            return new SyncJob(run, job.Id);
        }, cancellation);
    }

    private async Task<string?> FindHandedInAsync(SalesforceBulkApi api, ObjectAddress note, ScratchFolder folder, CancellationToken cancellation)
    {
        if (await stores.For(note).FindAsync(note, cancellation) is null)
        {
            return null;
        }

        await stores.DownloadAsync(note, folder.File("noted"), cancellation);
        var job = await api.GetIngestAsync(await File.ReadAllTextAsync(folder.File("noted"), cancellation), cancellation);
        if (job.State == SalesforceJob.Open)
        {
            await api.AbortAsync(job.Id, cancellation);
        }

        return job.State is SalesforceJob.Open or SalesforceJob.Aborted ? null : job.Id;
    }
}

internal sealed class LookAtUpdate(SalesforceLogin salesforce) : TaskActivity<SyncJob, SalesforceJob>
{
    public override Task<SalesforceJob> RunAsync(TaskActivityContext context, SyncJob job) =>
        salesforce.UseAsync(job.Run.Input, api => api.GetIngestAsync(job.Id, context.CancellationToken), context.CancellationToken);
}

/// <summary>Brings what Salesforce says of each contact back to the rows, and puts those that were refused where they are kept.</summary>
internal sealed class CollectResults(ObjectStores stores, SalesforceLogin salesforce, Scratch scratch) : TaskActivity<SyncOutcomes, SyncSalesforceResult>
{
    private const string NotConfirmed = "NOT_CONFIRMED";

    public override async Task<SyncSalesforceResult> RunAsync(TaskActivityContext context, SyncOutcomes outcomes)
    {
        using var folder = scratch.CreateFolder();
        var (run, cancellation) = (outcomes.Run, context.CancellationToken);
        await stores.DownloadAsync(run.Rows, folder.File("rows.parquet"), cancellation);
        if (outcomes.Parts.Count > 0)
        {
            await stores.DownloadAsync(run.Sent, folder.File("sent.parquet"), cancellation);
        }

        var lists = new List<SegmentJobLists>();
        foreach (var part in outcomes.Parts)
        {
            lists.Add(part.Job is { } job && job.HasEnded() ? await DownloadAsync(run, job, folder, cancellation) : await UnconfirmedAsync(run, part, folder, cancellation));
        }

        var counts = SegmentOutcomes.Collect(
            new()
            {
                Rows = folder.File("rows.parquet"),
                Sent = outcomes.Parts.Count > 0 ? folder.File("sent.parquet") : null,
                Jobs = lists,
                Quarantine = folder.File("quarantine.csv"),
                ScratchFolder = folder.File("spill"),
            },
            cancellation);
        if (counts.QuarantineLines > 0)
        {
            await stores.UploadAsync(folder.File("quarantine.csv"), run.Quarantine, WriteCondition.Always, cancellation);
        }

        return SyncSalesforceResult.Of(outcomes, counts);
    }

    private Task<SegmentJobLists> DownloadAsync(SyncRun run, SalesforceJob job, ScratchFolder folder, CancellationToken cancellation) => salesforce.UseAsync(run.Input, async api =>
    {
        var (successful, failed, unprocessed) = (folder.File(job.Id, "successful.csv"), folder.File(job.Id, "failed.csv"), folder.File(job.Id, "unprocessed.csv"));
        await api.DownloadAsync(job.Id, IngestResults.Successful, successful, cancellation);
        await api.DownloadAsync(job.Id, IngestResults.Failed, failed, cancellation);
        await api.DownloadAsync(job.Id, IngestResults.Unprocessed, unprocessed, cancellation);
        return new SegmentJobLists(successful, failed, unprocessed, $"JOB_{job.State.ToUpperInvariant()}", job.ErrorMessage);
    }, cancellation);

    /// <summary>What was sent, or was to be sent, and of which nothing is known.</summary>
    private async Task<SegmentJobLists> UnconfirmedAsync(SyncRun run, SyncPartEnd part, ScratchFolder folder, CancellationToken cancellation)
    {
        var file = folder.File($"part-{part.Number}.csv");
        await stores.DownloadAsync(run.Part(part.Number), file, cancellation);
        return new(null, null, file, NotConfirmed, part.Problem());
    }
}

/// <summary>Removes what the run kept between its steps, and what runs that failed long ago have left.</summary>
internal sealed class RemoveWork(ObjectStores stores, TimeProvider time) : TaskActivity<SyncRun, bool>
{
    /// <summary>Within this time a run that failed can be rewound; no run takes longer.</summary>
    internal static readonly TimeSpan KeptFor = TimeSpan.FromDays(30);

    public override async Task<bool> RunAsync(TaskActivityContext context, SyncRun run)
    {
        var (all, longAgo) = (ObjectAddress.Parse(run.Input.Work), time.GetUtcNow() - KeptFor);
        var store = stores.For(all);
        await foreach (var kept in store.ListAsync(all, context.CancellationToken))
        {
            if (kept.Address.Key.StartsWith(run.Folder.Key, StringComparison.Ordinal) || kept.LastModified < longAgo)
            {
                await store.DeleteAsync(kept.Address, context.CancellationToken);
            }
        }

        return true;
    }
}
