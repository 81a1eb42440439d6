using System.Runtime.ExceptionServices;
using Amazon.Runtime;
using Workflow.Cloud.Outbound;

namespace Workflow.Cloud.Aws;

/// <summary>
/// What the SDK's clients call through: their endpoints come from settings, so the guard has a look at where those lead. What finds the
/// credentials of a machine, container or function of AWS does not come this way, and goes on asking where the cloud keeps them.
/// </summary>
internal sealed class AwsHttpClients(OutboundGuard guard) : HttpClientFactory
{
    // They resolve to private addresses where a network has endpoints of its own for AWS.
    private static readonly string[] Domains = [".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".api.amazonwebservices.com.cn"];

    /// <summary>As the SDK's own, but for where it goes.</summary>
    public override HttpClient CreateHttpClient(IClientConfig clientConfig)
    {
        var handler = guard.CreateHandler(clientConfig.ServiceURL is { } named ? new(named) : null, IsOfAws);
        handler.AllowAutoRedirect = clientConfig.AllowAutoRedirect;
        handler.MaxConnectionsPerServer = clientConfig.MaxConnectionsPerServer ?? handler.MaxConnectionsPerServer;
        handler.ConnectTimeout = clientConfig.ConnectTimeout ?? handler.ConnectTimeout;
        if (clientConfig.GetWebProxy() is { } proxy)
        {
            proxy.Credentials = clientConfig.ProxyCredentials ?? proxy.Credentials;
            handler.Proxy = proxy;
        }

        var http = new HttpClient(new Refusals(handler));
        http.Timeout = clientConfig.Timeout ?? http.Timeout;
        return http;
    }

    internal static bool IsOfAws(string host) => Array.Exists(Domains, domain => host.EndsWith(domain, StringComparison.OrdinalIgnoreCase));

    /// <summary>The SDK tries again whatever comes as a failure of the network; a refusal stays one.</summary>
    private sealed class Refusals(HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            try
            {
                return await base.SendAsync(request, cancellationToken);
            }
            catch (HttpRequestException failed) when (failed.InnerException is OutboundRefusedException refused)
            {
                ExceptionDispatchInfo.Throw(refused);
                throw;
            }
        }
    }
}
