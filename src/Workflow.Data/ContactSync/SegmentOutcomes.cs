using Workflow.Data.DuckDb;

namespace Workflow.Data.ContactSync;

/// <summary>The lists of one job: CSV files with a header, of which <c>Id</c> is the contact.</summary>
/// <param name="Successful">Null for none.</param>
/// <param name="Failed">With the reason in <c>sf__Error</c>; null for none.</param>
/// <param name="UnprocessedRule">Why the job did not come to the unprocessed ones, in a word.</param>
/// <param name="UnprocessedReason">And in a sentence.</param>
public sealed record SegmentJobLists(string? Successful, string? Failed, string Unprocessed, string UnprocessedRule, string? UnprocessedReason);

/// <summary>What came of what was sent, to be told row by row.</summary>
public sealed record SegmentOutcomesRequest
{
    /// <summary>What <see cref="SegmentFile"/> has written.</summary>
    public required string Rows { get; init; }

    /// <summary>What <see cref="SegmentChanges"/> has written; null where nothing was to be sent.</summary>
    public string? Sent { get; init; }

    public required IReadOnlyList<SegmentJobLists> Jobs { get; init; }

    /// <summary>A CSV file of <c>user_id,contact_id,email,segment,rule,reason,source,line</c>: a line for each refused row, and for each contact that was not updated.</summary>
    public required string Quarantine { get; init; }

    /// <summary>A folder for what does not fit the memory.</summary>
    public required string ScratchFolder { get; init; }
}

/// <param name="Loaded">Rows all of whose contacts were updated.</param>
/// <param name="Failed">Rows some of whose contacts were not.</param>
/// <param name="ContactsUpdated">Contacts that have the segment now.</param>
/// <param name="ContactsFailed">Contacts that have not.</param>
/// <param name="QuarantineLines">Lines of the quarantine file.</param>
public sealed record SegmentOutcomeCounts(long Loaded, long Failed, long ContactsUpdated, long ContactsFailed, long QuarantineLines);

/// <summary>Brings what became of contacts back to the rows they were sent for.</summary>
public static class SegmentOutcomes
{
    /// <exception cref="InvalidDataException">The lists do not tell of every contact once: they were not read whole.</exception>
    public static SegmentOutcomeCounts Collect(SegmentOutcomesRequest request, CancellationToken cancellation)
    {
        using var database = DuckDbDatabase.Open(new() { TempDirectory = request.ScratchFolder });
        using var connection = database.Connect();
        connection.Execute(SqlText.Read("ContactSync/create_outcomes.sql"), cancellation);
        if (request.Sent is { } sent)
        {
            connection.Execute("insert into sent select row, contact_id from read_parquet(?)", cancellation, sent);
        }

        foreach (var job in request.Jobs)
        {
            if (job is { Successful: not null, Failed: not null })
            {
                connection.Execute(SqlText.Read("ContactSync/read_successful.sql"), cancellation, job.Successful);
                connection.Execute(SqlText.Read("ContactSync/read_failed.sql"), cancellation, job.Failed);
            }

            connection.Execute(SqlText.Read("ContactSync/read_unprocessed.sql"), cancellation, job.UnprocessedRule, job.UnprocessedReason, job.Unprocessed);
        }

        if (connection.Scalar(SqlText.Read("ContactSync/count_untold.sql"), cancellation) is long untold and not 0)
        {
            throw new InvalidDataException($"The results of the jobs do not tell of {untold} contacts once each: they were not read whole.");
        }

        connection.Execute("create table rows as select * from read_parquet(?)", cancellation, request.Rows);
        var lines = connection.ExportCsv(SqlText.Read("ContactSync/quarantine.sql"), request.Quarantine, cancellation);
        using var counts = connection.Query(SqlText.Read("ContactSync/count_outcomes.sql"), cancellation);
        var count = counts.Rows(cancellation).Single().Select(value => (long)value!).ToArray();
        return new(count[0], count[1], count[2], count[3], lines);
    }
}
