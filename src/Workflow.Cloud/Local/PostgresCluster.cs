using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;

namespace Workflow.Cloud.Local;

/// <summary>A running server.</summary>
internal sealed record PostgresServer(int ProcessId, int Port);

/// <summary>
/// One database cluster on disk and the server on it. The caller sees to it that nobody else starts or stops it meanwhile.
/// </summary>
internal sealed partial class PostgresCluster(string folder, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan StartDeadline = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopDeadline = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(20);

    private readonly string _data = Path.Combine(folder, "cluster");
    private readonly string _log = Path.Combine(folder, "server.log");

    private string PidFile => Path.Combine(_data, "postmaster.pid");

    public bool Exists => Directory.Exists(_data);

    /// <summary>The server that runs on the cluster, or null.</summary>
    public PostgresServer? Find()
    {
        if (ReadLines(PidFile) is not [var first, _, _, var fourth, ..] lines || !int.TryParse(first, out var pid) || !int.TryParse(fourth, out var port))
        {
            return null;
        }

        // A process id outlives its process: after a crash of the machine it may be anybody's.
        // A server's working folder is its cluster, so the file seen from there must be this one
        // (process, folder, start; the lines after them change while it starts).
        var alive = OperatingSystem.IsLinux()
            ? ReadLines($"/proc/{pid}/cwd/postmaster.pid") is { } seen && seen.Take(3).SequenceEqual(lines.Take(3))
            : Signal(pid, 0) == 0;
        return alive ? new(pid, port) : null;
    }

    /// <summary>Creates the cluster, whole or not at all.</summary>
    public async Task InitializeAsync(PostgresBinaries binaries, string user, string password, CancellationToken cancellation)
    {
        // A name of its own: the initdb of a killed process may still be writing into the last one's.
        var unfinished = Path.Combine(folder, $"unfinished-{Guid.NewGuid():N}");
        Directory.CreateDirectory(unfinished, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var account = await ServerAccount.ChooseAsync(folder, binaries.Postgres, cancellation);
        await account.TakeOverAsync(unfinished, cancellation);

        // The password comes through a pipe that the account itself opens, so it never lies in a file on the way.
        var initdb = await account.RunAsync(
            [
                "sh", "-c", "cat | exec \"$0\" \"$@\" --pwfile=/dev/stdin", binaries.InitDb,
                "--pgdata", unfinished, "--username", user, "--auth=scram-sha-256", "--encoding=UTF8",
                "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions",
            ],
            password + "\n",
            cancellation);
        if (!initdb.Succeeded)
        {
            throw new InvalidOperationException($"initdb could not create the database cluster in {_data}: {initdb.Output}");
        }

        Directory.Move(unfinished, _data);
        Log.Created(logger, _data);
        RemoveAbandoned();
    }

    /// <summary>Starts the server and waits until it has recovered and accepts connections.</summary>
    /// <returns>The server, on the wished port or, where that is taken, on another.</returns>
    public async Task<PostgresServer> StartAsync(PostgresBinaries binaries, int wishedPort, CancellationToken cancellation)
    {
        var account = await ServerAccount.ChooseAsync(folder, binaries.Postgres, cancellation);
        await File.AppendAllTextAsync(_log, "", cancellation);
        await account.TakeOverAsync(_data, cancellation);
        await account.TakeOverAsync(_log, cancellation);
        DisownReusedProcessId();

        var since = time.GetTimestamp();
        while (true)
        {
            WriteSettings(IsFree(wishedPort) ? wishedPort : ChoosePort());
            var logged = new FileInfo(_log).Length;

            // pg_ctl puts the server into a session of its own, so Ctrl-C in this terminal leaves it to us.
            var start = await account.RunAsync(
                [binaries.PgCtl, "start", "--pgdata", _data, "--log", _log, "--wait", "--timeout=600", "--silent"], "", cancellation);

            // Also where pg_ctl failed because one that a killed process had begun came first.
            if (Find() is { } server)
            {
                Log.Started(logger, _data, server.Port);
                return server;
            }

            var reason = await ReadLogAsync(logged, cancellation);
            var passing = reason.Contains("could not bind", StringComparison.Ordinal) // the port was taken meanwhile
                || reason.Contains("is still in use", StringComparison.Ordinal); // the last children of a killed server
            if (!passing || time.GetElapsedTime(since) > StartDeadline)
            {
                throw new InvalidOperationException($"PostgreSQL did not start on {_data}: {start.Output} {reason} (all of it in {_log})");
            }

            await Task.Delay(LookEvery, time, cancellation);
        }
    }

    /// <summary>Stops the server after a checkpoint; open transactions are rolled back.</summary>
    public async Task StopAsync(CancellationToken cancellation)
    {
        if (Find() is not { ProcessId: var pid })
        {
            return;
        }

        var since = time.GetTimestamp();
        _ = Signal(pid, FastShutdown);
        while (Find()?.ProcessId == pid)
        {
            if (time.GetElapsedTime(since) > StopDeadline)
            {
                throw new TimeoutException($"PostgreSQL (process {pid}, {_data}) is still writing after {StopDeadline.TotalSeconds} s; it ends by itself. Its log: {_log}");
            }

            await Task.Delay(LookEvery, time, cancellation);
        }

        Log.Stopped(logger, _data);
    }

    /// <summary>
    /// Where the recorded process id now belongs to a stranger, the server would take that for a running server and refuse.
    /// Only the id is replaced, by one that cannot be: the file's other line, the shared memory, must still guard
    /// against the last children of a killed server.
    /// </summary>
    private void DisownReusedProcessId()
    {
        if (ReadLines(PidFile) is [_, .. var rest])
        {
            File.WriteAllLines(PidFile, [int.MaxValue.ToString(CultureInfo.InvariantCulture), .. rest]);
        }
    }

    private void RemoveAbandoned()
    {
        foreach (var abandoned in Directory.GetDirectories(folder, "unfinished-*"))
        {
            try
            {
                Directory.Delete(abandoned, recursive: true);
            }
            catch (IOException stillWritten)
            {
                logger.LogWarning(stillWritten, "The initdb of a killed process is still writing into {Folder}, which can be removed.", abandoned);
            }
        }
    }

    private void WriteSettings(int port)
    {
        using var stream = typeof(PostgresCluster).Assembly.GetManifestResourceStream("Local/postgresql.conf")!;
        using var settings = new StreamReader(stream);
        var path = Path.Combine(_data, "postgresql.conf");
        File.WriteAllText(path, $"{settings.ReadToEnd()}\nport = {port}\n");
        // Root writes it, the server's user reads it; the folder around it is closed to others.
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
    }

    private static string[]? ReadLines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception absent) when (absent is FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private async Task<string> ReadLogAsync(long from, CancellationToken cancellation)
    {
        await using var log = new FileStream(_log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        log.Seek(from, SeekOrigin.Begin);
        using var reader = new StreamReader(log);
        return (await reader.ReadToEndAsync(cancellation)).Trim();
    }

    private static bool IsFree(int port)
    {
        using var listener = new TcpListener(IPAddress.Loopback, port);
        try
        {
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>Below the range from which systems number outgoing connections: one of those must not take it while the server is down.</summary>
    public static int ChoosePort()
    {
        int port;
        do
        {
            port = RandomNumberGenerator.GetInt32(15_000, 32_000);
        }
        while (!IsFree(port));

        return port;
    }

    private const int FastShutdown = 2; // SIGINT

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Signal(int process, int signal);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Created a private PostgreSQL cluster in {Folder}.")]
        public static partial void Created(ILogger logger, string folder);

        [LoggerMessage(2, LogLevel.Information, "Started the private PostgreSQL in {Folder} on 127.0.0.1:{Port}.")]
        public static partial void Started(ILogger logger, string folder, int port);

        [LoggerMessage(3, LogLevel.Information, "Stopped the private PostgreSQL in {Folder}.")]
        public static partial void Stopped(ILogger logger, string folder);
    }
}
