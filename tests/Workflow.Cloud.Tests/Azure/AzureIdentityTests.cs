using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Identity;
using Workflow.Cloud.Azure;
using Workflow.Cloud.Objects;
using Workflow.Cloud.Objects.Blob;
using Workflow.Testing;

namespace Workflow.Cloud.Tests.Azure;

/// <summary>Tokens of a managed identity, from each place where one gets them.</summary>
public sealed class AzureIdentityTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private const string Storage = "https://storage.azure.com/.default";

    private static readonly string[] Variables =
        ["IDENTITY_ENDPOINT", "IDENTITY_HEADER", "AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_FEDERATED_TOKEN_FILE"];

    private readonly TempFolder _folder = new();
    private IdentityStandIn _identity = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _identity = await IdentityStandIn.StartAsync(Cancellation);

    public async ValueTask DisposeAsync()
    {
        Array.ForEach(Variables, variable => Environment.SetEnvironmentVariable(variable, null));
        await _identity.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_function_app_gets_its_tokens_by_its_own_header_and_keeps_them()
    {
        SetAppService(_identity.AppServiceEndpoint, IdentityStandIn.AppServiceHeader);
        var credential = Create(new(AzureIdentityKind.ManagedIdentity));
        var scope = $"api://{Guid.NewGuid()}/.default";

        var first = await TokenAsync(credential, scope);
        var second = await TokenAsync(credential, scope);

        Assert.Equal(first, second);
        Assert.Contains("resource=" + Uri.EscapeDataString(scope[..^"/.default".Length]), Uri.EscapeDataString(Uri.UnescapeDataString(Assert.Single(_identity.Server.Requests))).Replace("%3D", "=", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_user_assigned_identity_is_asked_for_by_its_client_id()
    {
        SetAppService(_identity.AppServiceEndpoint, IdentityStandIn.AppServiceHeader);

        Assert.NotEmpty(await TokenAsync(Create(new(AzureIdentityKind.ManagedIdentity, IdentityStandIn.ClientId)), Storage));
        Assert.Contains($"client_id={IdentityStandIn.ClientId}", Assert.Single(_identity.Server.Requests), StringComparison.Ordinal);
        await Assert.ThrowsAnyAsync<AuthenticationFailedException>(() => TokenAsync(Create(new(AzureIdentityKind.ManagedIdentity, Guid.NewGuid().ToString())), Storage));
    }

    [Fact]
    public async Task A_wrong_header_is_no_identity()
    {
        SetAppService(_identity.AppServiceEndpoint, "a guess");

        await Assert.ThrowsAnyAsync<AuthenticationFailedException>(() => TokenAsync(Create(new(AzureIdentityKind.ManagedIdentity)), $"api://{Guid.NewGuid()}/.default"));
    }

    [Fact]
    public async Task A_machine_gets_its_tokens_from_the_metadata_service()
    {
        Assert.NotEmpty(await TokenAsync(Create(new(AzureIdentityKind.ManagedIdentity)), $"api://{Guid.NewGuid()}/.default"));
        Assert.Contains(_identity.Server.Requests, request => request.StartsWith("GET /metadata/identity/oauth2/token?", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_first_that_answers_may_be_the_managed_identity()
    {
        SetAppService(_identity.AppServiceEndpoint, IdentityStandIn.AppServiceHeader);

        Assert.NotEmpty(await TokenAsync(Create(new()), $"api://{Guid.NewGuid()}/.default"));
    }

    [Fact]
    public async Task A_token_is_replaced_before_it_ends()
    {
        SetAppService(_identity.AppServiceEndpoint, IdentityStandIn.AppServiceHeader);
        var credential = Create(new(AzureIdentityKind.ManagedIdentity));
        var scope = $"api://{Guid.NewGuid()}/.default";
        _identity.Lifetime = TimeSpan.FromMinutes(4);
        var first = await TokenAsync(credential, scope);

        Assert.NotEqual(first, await TokenAsync(credential, scope));
    }

    [Fact]
    public async Task An_endpoint_that_fails_is_asked_again()
    {
        SetAppService(_identity.AppServiceEndpoint, IdentityStandIn.AppServiceHeader);
        _identity.Server.Fail(500, times: 2);

        Assert.NotEmpty(await TokenAsync(Create(new(AzureIdentityKind.ManagedIdentity)), $"api://{Guid.NewGuid()}/.default"));
    }

    [Fact]
    public async Task A_workload_proves_itself_by_its_service_accounts_token()
    {
        await File.WriteAllTextAsync(_folder.File("token"), IdentityStandIn.ServiceAccountToken, Cancellation);
        Environment.SetEnvironmentVariable("AZURE_FEDERATED_TOKEN_FILE", _folder.File("token"));
        Environment.SetEnvironmentVariable("AZURE_TENANT_ID", IdentityStandIn.Tenant);

        Assert.NotEmpty(await TokenAsync(Create(new(AzureIdentityKind.WorkloadIdentity, IdentityStandIn.ClientId)), Storage));
        await File.WriteAllTextAsync(_folder.File("token"), "another's", Cancellation);
        await Assert.ThrowsAnyAsync<AuthenticationFailedException>(() => TokenAsync(Create(new(AzureIdentityKind.WorkloadIdentity, IdentityStandIn.ClientId)), Storage));
    }

    [Fact]
    public async Task An_application_proves_itself_by_the_secret_in_its_environment()
    {
        Environment.SetEnvironmentVariable("AZURE_TENANT_ID", IdentityStandIn.Tenant);
        Environment.SetEnvironmentVariable("AZURE_CLIENT_ID", IdentityStandIn.ClientId);
        Environment.SetEnvironmentVariable("AZURE_CLIENT_SECRET", IdentityStandIn.ClientSecret);

        Assert.NotEmpty(await TokenAsync(Create(new(AzureIdentityKind.Environment)), Storage));
    }

    [Fact]
    public async Task A_storage_account_takes_the_identitys_tokens_and_no_others()
    {
        SetAppService(_identity.AppServiceEndpoint, IdentityStandIn.AppServiceHeader);
        var address = new ObjectAddress("az", await azurite.CreateContainerAsync(Cancellation), "by/token");
        var store = await CreateStoreAsync(Create(new(AzureIdentityKind.ManagedIdentity)));

        await store.WriteAsync(address, new MemoryStream([1, 2, 3]), WriteCondition.Always, Cancellation);

        Assert.Equal(3, (await store.FindAsync(address, Cancellation))!.Size);
        var stranger = await CreateStoreAsync(new IssuedTokens());
        var refused = await Assert.ThrowsAsync<ObjectStoreException>(() => stranger.OpenReadAsync(address, Cancellation));
        Assert.Contains("Storage Blob Data Contributor", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_store_replaces_its_token_before_that_ends()
    {
        SetAppService(_identity.AppServiceEndpoint, IdentityStandIn.AppServiceHeader);
        _identity.Lifetime = TimeSpan.FromMinutes(2);
        var address = new ObjectAddress("az", await azurite.CreateContainerAsync(Cancellation), "by/token");
        var store = await CreateStoreAsync(Create(new(AzureIdentityKind.ManagedIdentity, IdentityStandIn.ClientIdOfItsOwn)));

        // The account refuses what is no good token.
        await Eventually.TrueAsync(async () => await store.FindAsync(address, Cancellation) is null && _identity.Server.Requests.Count > 1, cancellation: Cancellation);
    }

    [Fact]
    public async Task A_store_without_an_identity_says_what_to_check()
    {
        SetAppService(_identity.AppServiceEndpoint, "a guess");
        var store = await CreateStoreAsync(Create(new(AzureIdentityKind.ManagedIdentity, Guid.NewGuid().ToString())));

        var failed = await Assert.ThrowsAsync<ObjectStoreException>(() => store.FindAsync(new("az", "container", "key"), Cancellation));
        Assert.Contains("Azure:Identity", failed.Message, StringComparison.Ordinal);
    }

    private async Task<BlobObjectStore> CreateStoreAsync(TokenCredential credential) => new(
        new(await azurite.GetSecureEndpointAsync(Cancellation), BlobObjectStore.Tokens(credential), new BlobClientOptions { Transport = new HttpClientTransport(azurite.Certificate.CreateHandler()) }),
        TimeProvider.System);

    private TokenCredential Create(AzureIdentityOptions identity) => AzureIdentity.Create(identity, _identity.Configure);

    private static async Task<string> TokenAsync(TokenCredential credential, string scope) => (await credential.GetTokenAsync(new([scope]), Cancellation)).Token;

    // Nothing else in this process asks for an identity, so these variables are this class's alone.
    private static void SetAppService(string? endpoint, string? header)
    {
        Environment.SetEnvironmentVariable("IDENTITY_ENDPOINT", endpoint);
        Environment.SetEnvironmentVariable("IDENTITY_HEADER", header);
    }
}
