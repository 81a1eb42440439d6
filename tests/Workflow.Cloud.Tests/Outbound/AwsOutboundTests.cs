using Amazon.Runtime;
using Amazon.S3;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Workflow.Cloud.Aws;
using Workflow.Cloud.Objects;
using Workflow.Cloud.Objects.S3;
using Workflow.Cloud.Outbound;
using Workflow.Cloud.Secrets;
using Workflow.Cloud.Tests.Azure;
using Workflow.Cloud.Tests.Objects.S3;

namespace Workflow.Cloud.Tests.Outbound;

/// <summary>What the clients of AWS call is checked like everything else. They take settings from the process, so nobody else runs meanwhile.</summary>
[Collection(nameof(AloneInTheProcess))]
public sealed class AwsOutboundTests
{
    private static readonly Uri Metadata = new("http://169.254.169.254");
    private static readonly ObjectAddress Object = ObjectAddress.Parse("s3://lake/orders.csv");
    private int _connections;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private OutboundGuard Guard => new([], () =>
    {
        Interlocked.Increment(ref _connections);
        return [];
    });

    [Fact]
    public async Task S3_at_an_address_that_is_closed_is_refused_at_once()
    {
        var store = new S3ObjectStore(CreateS3(Metadata, new BasicAWSCredentials("key", "secret")), TimeProvider.System);

        var refused = await Assert.ThrowsAsync<ObjectStoreException>(() => store.FindAsync(Object, Cancellation));

        Assert.Contains("s3://lake/orders.csv cannot be looked up: 169.254.169.254 is a link-local network", refused.Message, StringComparison.Ordinal);
        Assert.IsType<OutboundRefusedException>(refused.InnerException);
        Assert.Equal(1, _connections);
    }

    [Fact]
    public async Task So_are_services_without_a_package_and_roles()
    {
        var endpoints = new AwsEndpoints(new Dictionary<string, AwsEndpoint> { ["Glue"] = AwsEndpoint.Local, ["STS"] = new(false, Metadata) }, () => Metadata, Guard);
        var role = new AwsIdentity("eu-central-1", null, [new("arn:aws:iam::000000000000:role/reader")]) { WebToken = _ => Task.FromResult("token") };
        var session = new AwsCredentials(role, endpoints, new(TimeProvider.System), TimeProvider.System, NullLogger<AwsCredentials>.Instance);

        var assumed = await Assert.ThrowsAsync<AwsRefusedException>(() => session.Credentials!.GetCredentialsAsync());
        var notified = await Assert.ThrowsAsync<AwsRefusedException>(() => new GlueClient(endpoints).FindDatabaseAsync("sales", Cancellation));

        Assert.Equal(("STS", "Glue"), (assumed.Service, notified.Service));
        Assert.All([assumed, notified], refused => Assert.Contains("add \"169.254.169.254\" to Outbound:Allow", refused.Message, StringComparison.Ordinal));
        Assert.Equal(2, _connections);
    }

    [Fact]
    public async Task A_secret_says_why_its_store_is_not_asked()
    {
        var endpoints = new AwsEndpoints(new Dictionary<string, AwsEndpoint> { ["SecretsManager"] = AwsEndpoint.Local }, () => Metadata, Guard);

        var refused = await Assert.ThrowsAsync<SecretException>(() => new AwsSecretStore(endpoints).GetAsync("orders/database", Cancellation));

        Assert.StartsWith("The secret 'orders/database' cannot be read: 169.254.169.254 is a link-local network", refused.Message, StringComparison.Ordinal);
        Assert.EndsWith("to Outbound:Allow.", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_endpoint_on_this_machine_that_the_settings_name_is_reached()
    {
        await using var server = await LoopbackServer.StartAsync(Found, certificate: null, Cancellation);
        var store = new S3ObjectStore(CreateS3(new($"http://localhost:{server.Port}"), new BasicAWSCredentials("key", "secret")), TimeProvider.System);

        Assert.NotNull(await store.FindAsync(Object, Cancellation));
    }

    [Theory]
    [InlineData("sns.eu-central-1.amazonaws.com", true)]
    [InlineData("lake.s3.cn-north-1.amazonaws.com.cn", true)]
    [InlineData("s3.dualstack.eu-central-1.API.aws", true)]
    [InlineData("amazonaws.com.example", false)]
    [InlineData("notamazonaws.com", false)]
    [InlineData("minio.internal", false)]
    public void What_has_a_name_of_AWS_is_told(string host, bool isOfAws) => Assert.Equal(isOfAws, AwsHttpClients.IsOfAws(host));

    /// <summary>A container's credentials come from an address that no other call may take.</summary>
    [Fact]
    public async Task Credentials_are_found_where_the_cloud_keeps_them()
    {
        await using var cloud = await LoopbackServer.StartAsync(
            context => context.Response.WriteAsync("""{ "AccessKeyId": "AKIAOFTHECONTAINER", "SecretAccessKey": "secret", "Token": "token", "Expiration": "2099-01-01T00:00:00Z" }"""), certificate: null, Cancellation);
        var before = Environment.GetEnvironmentVariable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
        Environment.SetEnvironmentVariable("AWS_CONTAINER_CREDENTIALS_FULL_URI", $"http://127.0.0.1:{cloud.Port}/credentials");
        try
        {
            var store = new S3ObjectStore(CreateS3(Metadata, new GenericContainerCredentials()), TimeProvider.System);

            await Assert.ThrowsAsync<ObjectStoreException>(() => store.FindAsync(Object, Cancellation));

            Assert.Equal("GET /credentials", Assert.Single(cloud.Requests));
            Assert.Equal(1, _connections);
        }
        finally
        {
            Environment.SetEnvironmentVariable("AWS_CONTAINER_CREDENTIALS_FULL_URI", before);
        }
    }

    private static Task Found(HttpContext context)
    {
        context.Response.Headers.ETag = "\"1\"";
        context.Response.Headers.LastModified = "Sat, 21 Nov 2026 19:00:00 GMT";
        return Task.CompletedTask;
    }

    private AmazonS3Client CreateS3(Uri endpoint, AWSCredentials credentials) =>
        new(credentials, new AmazonS3Config { ServiceURL = endpoint.ToString(), ForcePathStyle = true, HttpClientFactory = new AwsHttpClients(Guard) });
}
