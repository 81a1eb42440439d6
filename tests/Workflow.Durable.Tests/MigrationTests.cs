using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Workflow.Durable.Store;
using Workflow.Durable.Tests.Hosting;

namespace Workflow.Durable.Tests;

public sealed class MigrationTests(HubDatabase database) : IClassFixture<HubDatabase>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static async Task PrepareAsync(TestHub hub)
    {
        await using var prepared = new TaskHub(hub.ConnectionString, hub.Name, TimeProvider.System);
        await prepared.PrepareAsync(Cancellation);
    }

    [Fact]
    public async Task Applied_twice_they_change_nothing()
    {
        var hub = database.NewHub();
        await PrepareAsync(hub);
        var applied = await hub.ReadAsync<string>("SELECT name || sha256 || applied_at FROM migrations");

        await PrepareAsync(hub);

        Assert.NotEmpty(applied);
        Assert.Equal(applied, await hub.ReadAsync<string>("SELECT name || sha256 || applied_at FROM migrations"));
    }

    [Fact]
    public async Task Many_hosts_that_start_at_once_share_the_work_of_one()
    {
        var hub = database.NewHub();

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => PrepareAsync(hub), Cancellation)));

        Assert.Equal(2, await hub.ReadOneAsync<long>("SELECT count(*) FROM migrations"));
    }

    [Fact]
    public async Task A_file_that_was_changed_afterwards_is_refused()
    {
        var hub = database.NewHub();
        await PrepareAsync(hub);
        await hub.ExecuteAsync("UPDATE migrations SET sha256 = 'other'");

        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => PrepareAsync(hub));

        Assert.Equal($"Migration 0001_task_hub.sql was changed after task hub '{hub.Name}' applied it. Restore the file and put the change into a new migration.", refused.Message);
    }

    [Fact]
    public async Task A_migration_of_a_later_version_is_refused_and_stops_the_host()
    {
        var hub = database.NewHub();
        await PrepareAsync(hub);
        await hub.ExecuteAsync("INSERT INTO migrations (name, sha256) VALUES ('9999_later.sql', '')");

        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => PrepareAsync(hub));
        Assert.Contains("9999_later.sql", refused.Message, StringComparison.Ordinal);
        Assert.Contains("later one", refused.Message, StringComparison.Ordinal);

        await using var host = new HubHost(hub, _ => { });
        var stopping = host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        await host.StartAsync();
        await Testing.Eventually.TrueAsync(() => stopping.IsCancellationRequested, cancellation: Cancellation);
    }

    [Fact]
    public async Task One_that_fails_leaves_nothing_behind()
    {
        var hub = database.NewHub();
        await hub.ExecuteAsync($"CREATE SCHEMA {hub.Name}");
        await hub.ExecuteAsync("CREATE TABLE messages ()");

        await Assert.ThrowsAsync<Npgsql.PostgresException>(() => PrepareAsync(hub));

        Assert.Equal(["messages"], await hub.ReadAsync<string>("SELECT table_name::text FROM information_schema.tables WHERE table_schema = current_schema()"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("Upper")]
    [InlineData("1st")]
    [InlineData("a\"; DROP SCHEMA public; --")]
    public void A_name_that_is_no_plain_word_is_refused(string name) =>
        Assert.Contains("cannot name a task hub", Assert.Throws<ArgumentException>(() => new TaskHub("Host=nowhere", name, TimeProvider.System)).Message, StringComparison.Ordinal);
}
