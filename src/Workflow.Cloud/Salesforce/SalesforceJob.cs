namespace Workflow.Cloud.Salesforce;

/// <summary>A job as Salesforce describes it.</summary>
/// <param name="State">One of the states below.</param>
/// <param name="NumberRecordsProcessed">Those that failed are among them.</param>
/// <param name="ErrorMessage">Why a job failed.</param>
public sealed record SalesforceJob(string Id, string State, long NumberRecordsProcessed = 0, long NumberRecordsFailed = 0, string? ErrorMessage = null)
{
    public const string Open = "Open";
    public const string UploadComplete = "UploadComplete";
    public const string InProgress = "InProgress";
    public const string JobComplete = "JobComplete";
    public const string Failed = "Failed";
    public const string Aborted = "Aborted";

    public bool HasEnded() => State is JobComplete or Failed or Aborted;
}

/// <summary>API requests of the last 24 hours, of the whole organisation.</summary>
public sealed record ApiRequests(long Used, long Max);

/// <summary>The three lists of an ended ingest job; each row of the upload is in one of them.</summary>
public enum IngestResults
{
    /// <summary>With <c>sf__Id</c> and <c>sf__Created</c> before the columns of the upload.</summary>
    Successful,

    /// <summary>With <c>sf__Id</c> and <c>sf__Error</c> before the columns of the upload.</summary>
    Failed,

    /// <summary>Rows of a failed or aborted job that it did not come to.</summary>
    Unprocessed,
}
