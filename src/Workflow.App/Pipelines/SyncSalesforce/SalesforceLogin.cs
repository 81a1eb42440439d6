using Microsoft.AspNetCore.Hosting.Server;
using Workflow.App.Hosting;
using Workflow.Cloud.Local;
using Workflow.Cloud.Salesforce;
using Workflow.Cloud.Secrets;
using Workflow.Durable;

namespace Workflow.App.Pipelines.SyncSalesforce;

/// <summary>Logs in to Salesforce with the secret of a run's settings.</summary>
internal sealed class SalesforceLogin(SalesforceClient client, Secrets secrets, IServer server)
{
    /// <summary>What is updated.</summary>
    public const string Entity = "Contact";

    /// <exception cref="NonRetriableException">Salesforce refuses for good.</exception>
    public async Task<T> UseAsync<T>(SyncSalesforceInput input, Func<SalesforceBulkApi, Task<T>> use, CancellationToken cancellation)
    {
        try
        {
            return await secrets.UseAsync(input.Secret, secret => use(Connect(secret, input)), IsLoginFailure, cancellation);
        }
        catch (SalesforceException refused) when (!refused.MayHelpToRetry)
        {
            throw new NonRetriableException(refused.Message, refused);
        }
    }

    private SalesforceBulkApi Connect(Secret secret, SyncSalesforceInput input) =>
        client.Connect(SalesforceCredentials.From(secret, StandIn()), new() { ApiVersion = input.ApiVersion, RequestShare = input.RequestShare });

    /// <summary>OAuth's codes, and that of the older login.</summary>
    private static bool IsLoginFailure(Exception refused) =>
        refused is SalesforceException { Code: "invalid_grant" or "invalid_client" or "invalid_client_id" or "INVALID_LOGIN" or "HTTP_401" };

    private Uri StandIn() => new(ListenAddresses.FromHere(server), LocalSalesforce.Path);
}
