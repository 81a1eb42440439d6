using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Workflow.Cloud.Local;

/// <summary>
/// The embedded default: a private PostgreSQL server in a data folder, on loopback, with a password of its own.
/// Every process that uses the folder shares the one server; the last one to leave stops it.
/// A server whose users were all killed stays up, and the next start adopts it.
/// </summary>
public sealed class LocalPostgres : IAsyncDisposable
{
    private const string User = "workflow";
    private const string Database = "workflow";
    private static readonly TimeSpan ReadyDeadline = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan LeaveDeadline = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(20);

    private readonly string _folder;
    private readonly PostgresCluster _cluster;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private FileLock? _membership;

    private LocalPostgres(string folder, TimeProvider time, ILogger logger)
    {
        _folder = folder;
        _time = time;
        _logger = logger;
        _cluster = new(folder, time, logger);
    }

    /// <summary>For Npgsql: the database <c>workflow</c>, as its owner.</summary>
    public string ConnectionString { get; private set; } = "";

    /// <summary>The server's process id, or null while it is down.</summary>
    public int? ProcessId => _cluster.Find()?.ProcessId;

    /// <summary>
    /// Creates, starts or joins the server of <paramref name="dataFolder"/> (its subfolder <c>postgres</c>) and waits until it accepts connections.
    /// </summary>
    /// <exception cref="LocalPartMissingException">The server's programs are not installed.</exception>
    /// <exception cref="InvalidOperationException">It cannot run here; the message says why and what to do.</exception>
    public static async Task<LocalPostgres> StartAsync(string dataFolder, TimeProvider time, ILogger logger, CancellationToken cancellation)
    {
        var postgres = new LocalPostgres(Path.Combine(Path.GetFullPath(dataFolder), "postgres"), time, logger);
        try
        {
            Directory.CreateDirectory(postgres._folder);
            using (await postgres.EnterAsync(cancellation))
            {
                postgres._membership = FileLock.TryTakeShared(postgres.UsersFile);
                await postgres.EnsureRunningAsync(cancellation);
            }
        }
        catch (UnauthorizedAccessException denied)
        {
            await postgres.DisposeAsync();
            throw new InvalidOperationException($"The data folder {dataFolder} belongs to another user ({denied.Message}): run as that user, or pass another --data DIR.", denied);
        }
        catch
        {
            await postgres.DisposeAsync();
            throw;
        }

        return postgres;
    }

    /// <summary>Stops the server for everybody who uses it, as an outage would; <see cref="RestartAsync"/> brings it back.</summary>
    public async Task StopAsync(CancellationToken cancellation)
    {
        using (await EnterAsync(cancellation))
        {
            await _cluster.StopAsync(cancellation);
        }
    }

    /// <summary>Stops the server if it runs, and starts it on the same port.</summary>
    public async Task RestartAsync(CancellationToken cancellation)
    {
        using (await EnterAsync(cancellation))
        {
            await _cluster.StopAsync(cancellation);
            await EnsureRunningAsync(cancellation);
        }
    }

    /// <summary>Leaves; the last one to leave stops the server.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _membership, null) is not { } membership)
        {
            return;
        }

