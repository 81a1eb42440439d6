using System.Text;
using Workflow.Cloud.Salesforce;

namespace Workflow.Cloud.Local;

/// <summary>
/// The jobs of the stand-in for Salesforce. A job that was handed in is queued, then in progress, then done: it takes one step each time
/// it is looked at, so that whoever waits for it has to.
/// </summary>
internal sealed class LocalSalesforceJobs(LocalSalesforceStore store, TimeProvider time)
{
    // 150 MB of base64, in which Salesforce keeps uploads.
    private const long LargestUpload = 100_000_000;
    private const string Failed = "failed";
    private const string Results = "results";
    private const string Successful = "successful";
    private const string Unprocessed = "unprocessed";
    private const string Upload = "upload";

    /// <summary>Why the next ingest job fails half way; null where it does not.</summary>
    public string? GiveUp { get; set; }

    public LocalSalesforceUsage Usage => store.Usage();

    public LocalSalesforceJob CreateQuery(LocalSalesforceRequest request, Uri instance, string version) =>
        (request.Operation, LocalContactTable.CheckQuery(request.Query ?? "")) switch
        {
            (not ("query" or "queryAll"), _) => throw new LocalSalesforceRefusal(400, "INVALIDJOB", "operation must be query or queryAll"),
            (_, var (code, message)) => throw new LocalSalesforceRefusal(400, code, message),
            _ => Create(request, LocalContactTable.Entity, SalesforceJob.UploadComplete, instance, version) with { Query = request.Query },
        };

    public LocalSalesforceJob CreateIngest(LocalSalesforceRequest request, Uri instance, string version)
    {
        if (request.Operation != "update")
        {
            throw new LocalSalesforceRefusal(400, "INVALIDJOB", $"This stand-in knows the operation update, not '{request.Operation}'");
        }

        return string.Equals(request.Object, LocalContactTable.Entity, StringComparison.OrdinalIgnoreCase)
            ? Create(request, LocalContactTable.Entity, SalesforceJob.Open, instance, version)
            : throw new LocalSalesforceRefusal(400, "INVALIDENTITY", $"Entity '{request.Object}' is not supported by the Bulk API.");
    }

    public LocalSalesforceJob Find(string id, bool isQuery) =>
        store.FindJob(id) is { } job && job.IsQuery == isQuery ? job : throw new LocalSalesforceRefusal(404, "NOT_FOUND", "The requested resource does not exist");

    /// <summary>Takes a job one step on.</summary>
    public LocalSalesforceJob Advance(LocalSalesforceJob job)
    {
        var advanced = job.State switch
        {
            SalesforceJob.UploadComplete => job with { State = SalesforceJob.InProgress },
            SalesforceJob.InProgress => job.IsQuery ? Query(job) : Ingest(job),
            _ => job,
        };
        store.Keep(advanced);
        return advanced;
    }

    public LocalSalesforceJob ChangeState(LocalSalesforceJob job, string? state)
    {
        var changed = (job.State, state) switch
        {
            (SalesforceJob.Open, SalesforceJob.UploadComplete) when job.ErrorMessage is { } twice => throw new LocalSalesforceRefusal(400, "INVALIDJOB", twice),
            (SalesforceJob.Open, SalesforceJob.UploadComplete) when !File.Exists(store.FileOf(job, Upload)) => throw new LocalSalesforceRefusal(400, "INVALIDJOB", "No content was uploaded for the job"),
            (SalesforceJob.Open, SalesforceJob.UploadComplete) => job with { State = SalesforceJob.UploadComplete },
            (SalesforceJob.Open or SalesforceJob.UploadComplete or SalesforceJob.InProgress, SalesforceJob.Aborted) => Abort(job),
            (_, SalesforceJob.UploadComplete or SalesforceJob.Aborted) => throw new LocalSalesforceRefusal(400, "INVALIDJOBSTATE", $"Job is in state {job.State} and cannot become {state}"),
            _ => throw new LocalSalesforceRefusal(400, "INVALIDJOBSTATE", $"'{state}' is no state that a job can be put into"),
        };
        store.Keep(changed);
        return changed;
    }

