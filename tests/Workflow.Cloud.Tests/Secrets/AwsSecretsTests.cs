using System.Text.Json;
using Workflow.Cloud.Local;
using Workflow.Cloud.Secrets;
using Workflow.Cloud.Tests.Aws;
using Workflow.Testing;

namespace Workflow.Cloud.Tests.Secrets;

/// <summary>Secrets of AWS Secrets Manager, through the cache, from the stand-in.</summary>
public sealed class AwsSecretsTests : IAsyncLifetime
{
    private static readonly LocalAwsFault Refusal = new(100, "secretsmanager", Code: "AccessDeniedException");
    private static readonly SecretLifetimes Lifetimes = SecretLifetimes.Usual;

    private readonly TempFolder _data = new();
    private readonly FakeTimeProvider _time = new();
    private readonly LogLines _log = new();
    private readonly KnownSecrets _known;
    private AwsStandIn _aws = null!;
    private Cloud.Secrets.Secrets _secrets = null!;

    public AwsSecretsTests() => _known = new(_time);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _aws = await AwsStandIn.StartAsync(_data);
        _secrets = new(new(new(_data.File("secrets")), _aws.SecretStore), Lifetimes, _known, _time, _log.For<Cloud.Secrets.Secrets>());
    }

    public async ValueTask DisposeAsync()
    {
        await _aws.DisposeAsync();
        _log.Dispose();
        _data.Dispose();
    }

    [Fact]
    public async Task A_secret_is_read_once_however_many_ask_and_is_known_from_then_on()
    {
        await RotateAsync("orders", "first-password");

        var all = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => _secrets.GetAsync("orders", Cancellation)));
        await _secrets.GetAsync("orders", Cancellation);

        Assert.All(all, secret => Assert.Equal("first-password", secret["password"]));
        Assert.Equal(1, await ReadsAsync("orders"));
        Assert.Equal("***", _known.Hide("first-password"));
    }

    [Fact]
    public async Task A_rotation_is_noticed_when_the_time_is_over_and_not_before()
    {
        await RotateAsync("orders", "first-password");
        await _secrets.GetAsync("orders", Cancellation);
        await RotateAsync("orders", "second-password");

        _time.Advance(Lifetimes.CacheFor - TimeSpan.FromSeconds(1));
        Assert.Equal("first-password", (await _secrets.GetAsync("orders", Cancellation))["password"]);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("second-password", (await _secrets.GetAsync("orders", Cancellation))["password"]);

        Assert.Contains(_log.All, line => line.Contains("The secret orders has changed", StringComparison.Ordinal));
        Assert.Equal(2, await ReadsAsync("orders"));
    }

    [Fact]
    public async Task While_the_store_cannot_be_read_the_old_one_serves_on_for_a_while_and_says_so()
    {
        await RotateAsync("orders", "first-password");
        await _secrets.GetAsync("orders", Cancellation);
        await _aws.FailAsync(Refusal);
        _time.Advance(Lifetimes.CacheFor);

        for (var ask = 0; ask < 3; ask++)
        {
            Assert.Equal("first-password", (await _secrets.GetAsync("orders", Cancellation))["password"]);
        }

        // It does not ask again at once.
        Assert.Single(_log.All, line => line.Contains("The secret orders could not be read again", StringComparison.Ordinal));
        _time.Advance(Lifetimes.ServeStaleFor);
        var refused = await Assert.ThrowsAsync<SecretException>(() => _secrets.GetAsync("orders", Cancellation));
        Assert.Contains("AccessDeniedException", refused.Message, StringComparison.Ordinal);

        await _aws.FailAsync(new(0));
        Assert.Equal("first-password", (await _secrets.GetAsync("orders", Cancellation))["password"]);
    }

    [Fact]
    public async Task What_is_refused_for_its_credentials_is_done_again_with_the_secret_as_it_is_now()
    {
        await RotateAsync("orders", "first-password");
        await _secrets.GetAsync("orders", Cancellation);
        await RotateAsync("orders", "second-password");
        var used = new List<string>();

        var result = await UseAsync(used, "second-password");

        Assert.Equal("opened", result);
        Assert.Equal(["first-password", "second-password"], used);
        Assert.Equal("second-password", (await _secrets.GetAsync("orders", Cancellation))["password"]);
        Assert.Equal(2, await ReadsAsync("orders"));
    }

    [Fact]
    public async Task What_is_refused_long_after_its_secret_was_read_is_done_again_too()
    {
        await RotateAsync("orders", "first-password");
        var used = new List<string>();

        await _secrets.UseAsync(
            "orders",
            async secret =>
            {
                used.Add(secret["password"]);
                if (used.Count > 1)
                {
                    return true;
                }

                // Somebody else finds it unchanged, and then it is rotated.
                _time.Advance(Lifetimes.CacheFor);
                await _secrets.GetAsync("orders", Cancellation);
                await RotateAsync("orders", "second-password");
                throw new UnauthorizedAccessException("wrong password");
            },
            failed => failed is UnauthorizedAccessException,
            Cancellation);

        Assert.Equal(["first-password", "second-password"], used);
    }

    [Fact]
    public async Task What_stays_refused_is_not_done_again_and_tells_the_first_reason()
    {
        await RotateAsync("orders", "first-password");
        var used = new List<string>();

        // The same secret, then one that cannot be read: neither is worth another attempt.
        await Assert.ThrowsAsync<UnauthorizedAccessException>(() => UseAsync(used, "another"));
        await _aws.FailAsync(Refusal);
        await Assert.ThrowsAsync<UnauthorizedAccessException>(() => UseAsync(used, "another"));

        Assert.Equal(["first-password", "first-password"], used);
    }

    [Fact]
    public async Task What_fails_for_another_reason_is_not_done_again()
    {
        await RotateAsync("orders", "first-password");
        await RotateAsync("orders", "second-password");
        var times = 0;

        await Assert.ThrowsAsync<TimeoutException>(() => _secrets.UseAsync<int>("orders", _ => throw new TimeoutException($"{++times}"), failed => failed is UnauthorizedAccessException, Cancellation));

        Assert.Equal(1, times);
    }

    [Fact]
    public async Task Names_that_begin_with_local_come_from_this_machine_each_time()
    {
        var local = new LocalSecretStore(_data.File("secrets"));
        foreach (var password in new[] { "first-password", "second-password" })
        {
            await local.PutAsync("local/orders", new Dictionary<string, string> { ["password"] = password }, Cancellation);
            Assert.Equal(password, (await _secrets.GetAsync("local/orders", Cancellation))["password"]);
            Assert.Equal("***", _known.Hide(password));
        }

        Assert.Empty(await _aws.SecretReadsAsync());
    }

    [Fact]
    public async Task A_secret_is_found_by_ARN_stage_and_version_and_need_not_be_an_object()
    {
        var first = await RotateAsync("orders", "first-password");
        await RotateAsync("orders", "second-password");
        await _aws.RotateAsync(new("plain", "just text"));
        await _aws.RotateAsync(new("number", "12"));
        await _aws.RotateAsync(new("bytes", null, Convert.ToBase64String("""{"password":"third-password"}"""u8)));
        await _aws.RotateAsync(new("key", null, Convert.ToBase64String([0xff, 0xfe, 0x00])));

        Assert.Equal("second-password", await PasswordAsync(LocalSecretsManager.ArnOf("orders")));
        Assert.Equal("first-password", await PasswordAsync("orders?stage=AWSPREVIOUS"));
        Assert.Equal("first-password", await PasswordAsync($"orders?version={first}"));
        Assert.Equal("third-password", await PasswordAsync("bytes"));
        Assert.Equal("just text", (await _aws.SecretStore.GetAsync("plain", Cancellation))[Secret.ValueField]);
        Assert.Equal("12", (await _aws.SecretStore.GetAsync("number", Cancellation))[Secret.ValueField]);
        Assert.Equal("//4A", (await _aws.SecretStore.GetAsync("key", Cancellation))[Secret.ValueField]);
    }

    [Theory]
    [InlineData("nobody", "ResourceNotFoundException")]
    [InlineData("orders?stage=AWSPENDING", "AWSPENDING")]
    [InlineData("orders?colour=red", "stage=AWSPREVIOUS")]
    public async Task A_secret_that_is_not_there_is_named_with_the_next_move(string name, string says)
    {
        await RotateAsync("orders", "first-password");

        var missing = await Assert.ThrowsAsync<SecretException>(() => _secrets.GetAsync(name, Cancellation));

        Assert.Contains($"'{name}'", missing.Message, StringComparison.Ordinal);
        Assert.Contains(says, missing.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Throttling_is_waited_out()
    {
        await RotateAsync("orders", "first-password");
        await _aws.FailAsync(new(1, "secretsmanager", Code: "ThrottlingException"));

        Assert.Equal("first-password", await PasswordAsync("orders"));
    }

    [Fact]
    public async Task A_store_that_does_not_answer_is_not_a_secret_that_is_not_there()
    {
        await _aws.FailAsync(new(100, "secretsmanager", Code: "InternalServiceError", Status: 500));

        await Assert.ThrowsAsync<SecretUnavailableException>(() => _secrets.GetAsync("orders", Cancellation));
    }

    private Task<string> UseAsync(List<string> used, string right) => _secrets.UseAsync(
        "orders",
        secret =>
        {
            used.Add(secret["password"]);
            return secret["password"] == right ? Task.FromResult("opened") : throw new UnauthorizedAccessException("wrong password");
        },
        failed => failed is UnauthorizedAccessException,
        Cancellation);

    private Task<string> RotateAsync(string name, string password) => _aws.RotateAsync(new(name, JsonSerializer.Serialize(new { username = "reader", password })));

    private async Task<string> PasswordAsync(string name) => (await _aws.SecretStore.GetAsync(name, Cancellation))["password"];

    private async Task<int> ReadsAsync(string name) => (await _aws.SecretReadsAsync())[name];
}
