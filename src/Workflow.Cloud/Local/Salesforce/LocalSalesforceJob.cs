using System.Text.Json.Serialization;
using Workflow.Cloud.Salesforce;

namespace Workflow.Cloud.Local;

/// <summary>A job in the stand-in for Salesforce, as its API describes it.</summary>
public sealed record LocalSalesforceJob
{
    public required string Id { get; init; }

    /// <summary><c>query</c> or <c>update</c>.</summary>
    public required string Operation { get; init; }

    [JsonPropertyName("object")]
    public required string Entity { get; init; }

    public string State { get; init; } = SalesforceJob.Open;

    public DateTimeOffset CreatedDate { get; init; }

    public string LineEnding { get; init; } = "LF";

    public string ContentType { get; init; } = "CSV";

    public string ColumnDelimiter { get; init; } = "COMMA";

    public string ConcurrencyMode { get; init; } = "Parallel";

    public string? Query { get; init; }

    public string? ContentUrl { get; init; }

    public long NumberRecordsProcessed { get; init; }

    public long NumberRecordsFailed { get; init; }

    public string? ErrorMessage { get; init; }

    [JsonIgnore]
    public bool IsQuery => Operation == "query";
}
