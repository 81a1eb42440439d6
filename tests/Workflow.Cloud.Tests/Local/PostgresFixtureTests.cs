using Npgsql;
using Workflow.Testing;

namespace Workflow.Cloud.Tests.Local;

public sealed class PostgresFixtureTests(PostgresFixture postgres)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_test_gets_an_empty_database_of_its_own()
    {
        await using var one = NpgsqlDataSource.Create(await postgres.CreateDatabaseAsync(Cancellation));
        await using var other = NpgsqlDataSource.Create(await postgres.CreateDatabaseAsync(Cancellation));

        await using var create = one.CreateCommand("CREATE TABLE mine (n int)");
        await create.ExecuteNonQueryAsync(Cancellation);
        await using var count = other.CreateCommand("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'");
        Assert.Equal(0L, await count.ExecuteScalarAsync(Cancellation));
    }

    [Fact]
    public async Task What_killed_test_processes_left_behind_is_swept_away_with_its_server()
    {
        using var temp = new TempFolder();
        var left = Path.Combine(Path.GetDirectoryName(temp.Path)!, $"left-{Guid.NewGuid():N}");
        string connectionString;
        using (new FileStream(left + ".lock", FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None))
        {
            using var user = PostgresUser.Start(left);
            connectionString = await user.ConnectionStringAsync(Cancellation);
            await user.KillAsync(Cancellation);
        }

        // Sweeps when it starts its server; another test process that just starts may have come first.
        await using var next = new PostgresFixture();
        await next.CreateDatabaseAsync(Cancellation);

        await Eventually.TrueAsync(() => !Directory.Exists(left) && !File.Exists(left + ".lock"), cancellation: Cancellation);
        Assert.True(Directory.Exists(temp.Path));
        await using var gone = new NpgsqlConnection(connectionString);
        await Assert.ThrowsAsync<NpgsqlException>(() => gone.OpenAsync(Cancellation));
    }
}