    /// <param name="job">The job.</param>
    /// <param name="file">What was sent; it becomes the job's.</param>
    public void TakeUpload(LocalSalesforceJob job, string file)
    {
        if (job.State != SalesforceJob.Open)
        {
            throw new LocalSalesforceRefusal(400, "INVALIDJOBSTATE", $"Job is in state {job.State} and takes no data");
        }

        if (new FileInfo(file).Length > LargestUpload)
        {
            throw new LocalSalesforceRefusal(413, "EXCEEDED_MAX_SIZE_REQUEST", $"The upload is larger than {LargestUpload} bytes");
        }

        if (File.Exists(store.FileOf(job, Upload)))
        {
            store.Keep(job with { ErrorMessage = $"Found multiple contents for job: <{job.Id}>, please 'Close' / 'Abort' / 'Delete' the current Job then create a new Job and make sure you only do 'PUT' once on a given Job." });
        }

        File.Move(file, store.FileOf(job, Upload), overwrite: true);
    }

    /// <summary>A page of a query's results: the header, and the rows from the locator on.</summary>
    public (string Csv, int Rows, string? Next) Page(LocalSalesforceJob job, string? locator, int maxRecords)
    {
        if (job.State != SalesforceJob.JobComplete)
        {
            throw new LocalSalesforceRefusal(400, "INVALIDJOBSTATE", $"Job is in state {job.State} and has no results");
        }

        var from = int.TryParse(locator, out var at) ? at : 0;
        var lines = File.ReadLines(store.FileOf(job, Results));
        var page = lines.Skip(1).Skip(from).Take(maxRecords).ToList();
        var next = from + page.Count;
        return (string.Concat(page.Prepend(lines.First()).Select(line => line + "\n")), page.Count, next < job.NumberRecordsProcessed ? $"{next}" : null);
    }

    /// <returns>The file of one of an ended job's lists.</returns>
    public string List(LocalSalesforceJob job, string list)
    {
        var what = list switch { "successfulResults" => Successful, "failedResults" => Failed, _ => Unprocessed };
        return job.State is SalesforceJob.JobComplete or SalesforceJob.Failed or SalesforceJob.Aborted
            ? store.FileOf(job, what)
            : throw new LocalSalesforceRefusal(400, "INVALIDJOBSTATE", $"Job is in state {job.State} and has no results");
    }

    private LocalSalesforceJob Create(LocalSalesforceRequest request, string entity, string state, Uri instance, string version)
    {
        if (request.ContentType is not (null or "CSV") || request.ColumnDelimiter is not (null or "COMMA") || request.LineEnding is not (null or "LF" or "CRLF"))
        {
            throw new LocalSalesforceRefusal(400, "INVALIDJOB", "contentType must be CSV, columnDelimiter COMMA and lineEnding LF or CRLF");
        }

        var id = LocalContact.IdOf("750", store.Jobs().Count + 1);
        var job = new LocalSalesforceJob
        {
            Id = id,
            Operation = request.Operation!,
            Entity = entity,
            State = state,
            CreatedDate = time.GetUtcNow(),
            LineEnding = request.LineEnding ?? "LF",
            Query = request.Query,
            ContentUrl = state == SalesforceJob.Open ? $"{instance.AbsolutePath.Trim('/')}/services/data/v{version}/jobs/ingest/{id}/batches" : null,
        };
        store.Keep(job);
        return job;
    }

    private LocalSalesforceJob Query(LocalSalesforceJob job)
    {
        var lines = new LocalContactTable(store.Contacts()).Select(job.Query!).Select(LocalSalesforceCsv.Line).ToList();
        File.WriteAllText(store.FileOf(job, Results), string.Concat(lines));
        return job with { State = SalesforceJob.JobComplete, NumberRecordsProcessed = lines.Count - 1 };
    }

