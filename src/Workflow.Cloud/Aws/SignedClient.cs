using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.Credentials.Internal;
using Amazon.Runtime.Endpoints;
using Amazon.Runtime.Internal;
using Amazon.Runtime.Internal.Auth;

namespace Workflow.Cloud.Aws;

/// <summary>
/// The SDK's own pipeline for a service whose package is not there: credential chain, region, signature, retries, throttling,
/// proxies and <c>AWS_ENDPOINT_URL</c> are those of every other client.
/// </summary>
internal sealed class SignedClient : AmazonServiceClient
{
    public SignedClient(SignedClientConfig config)
        : base(config)
    {
    }

    public SignedClient(AWSCredentials credentials, SignedClientConfig config)
        : base(credentials, config)
    {
    }

    public Task<SignedAnswer> SendAsync(SignedCall call, SignedAnswerReader reader, CancellationToken cancellation) =>
        InvokeAsync<SignedAnswer>(call, new InvokeOptions { RequestMarshaller = call, ResponseUnmarshaller = reader }, cancellation);

    /// <summary>As in the clients that the SDK generates: who signs, and how, is settled before where to.</summary>
    protected override void CustomizeRuntimePipeline(RuntimePipeline pipeline)
    {
        pipeline.RemoveHandler<EndpointResolver>();
        pipeline.AddHandlerAfter<Marshaller>(new BaseEndpointResolver());
        pipeline.AddHandlerAfter<Marshaller>(new SignatureScheme());
    }

    private sealed class SignatureScheme : BaseAuthResolverHandler
    {
        protected override List<IAuthSchemeOption> ResolveAuthOptions(IExecutionContext executionContext) => [new AuthSchemeOption { SchemeId = "aws.auth#sigv4" }];
    }
}

internal sealed class SignedClientConfig : ClientConfig, IEndpointProvider
{
    private static readonly TimeSpan ConnectWithin = TimeSpan.FromSeconds(3);

    private readonly AwsService _service;

    public SignedClientConfig(AwsService service)
        : base(new Defaults())
    {
        _service = service;
        ServiceId = service.ServiceId;
        AuthenticationServiceName = service.SigningName;
        EndpointProvider = this;
    }

    public override string ServiceVersion => _service.Api;

    public override string UserAgent => "workflow";

    public override string RegionEndpointServiceName => _service.EndpointPrefix;

    public override Endpoint DetermineServiceOperationEndpoint(ServiceOperationEndpointParameters parameters) => ResolveEndpoint(new());

    public Endpoint ResolveEndpoint(EndpointParameters parameters) => new(ServiceURL ?? HostOf(RegionEndpoint));

    private string HostOf(RegionEndpoint region) => $"https://{_service.EndpointPrefix}.{region.SystemName}.{region.PartitionDnsSuffix}";

    private sealed class Defaults : IDefaultConfigurationProvider
    {
        public IDefaultConfiguration GetDefaultConfiguration(RegionEndpoint clientRegion, DefaultConfigurationMode? requestedConfigurationMode) =>
            new DefaultConfiguration { Name = DefaultConfigurationMode.Standard, RetryMode = RequestRetryMode.Standard, ConnectTimeout = ConnectWithin };
    }
}
