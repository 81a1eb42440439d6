using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Workflow.Cloud.Local;
using Workflow.Data.MySql;
using Xunit;

namespace Workflow.Testing;

/// <summary>
/// One private MariaDB per test process, started when the first test asks for it, with a certificate of its own for TLS:
/// <c>[assembly: AssemblyFixture(typeof(MariaDbFixture))]</c>. It ends with the process, however that ends.
/// </summary>
public sealed class MariaDbFixture : IAsyncLifetime
{
    private const string User = "tester";
    private const int StartAttempts = 3;
    private static readonly TimeSpan StartDeadline = TimeSpan.FromSeconds(60);

    // The server ends when the input of this shell does, so it cannot outlive the test process.
    private const string EndWithInput = """ "$@" </dev/null >>"$0" 2>&1 & cat >/dev/null; kill -9 $!""";

    private readonly SemaphoreSlim _starting = new(1, 1);
    private TempFolder? _folder;
    private Process? _process;
    private MySqlAddress? _server;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <summary>A fresh, empty database and its owner, who may do everything. It goes with the server at the end of the run.</summary>
    public async Task<MariaDbDatabase> CreateDatabaseAsync(CancellationToken cancellation = default)
    {
        var server = await GetServerAsync(cancellation);
        var database = new MariaDbDatabase(server with { Database = $"test_{Guid.NewGuid():N}" });
        await using var connection = await MySqlConnection.OpenAsync(server, cancellation);
        await connection.ExecuteAsync($"create database {database.Address.Database} character set utf8mb4", cancellation);
        return database;
    }

    private async Task<MySqlAddress> GetServerAsync(CancellationToken cancellation)
    {
        await _starting.WaitAsync(cancellation);
        try
        {
            return _server ??= await LocalPart.OrSkipAsync(() => StartAsync(cancellation));
        }
        finally
        {
            _starting.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await EndAsync(_process);
        }

        _folder?.Dispose();
        _starting.Dispose();
    }

    private async Task<MySqlAddress> StartAsync(CancellationToken cancellation)
    {
        var programs = MariaDbPrograms.Find();
        await TempFolder.SweepAsync(cancellation);
        _folder ??= new();
        var password = RandomNumberGenerator.GetHexString(16);
        await CreateSystemTablesAsync(programs, password, cancellation);
        await WriteCertificateAsync(cancellation);

        for (var attempt = 1; attempt <= StartAttempts; attempt++)
        {
            var port = FreePort.Next();
            _process = await TryStartAsync(programs, port, cancellation);
            if (_process is not null)
            {
                return new("127.0.0.1", port, User, password, "mysql");
            }
        }

        throw new InvalidOperationException($"MariaDB did not start: {await ReadLogAsync()}");
    }

    private string DataFolder => _folder!.File("mariadb");

    private string LogFile => _folder!.File("mariadb.log");

    private string CertificateFile => _folder!.File("certificate.pem");

    private string KeyFile => _folder!.File("key.pem");

    /// <summary>What mariadb-install-db does, without the programs it asks for.</summary>
    private async Task CreateSystemTablesAsync(MariaDbPrograms programs, string password, CancellationToken cancellation)
    {
        Directory.CreateDirectory(DataFolder);
        var script = string.Join('\n', [
            "create database mysql;",
            "use mysql;",
            "set @auth_root_socket = null;",
            await programs.ReadScriptAsync("mysql_system_tables.sql", cancellation),
            await programs.ReadScriptAsync("mysql_system_tables_data.sql", cancellation),
            "flush privileges;",
            $"create user {User}@'%' identified by '{password}';",
            $"grant all on *.* to {User}@'%' with grant option;",
            ""]);
        var bootstrap = await Command.RunAsync(["env", $"LD_LIBRARY_PATH={programs.Libraries}", programs.Server, .. Options(programs), "--bootstrap"], script, cancellation);
        if (!bootstrap.Succeeded)
        {
            throw new InvalidOperationException($"MariaDB could not create its system tables in {DataFolder}: {bootstrap.Output}");
        }
    }

    private async Task WriteCertificateAsync(CancellationToken cancellation)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=workflow-tests", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        await File.WriteAllTextAsync(CertificateFile, certificate.ExportCertificatePem(), cancellation);
        await File.WriteAllTextAsync(KeyFile, key.ExportPkcs8PrivateKeyPem(), cancellation);
    }

    /// <returns>Null where the port was taken meanwhile, or something else is wrong; the log says.</returns>
    private async Task<Process?> TryStartAsync(MariaDbPrograms programs, int port, CancellationToken cancellation)
    {
        File.Delete(LogFile);
        var start = new ProcessStartInfo("sh", [
            "-c", EndWithInput, LogFile, programs.Server, .. Options(programs),
            "--bind-address=127.0.0.1", $"--port={port}", $"--socket={_folder!.File("mariadb.sock")}", "--skip-name-resolve", $"--log-error={LogFile}",
            $"--ssl-cert={CertificateFile}", $"--ssl-key={KeyFile}", "--max-allowed-packet=64M"])
        {
            WorkingDirectory = DataFolder,
            RedirectStandardInput = true,
        };
        start.Environment["LD_LIBRARY_PATH"] = programs.Libraries;
        var process = Process.Start(start)!;
        var said = await Eventually.GetAsync(ReadLogAsync, log => log.Contains("ready for connections", StringComparison.Ordinal) || log.Contains("[ERROR] Aborting", StringComparison.Ordinal), StartDeadline, cancellation);
        if (said.Contains("ready for connections", StringComparison.Ordinal))
        {
            return process;
        }

        await EndAsync(process);
        return null;
    }

    private static async Task EndAsync(Process process)
    {
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        process.Dispose();
    }

    private async Task<string> ReadLogAsync() => File.Exists(LogFile) ? await File.ReadAllTextAsync(LogFile) : "";

    /// <summary>Small, and without waiting for the disk: nothing here outlives the test process.</summary>
    private string[] Options(MariaDbPrograms programs) =>
    [
        "--no-defaults", $"--basedir={programs.Folder}", $"--lc-messages-dir={programs.Share}", $"--character-sets-dir={Path.Combine(programs.Share, "charsets")}",
        $"--datadir={DataFolder}", $"--user={Environment.UserName}", "--skip-log-bin", "--innodb-log-file-size=16M", "--innodb-buffer-pool-size=64M",
        "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0",
    ];
}