    private LocalSalesforceJob Ingest(LocalSalesforceJob job)
    {
        var upload = store.FileOf(job, Upload);
        using var rows = LocalSalesforceCsv.Read(new StreamReader(upload, Encoding.UTF8)).GetEnumerator();
        List<string> header = rows.MoveNext() ? [.. rows.Current.Select(column => column.TrimEnd('\r'))] : [];
        var fault = header.FirstOrDefault(column => !LocalContactTable.HasField(column)) is { } unknown
            ? $"InvalidBatch : Field name not found : {unknown}"
            : EndsWithCr(upload) == (job.LineEnding == "LF") ? $"ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is {job.LineEnding}" : null;
        if (fault is not null)
        {
            WriteLists(job, header, [], [], File.ReadLines(upload).Skip(1).Select(line => line + "\n"));
            return job with { State = SalesforceJob.Failed, ErrorMessage = fault };
        }

        var table = new LocalContactTable(store.Contacts());
        var (good, bad, seen) = (new List<string>(), new List<string>(), new HashSet<string>(StringComparer.Ordinal));
        var (gaveUp, all) = (GiveUp, File.ReadLines(upload).Count() - 1);
        GiveUp = null;
        while ((gaveUp is null || good.Count + bad.Count < all / 2) && rows.MoveNext())
        {
            var values = rows.Current.Select(value => value.TrimEnd('\r')).ToList();
            var record = header.Zip(values).ToDictionary(pair => pair.First, pair => pair.Second, StringComparer.OrdinalIgnoreCase);
            var refusal = values.Count != header.Count ? $"INVALID_CSV:{values.Count} fields where the header has {header.Count}:--" : table.Update(record, job.Id, seen);
            var id = record.GetValueOrDefault("Id", "");
            (refusal is null ? good : bad).Add(LocalSalesforceCsv.Line([refusal is null ? id : "", refusal ?? "false", .. values]));
        }

        WriteLists(job, header, good, bad, File.ReadLines(upload).Skip(1 + good.Count + bad.Count).Select(line => line + "\n"));
        store.Keep(table.Contacts);
        return job with { State = gaveUp is null ? SalesforceJob.JobComplete : SalesforceJob.Failed, ErrorMessage = gaveUp, NumberRecordsProcessed = good.Count + bad.Count, NumberRecordsFailed = bad.Count };
    }

    private LocalSalesforceJob Abort(LocalSalesforceJob job)
    {
        var upload = store.FileOf(job, Upload);
        var lines = File.Exists(upload) ? File.ReadLines(upload).ToList() : [];
        WriteLists(job, lines.Count > 0 ? lines[0].Split(',') : [], [], [], lines.Skip(1).Select(line => line + "\n"));
        return job with { State = SalesforceJob.Aborted };
    }

    private void WriteLists(LocalSalesforceJob job, IReadOnlyList<string> header, IEnumerable<string> good, IEnumerable<string> bad, IEnumerable<string> rest)
    {
        File.WriteAllText(store.FileOf(job, Successful), string.Concat(good.Prepend(LocalSalesforceCsv.Line(["sf__Id", "sf__Created", .. header]))));
        File.WriteAllText(store.FileOf(job, Failed), string.Concat(bad.Prepend(LocalSalesforceCsv.Line(["sf__Id", "sf__Error", .. header]))));
        File.WriteAllText(store.FileOf(job, Unprocessed), string.Concat(rest.Prepend(LocalSalesforceCsv.Line(header))));
    }

    private static bool EndsWithCr(string file)
    {
        using var reader = new StreamReader(file);
        for (int next; (next = reader.Read()) >= 0;)
        {
            if (next is '\r' or '\n')
            {
                return next == '\r';
            }
        }

        return false;
    }
}

/// <summary>What a job is asked for with.</summary>
internal sealed record LocalSalesforceRequest(
    string? Operation = null, string? Object = null, string? Query = null, string? ContentType = null, string? ColumnDelimiter = null, string? LineEnding = null, string? State = null);

/// <summary>An error as Salesforce answers it.</summary>
internal sealed class LocalSalesforceRefusal(int status, string code, string message) : Exception(message)
{
    public int Status { get; } = status;

    public string Code { get; } = code;
}
