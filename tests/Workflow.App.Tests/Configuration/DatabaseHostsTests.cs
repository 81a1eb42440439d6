using Microsoft.Extensions.Configuration;
using Workflow.App.Configuration;
using Workflow.App.Hosting;

namespace Workflow.App.Tests.Configuration;

public sealed class DatabaseHostsTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("Host=127.0.0.1")]
    [InlineData("Host=10.1.2.3:5433,[fd12::1]:5432,192.168.1.1")]
    [InlineData("Host=/var/run/postgresql")]
    [InlineData("Host=no-such-host.invalid")]
    public async Task A_database_of_the_settings_may_be_on_this_machine_or_in_a_private_network(string connection) =>
        await DatabaseHosts.CheckAsync(Settings(connection, connection), Cancellation);

    [Theory]
    [InlineData("Host=169.254.169.254")]
    [InlineData("Host=db.invalid,169.254.170.2:5432")]
    [InlineData("Host=[fe80::1]:5432")]
    [InlineData("Host=fd00:ec2::254")]
    public async Task One_where_clouds_keep_credentials_is_refused_with_the_name_of_its_setting(string connection)
    {
        var wrong = await Assert.ThrowsAsync<SettingsException>(() => DatabaseHosts.CheckAsync(Settings($"{connection};Password=unsaid", "Host=127.0.0.1"), Cancellation));

        Assert.Equal("ConnectionStrings:Hub", Assert.Single(wrong.Errors).Key);
        Assert.Contains("No database is there", wrong.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("unsaid", wrong.Message, StringComparison.Ordinal);
    }

    private static Settings Settings(string hub, string warehouse) => App.Configuration.Settings.Load((IConfigurationRoot)new ConfigurationBuilder()
        .AddInMemoryCollection(new Dictionary<string, string?> { ["ConnectionStrings:Hub"] = hub, ["ConnectionStrings:Warehouse"] = warehouse }).Build());
}
