namespace Workflow.Cloud.Salesforce;

/// <summary>Salesforce refused, did not answer, or may not be asked now. The message holds no token and no password.</summary>
/// <param name="operation">What was asked of it, such as <c>create query job</c>.</param>
/// <param name="code">Salesforce's own code, such as <c>INVALID_FIELD</c>; or one of those below.</param>
/// <param name="reason">What Salesforce says.</param>
/// <param name="mayHelpToRetry">The same request may be taken another time.</param>
public sealed class SalesforceException(string operation, string code, string reason, bool mayHelpToRetry, Exception? inner = null)
    : Exception($"Salesforce, {operation}: {code}: {reason}", inner)
{
    /// <summary>It could not be reached, broke off its answer, or did not answer in time.</summary>
    public const string Unreachable = "UNREACHABLE";

    /// <summary>The share of the day's API requests that is ours to use is used; see <see cref="SalesforceOptions.RequestShare"/>.</summary>
    public const string RequestShareUsed = "REQUEST_SHARE_USED";

    public string Operation { get; } = operation;

    public string Code { get; } = code;

    public string Reason { get; } = reason;

    public bool MayHelpToRetry { get; } = mayHelpToRetry;
}
