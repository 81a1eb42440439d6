using Amazon.S3;
using Workflow.Testing;

namespace Workflow.App.Tests.Pipelines;

/// <summary>A pipeline whose objects are all in S3, as a service of its own with the settings that every AWS user knows.</summary>
public sealed class ObjectsInS3Tests(PostgresFixture postgres, RadosFixture rados)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_file_that_lands_in_S3_becomes_rows_and_moves_within_S3()
    {
        var bucket = await rados.CreateBucketAsync(Cancellation);
        using var s3 = await rados.CreateClientAsync(cancellation: Cancellation);
        await using var installation = (await Installation.CreateAsync(postgres)).With("users", "csv-to-warehouse", new { Table = "users", Key = "user_id" }, watch: $"s3://{bucket}/csv/").WriteSettings();
        await using var service = await WorkflowProcess.ServeAsync(installation, await ProfileAsync(installation));

        await s3.PutObjectAsync(new() { BucketName = bucket, Key = "csv/eu/users of may.csv", ContentBody = "user_id,name,postcode\n1,Ann,00123\n2,Bo,04567\n3,Cy,1,2\n" }, Cancellation);

        await Eventually.TrueAsync(async () => (await KeysAsync(s3, bucket)).SequenceEqual(["processed/eu/users of may.csv", "quarantine/eu/users of may.csv"]), TimeSpan.FromMinutes(2), Cancellation);
        Assert.Equal(["1|Ann|00123", "2|Bo|04567"], await installation.QueryAsync("select user_id, name, postcode from users order by user_id"));
        Assert.Equal([$"s3://{bucket}/csv/eu/users of may.csv|3|2|1|0"], await installation.QueryAsync("select source, rows_in, loaded, quarantined, skipped from load_ledger"));
    }

    /// <summary>Where S3 is, who asks, and what it cannot do, all in the two files of a profile.</summary>
    private async Task<Dictionary<string, string>> ProfileAsync(Installation installation)
    {
        var keys = await (await rados.GetCredentialsAsync(Cancellation)).GetCredentialsAsync();
        var config = Path.Combine(installation.Data.Path, "aws-config");
        var credentials = Path.Combine(installation.Data.Path, "aws-credentials");
        await File.WriteAllTextAsync(
            config,
            $"""
            [profile elsewhere]
            region = us-east-1
            endpoint_url = {await rados.GetEndpointAsync(Cancellation)}
            request_checksum_calculation = WHEN_REQUIRED
            response_checksum_validation = WHEN_REQUIRED
            """,
            Cancellation);
        await File.WriteAllTextAsync(credentials, $"[elsewhere]\naws_access_key_id = {keys.AccessKey}\naws_secret_access_key = {keys.SecretKey}\n", Cancellation);
        return new() { ["AWS_PROFILE"] = "elsewhere", ["AWS_CONFIG_FILE"] = config, ["AWS_SHARED_CREDENTIALS_FILE"] = credentials };
    }

    private static async Task<IEnumerable<string>> KeysAsync(IAmazonS3 s3, string bucket) =>
        ((await s3.ListObjectsV2Async(new() { BucketName = bucket }, Cancellation)).S3Objects ?? []).Select(found => found.Key).Order(StringComparer.Ordinal);
}
