namespace Workflow.Cloud.Salesforce;

/// <summary>How Salesforce is used.</summary>
public sealed record SalesforceOptions
{
    public string ApiVersion { get; init; } = "62.0";

    /// <summary>
    /// The share of the organisation's API requests of 24 hours, whoever made them, after which no new work is begun. What has been
    /// begun is still brought to its end.
    /// </summary>
    public double RequestShare { get; init; } = 0.8;

    /// <summary>How often a request is tried that may be taken another time.</summary>
    public int Attempts { get; init; } = 4;

    /// <summary>Records in one page of a query's results.</summary>
    public int PageRecords { get; init; } = 100_000;
}
