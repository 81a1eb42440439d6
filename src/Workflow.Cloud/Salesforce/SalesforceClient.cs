namespace Workflow.Cloud.Salesforce;

/// <summary>The way to Salesforce's Bulk API 2.0.</summary>
public sealed class SalesforceClient(HttpClient http, SalesforceTokens tokens, TimeProvider time)
{
    /// <summary>Nothing is sent before the first request.</summary>
    public SalesforceBulkApi Connect(SalesforceCredentials credentials, SalesforceOptions options) =>
        new(new(http, tokens, time, credentials, options), options);
}
