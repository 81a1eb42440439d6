using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Workflow.Cloud.Local;
using Workflow.Cloud.Salesforce;
using Workflow.Cloud.Secrets;
using Workflow.Durable;

namespace Workflow.App.Pipelines.SyncSalesforce;

/// <summary>Logs in to Salesforce with the secret of a run's settings.</summary>
internal sealed class SalesforceLogin(SalesforceClient client, LocalSecretStore secrets, IServer server)
{
    /// <summary>What is updated.</summary>
    public const string Entity = "Contact";

    /// <exception cref="NonRetriableException">Salesforce refuses for good.</exception>
    public async Task<T> UseAsync<T>(SyncSalesforceInput input, Func<SalesforceBulkApi, Task<T>> use, CancellationToken cancellation)
    {
        var credentials = SalesforceCredentials.From(await secrets.GetAsync(input.Secret, cancellation), StandIn());
        try
        {
            return await use(client.Connect(credentials, new() { ApiVersion = input.ApiVersion, RequestShare = input.RequestShare }));
        }
        catch (SalesforceException refused) when (!refused.MayHelpToRetry)
        {
            throw new NonRetriableException(refused.Message, refused);
        }
    }

    private Uri StandIn() => new(new Uri(server.Features.Get<IServerAddressesFeature>()!.Addresses.First()), LocalSalesforce.Path);
}
