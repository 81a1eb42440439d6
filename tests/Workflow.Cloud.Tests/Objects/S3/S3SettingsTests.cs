using Amazon.Runtime;
using Amazon.Runtime.Internal;
using Amazon.S3;
using Workflow.Cloud.Objects.S3;

namespace Workflow.Cloud.Tests.Objects.S3;

/// <summary>The settings that every AWS user knows. They are the process's, so nobody else runs meanwhile.</summary>
[Collection(nameof(AloneInTheProcess))]
public sealed class S3SettingsTests : IDisposable
{
    private readonly Dictionary<string, string?> _before = [];

    [Fact]
    public void Without_an_endpoint_S3_is_at_AWS_and_buckets_are_names_of_hosts()
    {
        Set("AWS_REGION", "eu-north-1");

        using var client = Create();

        Assert.False(Config(client).ForcePathStyle);
        Assert.Equal("eu-north-1", client.Config.RegionEndpoint.SystemName);
        Assert.Equal(5, client.Config.MaxErrorRetry);
        Assert.Equal(RequestChecksumCalculation.WHEN_SUPPORTED, client.Config.RequestChecksumCalculation);
        Assert.StartsWith("https://s3.eu-north-1.amazonaws.com", Where(client), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("AWS_ENDPOINT_URL")]
    [InlineData("AWS_ENDPOINT_URL_S3")]
    public void An_endpoint_takes_the_place_of_AWS_and_the_region_still_signs(string variable)
    {
        Set(variable, "http://127.0.0.1:9");
        Set("AWS_REGION", "eu-north-1");

        using var client = Create();

        Assert.True(Config(client).ForcePathStyle);
        Assert.StartsWith("http://127.0.0.1:9", Where(client), StringComparison.Ordinal);
        Assert.Equal("eu-north-1", client.Config.RegionEndpoint.SystemName);
    }

    [Fact]
    public void Checksums_are_left_out_where_the_server_does_not_know_them()
    {
        Set("AWS_REGION", "us-east-1");
        Set("AWS_REQUEST_CHECKSUM_CALCULATION", "WHEN_REQUIRED");
        Set("AWS_RESPONSE_CHECKSUM_VALIDATION", "WHEN_REQUIRED");
        Set("AWS_MAX_ATTEMPTS", "2");

        using var client = Create();

        Assert.Equal(RequestChecksumCalculation.WHEN_REQUIRED, client.Config.RequestChecksumCalculation);
        Assert.Equal(ResponseChecksumValidation.WHEN_REQUIRED, client.Config.ResponseChecksumValidation);
        Assert.Equal(1, client.Config.MaxErrorRetry);
    }

    public void Dispose()
    {
        foreach (var (name, value) in _before)
        {
            Environment.SetEnvironmentVariable(name, value);
        }

        Forget();
    }

    private static IAmazonS3 Create() => S3ObjectStore.CreateClient(new([], () => []), identity: null);

    /// <summary>The SDK reads its settings once.</summary>
    private static void Forget()
    {
        FallbackInternalConfigurationFactory.Reset();
        FallbackRegionFactory.Reset();
    }

    private void Set(string name, string value)
    {
        _before.TryAdd(name, Environment.GetEnvironmentVariable(name));
        Environment.SetEnvironmentVariable(name, value);
        Forget();
    }

    private static AmazonS3Config Config(IAmazonS3 client) => (AmazonS3Config)client.Config;

    private static string Where(IAmazonS3 client) => client.DetermineServiceOperationEndpoint(new Amazon.S3.Model.ListBucketsRequest()).URL;
}

/// <summary>For tests that set the process's environment.</summary>
[CollectionDefinition(nameof(AloneInTheProcess), DisableParallelization = true)]
[System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1052", Justification = "xunit asks for a class.")]
public sealed class AloneInTheProcess;
