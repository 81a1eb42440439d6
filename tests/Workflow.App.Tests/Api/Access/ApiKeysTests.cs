using Npgsql;
using Workflow.App.Api;
using Workflow.App.Api.Access;
using Workflow.App.Hosting;
using Workflow.Testing;

namespace Workflow.App.Tests.Api.Access;

/// <summary>Keys as they are kept, with a clock of the test's own.</summary>
public sealed class ApiKeysTests(PostgresFixture postgres)
{
    private static readonly LocalKey NoLocalKey = new(null, IsNew: false);
    private readonly FakeTimeProvider _clock = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_key_ends_at_its_time_and_its_secret_is_kept_nowhere()
    {
        var hub = await postgres.CreateDatabaseAsync(Cancellation);
        await using var tables = new ServiceDatabase(hub, "durable");
        var keys = new ApiKeys(tables, NoLocalKey, _clock);
        var key = await keys.CreateAsync(new("ann", Role.Operator, Expires: _clock.GetUtcNow().AddHours(1)), Cancellation);

        Assert.Equal(Role.Operator, (await keys.RecogniseAsync(key, Cancellation)).Caller?.Role);
        Assert.True(await keys.AnyAsync(Cancellation));
        _clock.Advance(TimeSpan.FromHours(1));
        Assert.Contains("expired", (await keys.RecogniseAsync(key, Cancellation)).Refusal, StringComparison.Ordinal);
        Assert.False(await keys.AnyAsync(Cancellation));
        Assert.DoesNotContain(key.Secret, await DumpAsync(tables), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Its_use_is_written_down_once_a_minute_at_most()
    {
        await using var tables = new ServiceDatabase(await postgres.CreateDatabaseAsync(Cancellation), "durable");
        var keys = new ApiKeys(tables, NoLocalKey, _clock);
        var key = await keys.CreateAsync(new("ann", Role.Viewer), Cancellation);
        var first = _clock.GetUtcNow();

        await keys.RecogniseAsync(key, Cancellation);
        _clock.Advance(TimeSpan.FromSeconds(59));
        await keys.RecogniseAsync(key, Cancellation);
        Assert.Equal(first, Assert.Single(await keys.ListAsync(Cancellation)).LastUsedAt);

        _clock.Advance(TimeSpan.FromSeconds(2));
        await keys.RecogniseAsync(key, Cancellation);
        Assert.Equal(first.AddSeconds(61), Assert.Single(await keys.ListAsync(Cancellation)).LastUsedAt);
    }

    [Fact]
    public async Task The_key_of_the_data_folder_holds_on_any_database_until_it_is_revoked()
    {
        await using var tables = new ServiceDatabase(await postgres.CreateDatabaseAsync(Cancellation), "durable");
        var local = ApiKey.Create();
        var keys = new ApiKeys(tables, new(local, IsNew: true), _clock);

        Assert.Equal(Role.Admin, (await keys.RecogniseAsync(local, Cancellation)).Caller?.Role);
        Assert.Null((await keys.RecogniseAsync(local with { Secret = ApiKey.Create().Secret }, Cancellation)).Caller);

        Assert.True(await keys.RevokeAsync(local.Id, Cancellation));
        Assert.Contains("revoked", (await keys.RecogniseAsync(local, Cancellation)).Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_is_written_where_only_its_owner_reads_and_made_once()
    {
        using var folder = new TempFolder();
        var data = new DataFolder(folder.Path);

        var made = Enumerable.Range(0, 8).AsParallel().WithDegreeOfParallelism(8).Select(_ => LocalKey.Ensure(data)).ToArray();

        Assert.Single(made, key => key.IsNew);
        Assert.Single(made.Select(key => key.Key).Distinct());
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(data.KeyFile));
        Assert.Equal([data.KeyFile], Directory.GetFiles(folder.Path));
        File.SetUnixFileMode(data.KeyFile, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        Assert.Contains("chmod 600", Assert.Throws<UsageException>(() => LocalKey.Find(data)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_reads_as_it_was_written_and_shows_itself_only_when_asked()
    {
        var key = ApiKey.Create();

        Assert.True(ApiKey.TryParse(key.Reveal(), out var read));
        Assert.Equal(key, read);
        Assert.True(read.Matches(key.Hash()));
        Assert.False((key with { Secret = ApiKey.Create().Secret }).Matches(key.Hash()));
        Assert.DoesNotContain(key.Secret, $"{key}", StringComparison.Ordinal);
        Assert.False(ApiKey.TryParse(key.Reveal() + "\n", out _));
    }

    private static async Task<string> DumpAsync(ServiceDatabase tables)
    {
        await using var connection = await tables.OpenAsync(Cancellation);
        await using var command = new NpgsqlCommand("SELECT string_agg(api_keys::text, ' ') FROM api_keys", connection);
        return (string)(await command.ExecuteScalarAsync(Cancellation))!;
    }
}
