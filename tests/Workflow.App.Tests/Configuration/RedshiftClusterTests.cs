using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using Workflow.App.Hosting;
using Workflow.Cloud.Outbound;
using Workflow.Cloud.Secrets;
using Workflow.Testing;

namespace Workflow.App.Tests.Configuration;

public sealed class RedshiftClusterTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("10.20.30.40", "add \"10.20.30.40\" to Outbound:Allow")]
    [InlineData("169.254.169.254", "No database is there")]
    public async Task A_cluster_that_the_secret_puts_where_it_must_not_be_is_not_connected_to(string host, string says)
    {
        using var folder = new TempFolder();
        var store = new LocalSecretStore(folder.Path);
        await store.PutAsync("lake/redshift", new Dictionary<string, string> { ["host"] = host, ["username"] = "etl", ["password"] = "unsaid", ["dbname"] = "dev" }, Cancellation);
        var secrets = new Secrets(new(store, store), SecretLifetimes.Usual, new(TimeProvider.System), TimeProvider.System, NullLogger<Secrets>.Instance);
        await using var cluster = new RedshiftCluster(Settings(), secrets, new OutboundGuard([], () => []));

        var refused = await Assert.ThrowsAsync<OutboundRefusedException>(() => cluster.UseAsync(_ => Task.FromResult(true), Cancellation));

        Assert.Contains(says, refused.Message, StringComparison.Ordinal);
    }

    private static App.Configuration.Settings Settings() => App.Configuration.Settings.Load((IConfigurationRoot)new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
    {
        ["Warehouse:Dialect"] = "redshift",
        ["Warehouse:Secret"] = "lake/redshift",
        ["Warehouse:Staging"] = "s3://lake/staging/",
        ["Warehouse:IamRole"] = "arn:aws:iam::123456789012:role/copy",
    }).Build());
}