        using var deadline = new CancellationTokenSource(LeaveDeadline, _time);
        try
        {
            using (await EnterAsync(deadline.Token))
            {
                membership.Dispose();
                using var last = FileLock.TryTake(UsersFile);
                if (last is not null)
                {
                    await _cluster.StopAsync(deadline.Token);
                }
            }
        }
        catch (Exception left) when (left is OperationCanceledException or TimeoutException)
        {
            _logger.LogWarning(left, "Left the private PostgreSQL in {Folder} running; the next start adopts it.", _folder);
        }
        finally
        {
            membership.Dispose();
        }
    }

    /// <summary>Held while the server is started or stopped, by one process at a time.</summary>
    private Task<FileLock> EnterAsync(CancellationToken cancellation) =>
        FileLock.TakeAsync(Path.Combine(_folder, "lock"), _time, cancellation);

    /// <summary>Everybody who uses the server holds a shared lock on it.</summary>
    private string UsersFile => Path.Combine(_folder, "users");

    private async Task EnsureRunningAsync(CancellationToken cancellation)
    {
        var settings = await Settings.LoadAsync(_folder, cancellation);
        if (settings is null && _cluster.Exists)
        {
            throw new InvalidOperationException(
                $"{Settings.PathIn(_folder)} is gone, and with it the password of the cluster beside it: restore it, or remove {_folder} to begin anew.");
        }

        if (settings is null)
        {
            settings = Settings.Choose();
            await settings.SaveAsync(_folder, cancellation);
        }

        for (var started = false; ;)
        {
            var server = _cluster.Find();
            if (server is null)
            {
                server = await StartServerAsync(settings, cancellation);
                started = true;
            }

            if (server.Port != settings.Port)
            {
                settings = settings with { Port = server.Port };
                await settings.SaveAsync(_folder, cancellation);
            }

            if (await TryEnsureDatabaseAsync(settings, cancellation))
            {
                ConnectionString = settings.ConnectionString(Database);
                return;
            }

            // One that was found may have been on its way out; one just started has no reason to leave.
            if (started)
            {
                throw new InvalidOperationException($"PostgreSQL stopped right after its start: see {Path.Combine(_folder, "server.log")}.");
            }
        }
    }

    private async Task<PostgresServer> StartServerAsync(Settings settings, CancellationToken cancellation)
    {
        var binaries = PostgresBinaries.Find();
        if (!_cluster.Exists)
        {
            await _cluster.InitializeAsync(binaries, User, settings.Password, cancellation);
        }

        return await _cluster.StartAsync(binaries, settings.Port, cancellation);
    }

    /// <summary>Waits where the server is still recovering.</summary>
    /// <returns>False where it has gone.</returns>
    private async Task<bool> TryEnsureDatabaseAsync(Settings settings, CancellationToken cancellation)
    {
        var since = _time.GetTimestamp();
        while (true)
        {
            try
            {
                await EnsureDatabaseAsync(settings, cancellation);
                return true;
            }
            catch (NpgsqlException notNow) when (notNow.IsTransient && _time.GetElapsedTime(since) < ReadyDeadline)
            {
                if (_cluster.Find() is null)
                {
                    return false;
                }

                await Task.Delay(LookEvery, _time, cancellation);
            }
        }
    }

    private static async Task EnsureDatabaseAsync(Settings settings, CancellationToken cancellation)
    {
        await using var connection = new NpgsqlConnection(settings.ConnectionString("postgres") + ";Pooling=false");
        await connection.OpenAsync(cancellation);
        await using var find = new NpgsqlCommand("SELECT FROM pg_database WHERE datname = 'workflow'", connection);
        if (!await ExistsAsync(find, cancellation))
        {
            await using var create = new NpgsqlCommand("CREATE DATABASE workflow", connection);
            await create.ExecuteNonQueryAsync(cancellation);
        }
    }

    private static async Task<bool> ExistsAsync(NpgsqlCommand find, CancellationToken cancellation)
    {
        await using var rows = await find.ExecuteReaderAsync(cancellation);
        return await rows.ReadAsync(cancellation);
    }

    /// <summary>What must be the same at the next start; readable by its owner only.</summary>
    private sealed record Settings(int Port, string Password)
    {
        public static string PathIn(string folder) => Path.Combine(folder, "settings.json");

        public static Settings Choose() => new(PostgresCluster.ChoosePort(), RandomNumberGenerator.GetHexString(32, lowercase: true));

        public static async Task<Settings?> LoadAsync(string folder, CancellationToken cancellation)
        {
            var path = PathIn(folder);
            if (!File.Exists(path))
            {
                return null;
            }

            try
            {
                await using var file = File.OpenRead(path);
                return await JsonSerializer.DeserializeAsync<Settings>(file, JsonSerializerOptions.Web, cancellation);
            }
            catch (JsonException damaged)
            {
                throw new InvalidOperationException($"{path} is damaged: restore it, or remove {folder} to begin anew.", damaged);
            }
        }

        public async Task SaveAsync(string folder, CancellationToken cancellation)
        {
            var path = PathIn(folder);
            var unfinished = path + ".new";
            var options = new FileStreamOptions
            {
                Mode = FileMode.Create,
                Access = FileAccess.Write,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            };
            await using (var file = new FileStream(unfinished, options))
            {
                await JsonSerializer.SerializeAsync(file, this, JsonSerializerOptions.Web, cancellation);
                file.Flush(flushToDisk: true);
            }

            File.Move(unfinished, path, overwrite: true);
        }

        public string ConnectionString(string database) =>
            new NpgsqlConnectionStringBuilder { Host = "127.0.0.1", Port = Port, Username = User, Password = Password, Database = database }.ConnectionString;

        public override string ToString() => $"port {Port}";
    }
}
