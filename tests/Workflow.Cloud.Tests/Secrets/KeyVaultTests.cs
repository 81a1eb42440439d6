using System.Diagnostics;
using Workflow.Cloud.Secrets;
using Workflow.Cloud.Tests.Azure;
using Workflow.Testing;

namespace Workflow.Cloud.Tests.Secrets;

public sealed class KeyVaultTests : IAsyncLifetime
{
    private KeyVaultStandIn _vault = null!;
    private KeyVaultSecretStore _store = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _vault = await KeyVaultStandIn.StartAsync(Cancellation);
        _store = _vault.CreateStore();
    }

    public ValueTask DisposeAsync() => _vault.DisposeAsync();

    [Fact]
    public async Task A_secret_is_the_fields_of_its_json()
    {
        _vault.Put("orders--database", """{"username": "etl", "password": "made up", "port": 5432}""");

        var secret = await GetAsync("orders/database");

        Assert.Equal(("orders/database", "etl", "made up", "5432"), (secret.Name, secret["username"], secret["password"], secret["port"]));
    }

    [Theory]
    [InlineData("a plain text")]
    [InlineData("123456")]
    [InlineData("""["a", "list"]""")]
    public async Task A_secret_that_is_no_json_object_is_one_field(string value)
    {
        _vault.Put("token", value);

        Assert.Equal(value, (await GetAsync("token"))[Secret.ValueField]);
    }

    [Fact]
    public async Task A_version_can_be_named()
    {
        _vault.Put("token", "old", version: "11111111111111111111111111111111");

        Assert.Equal("old", (await GetAsync("token?version=11111111111111111111111111111111"))[Secret.ValueField]);
        Assert.Contains("no 'token'", (await RefusedAsync("token?version=22222222222222222222222222222222")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("orders--database")]
    [InlineData("orders-/database")]
    [InlineData("orders/-database")]
    [InlineData("orders_database")]
    [InlineData("/orders")]
    [InlineData("orders//database")]
    [InlineData("orders.database")]
    [InlineData("token?stage=AWSCURRENT")]
    public async Task A_name_that_the_vault_could_take_for_another_is_refused(string name)
    {
        Assert.Contains($"'{name}' is no name for a secret", (await RefusedAsync(name)).Message, StringComparison.Ordinal);
        Assert.Empty(_vault.Server.Requests);
    }

    [Fact]
    public async Task A_missing_secret_is_named_as_it_is_called_in_the_vault()
    {
        var missing = await RefusedAsync("orders/database");

        Assert.Contains("'orders/database'", missing.Message, StringComparison.Ordinal);
        Assert.Contains("there is no 'orders--database'", missing.Message, StringComparison.Ordinal);
        Assert.Contains(_vault.Vault.Host, missing.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_disabled_secret_is_an_error_that_says_so()
    {
        _vault.Put("off", "hidden value", enabled: false);

        Assert.Contains("'off' is disabled", (await RefusedAsync("off")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_secret_is_not_used_before_or_after_its_time()
    {
        var clock = new FakeTimeProvider(new(2025, 6, 1, 0, 0, 0, TimeSpan.Zero));
        var store = _vault.CreateStore(clock);
        _vault.Put("june", "hidden value", notBefore: clock.GetUtcNow().AddDays(1), expires: clock.GetUtcNow().AddDays(2));

        Assert.Contains("is not valid before 2025-06-02", (await Assert.ThrowsAsync<SecretException>(() => store.GetAsync("june", Cancellation))).Message, StringComparison.Ordinal);
        clock.Advance(TimeSpan.FromDays(1.5));
        Assert.Equal("hidden value", (await store.GetAsync("june", Cancellation))[Secret.ValueField]);
        clock.Advance(TimeSpan.FromDays(1));
        Assert.Contains("expired at 2025-06-03", (await Assert.ThrowsAsync<SecretException>(() => store.GetAsync("june", Cancellation))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_token_is_for_what_the_challenge_says_and_is_kept()
    {
        _vault.Put("token", "x");

        await GetAsync("token");
        await GetAsync("token");

        Assert.Equal(1, _vault.Tokens.Count);
        Assert.Equal(3, _vault.Server.Requests.Count); // the first one was the challenge
    }

    [Fact]
    public async Task A_token_is_replaced_before_it_ends()
    {
        _vault.Put("token", "x");
        _vault.Tokens.Lifetime = TimeSpan.FromMinutes(2);
        await GetAsync("token");

        _vault.Tokens.Lifetime = TimeSpan.FromHours(1);
        await Eventually.TrueAsync(async () => await GetAsync("token") is not null && _vault.Tokens.Count == 2, cancellation: Cancellation);

        // None of the requests but the first was refused for its token.
        Assert.Equal(1, _vault.Refusals);
    }

    [Fact]
    public async Task Tokens_that_were_revoked_are_not_used_for_ever()
    {
        _vault.Put("token", "x");
        await GetAsync("token");
        _vault.Tokens.RevokeAll();

        Assert.Equal("x", (await _vault.CreateStore().GetAsync("token", Cancellation))[Secret.ValueField]);
    }

    [Fact]
    public async Task A_vault_that_asks_for_tokens_of_somebody_else_gets_none()
    {
        _vault.Resource = "https://elsewhere.example.com";

        await Assert.ThrowsAnyAsync<Exception>(() => GetAsync("token"));
        Assert.Equal(0, _vault.Tokens.Count);
    }

    [Fact]
    public async Task A_refusal_names_the_role_to_check()
    {
        _vault.Put("token", "x");
        await GetAsync("token");
        _vault.Server.Fail(403, body: """{"error": {"code": "Forbidden", "message": "no", "innererror": {"code": "ForbiddenByRbac"}}}""");

        Assert.Contains("Key Vault Secrets User", (await RefusedAsync("token")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_may_pass_is_tried_again()
    {
        _vault.Put("token", "x");
        _vault.Server.Fail(500);
        _vault.Server.Throttle(TimeSpan.FromMilliseconds(200));
        _vault.Server.Cut();
        var waited = Stopwatch.StartNew();

        Assert.Equal("x", (await GetAsync("token"))[Secret.ValueField]);
        Assert.True(waited.Elapsed >= TimeSpan.FromMilliseconds(190), $"It came again after {waited.Elapsed}.");
    }

    [Fact]
    public async Task A_vault_that_says_nothing_is_left_and_asked_again()
    {
        _vault.Put("token", "x");
        var store = _vault.CreateStore(patience: TimeSpan.FromMilliseconds(500));
        _vault.Server.Hang();

        Assert.Equal("x", (await store.GetAsync("token", Cancellation))[Secret.ValueField]);
    }

    [Fact]
    public async Task A_vault_that_stays_away_is_another_kind_of_error_that_a_retry_may_mend()
    {
        _vault.Server.Fail(503, times: 10);

        var away = await Assert.ThrowsAsync<SecretUnavailableException>(() => GetAsync("orders/database"));
        Assert.Contains("'orders/database'", away.Message, StringComparison.Ordinal);
    }

    private Task<Secret> GetAsync(string name) => _store.GetAsync(name, Cancellation);

    private async Task<SecretException> RefusedAsync(string name)
    {
        var refused = await Assert.ThrowsAsync<SecretException>(() => GetAsync(name));
        Assert.DoesNotContain("hidden value", refused.Message, StringComparison.Ordinal);
        return refused;
    }
}
