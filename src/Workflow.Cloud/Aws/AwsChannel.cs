using System.Collections.Concurrent;
using Amazon;
using Amazon.Runtime;
using Workflow.Cloud.Outbound;

namespace Workflow.Cloud.Aws;

/// <summary>The way to one service: its clients, made at the first call, and its errors in our words.</summary>
internal sealed class AwsChannel(AwsService service, AwsEndpoints endpoints, SignedAnswerReader reader)
{
    private readonly ConcurrentDictionary<(string? Region, bool Retry), SignedClient> _clients = new();

    /// <param name="call">Told once more where it failed and the SDK finds that another try can help.</param>
    /// <param name="region">Where to; null for the region of the settings.</param>
    /// <param name="retry">False for what must not happen twice when only its answer was lost.</param>
    public async Task<byte[]> SendAsync(SignedCall call, string? region, bool retry, CancellationToken cancellation)
    {
        try
        {
            var client = _clients.GetOrAdd((region, retry), key => Create(key.Region, key.Retry));
            return (await client.SendAsync(call, reader, cancellation)).Body;
        }
        catch (AmazonServiceException answered) when (AwsFailures.IsAnswer(answered))
        {
            throw AwsFailures.MayPass(answered)
                ? new AwsException(service.Name, call.Operation, answered.ErrorCode, answered.Message, answered)
                : new AwsRefusedException(service.Name, call.Operation, answered.ErrorCode, answered.Message, answered);
        }
        catch (OutboundRefusedException closed)
        {
            throw new AwsRefusedException(service.Name, call.Operation, null, closed.Message, closed);
        }
        catch (Exception failed) when (AwsFailures.IsOfTheWay(failed) || (failed is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            throw new AwsException(
                service.Name, call.Operation, null, $"{AwsFailures.Reason(failed)} Check Aws:Endpoints:{service.Name} ({endpoints.For(service.Name)}), AWS_REGION, the credentials and the network.", failed);
        }
    }

    private SignedClient Create(string? region, bool retry)
    {
        var config = new SignedClientConfig(service);
        if (!retry)
        {
            config.MaxErrorRetry = 0;
            // Those are not among the retries: the SDK takes a connection that is reset for one that was so before, and sends again what was sent.
            config.MaxStaleConnectionRetries = 0;
        }

        endpoints.Configure(config, service.Name, region is null ? endpoints.Credentials?.Region : RegionEndpoint.GetBySystemName(region));
        return endpoints.CredentialsFor(service.Name) is { } credentials ? new(credentials, config) : new(config);
    }
}
