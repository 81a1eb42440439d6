using Microsoft.Extensions.DependencyInjection;
using Workflow.App.Configuration;
using Workflow.App.Hosting;
using Workflow.Cloud.Azure;
using Workflow.Cloud.Objects;
using Workflow.Cloud.Objects.Blob;
using Workflow.Cloud.Outbound;
using Workflow.Cloud.Secrets;
using Workflow.Testing;

namespace Workflow.App.Tests.Configuration;

public sealed class AzureServicesTests
{
    private static readonly AzureSettings Settings = new(
        new AzureIdentityOptions(AzureIdentityKind.ManagedIdentity), new AzureStorage(new("https://contoso.blob.core.windows.net"), "contoso", null), new("https://orders.vault.azure.net"));

    [Fact]
    public async Task The_settings_decide_where_secrets_and_objects_are()
    {
        using var folder = new TempFolder();
        await using var services = Build(Settings, SecretStoreKind.KeyVault, new DataFolder(folder.Path));

        var stores = services.GetRequiredService<SecretStores>();
        Assert.IsType<KeyVaultSecretStore>(stores.For("orders/database"));
        Assert.IsType<LocalSecretStore>(stores.For("local/database"));
        Assert.IsType<BlobObjectStore>(services.GetRequiredService<ObjectStores>().For(ObjectAddress.Parse("az://landing/x")));
    }

    [Fact]
    public async Task Without_an_account_nothing_answers_for_its_addresses()
    {
        using var folder = new TempFolder();
        await using var services = Build(Settings with { Storage = null }, SecretStoreKind.Local, new DataFolder(folder.Path));

        Assert.Contains("Azure:Storage", Assert.Throws<ObjectStoreException>(() => services.GetRequiredService<ObjectStores>().For(ObjectAddress.Parse("az://landing/x"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_account_at_an_address_that_is_closed_is_not_called()
    {
        using var folder = new TempFolder();
        var data = new DataFolder(folder.Path);
        await new LocalSecretStore(data.Secrets).PutAsync("account", new Dictionary<string, string> { ["AccountKey"] = "a2V5" }, TestContext.Current.CancellationToken);
        await using var services = Build(Settings with { Storage = new(new("http://169.254.169.254/contoso"), "contoso", "account") }, SecretStoreKind.Local, data);
        var address = ObjectAddress.Parse("az://landing/x");

        var closed = await Assert.ThrowsAsync<ObjectStoreException>(() => services.GetRequiredService<ObjectStores>().For(address).FindAsync(address, TestContext.Current.CancellationToken));

        Assert.Contains("Outbound:Allow", closed.Message, StringComparison.Ordinal);
    }

    private static ServiceProvider Build(AzureSettings azure, SecretStoreKind store, DataFolder data) => new ServiceCollection()
        .AddLogging()
        .AddSingleton(TimeProvider.System)
        .AddSingleton(new OutboundGuard([], () => []))
        .AddSingleton<ObjectStores>()
        .AddAzure(azure)
        .AddSecrets(new SecretsSettings { Store = store }, data, new KnownSecrets(TimeProvider.System))
        .BuildServiceProvider();
}
