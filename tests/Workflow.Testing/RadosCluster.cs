using System.Diagnostics;
using System.Security.Cryptography;
using Workflow.Cloud.Local;

namespace Workflow.Testing;

/// <summary>A whole Ceph in one folder: a monitor, a store in memory, and the S3 gateway. It ends with this process, however that ends.</summary>
internal sealed class RadosCluster : IAsyncDisposable
{
    public const string Id = "0b7e6f4a-6b8e-4c3f-9a51-3f6f0a5d7c11";
    private const string StoreId = "5d0f5a83-27a2-4b93-8b3e-0d7f2c8e6a42";
    private const int StartAttempts = 3;
    private static readonly TimeSpan StartDeadline = TimeSpan.FromSeconds(60);

    // The server ends when the input of this shell does, so it cannot outlive the test process.
    private const string EndWithInput = """ "$@" </dev/null >>"$0" 2>&1 & cat >/dev/null; kill -9 $!""";

    private readonly RadosPrograms _programs;
    private readonly TempFolder _folder = new();
    private readonly List<Process> _servers = [];

    private RadosCluster(RadosPrograms programs, int port)
    {
        _programs = programs;
        Endpoint = new($"http://127.0.0.1:{port}");
    }

    public Uri Endpoint { get; }

    public string AccessKey { get; } = RandomNumberGenerator.GetHexString(20);

    public string SecretKey { get; } = RandomNumberGenerator.GetHexString(40);

    /// <exception cref="LocalPartMissingException">Ceph is not on this machine.</exception>
    public static async Task<RadosCluster> StartAsync(CancellationToken cancellation)
    {
        var programs = RadosPrograms.Find();
        await TempFolder.SweepAsync(cancellation);
        for (var attempt = 1; ; attempt++)
        {
            var cluster = new RadosCluster(programs, FreePort.Next());
            try
            {
                await cluster.StartServersAsync(cancellation);
                return cluster;
            }
            catch (TimeoutException) when (attempt < StartAttempts)
            {
                // A port that was taken meanwhile; the next one has others.
                await cluster.DisposeAsync();
            }
            catch
            {
                await cluster.DisposeAsync();
                throw;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in Enumerable.Reverse(_servers))
        {
            server.StandardInput.Close();
            await server.WaitForExitAsync();
            server.Dispose();
        }

        _folder.Dispose();
    }

    private string Settings => _folder.File("ceph.conf");

    private async Task StartServersAsync(CancellationToken cancellation)
    {
        var monitorPort = FreePort.Next();
        foreach (var data in new[] { "mon", "osd" })
        {
            Directory.CreateDirectory(_folder.File(data));
        }

        await File.WriteAllTextAsync(Settings, _programs.Configuration(_folder.Path, monitorPort, Endpoint.Port), cancellation);
        await File.WriteAllTextAsync(_folder.File("keyring"), "", cancellation);

        // Maps made by hand save the commands that would add the store to a running monitor, and the manager that answers them.
        await RunAsync(["monmaptool", "--create", "--fsid", Id, "--addv", "a", $"[v2:127.0.0.1:{monitorPort}]", _folder.File("monmap")], cancellation);
        await RunAsync(["osdmaptool", "-c", Settings, "--createsimple", "1", _folder.File("osdmap")], cancellation);
        await RunAsync(["ceph-mon", "-c", Settings, "--mkfs", "-i", "a", "--monmap", _folder.File("monmap"), "--osdmap", _folder.File("osdmap"), "--keyring", _folder.File("keyring")], cancellation);
        Start("ceph-mon", "-i", "a");
        await RunAsync(["ceph-osd", "-c", Settings, "--mkfs", "-i", "0", "--osd-uuid", StoreId], cancellation);
        Start("ceph-osd", "-i", "0");
        await RunAsync(["radosgw-admin", "-c", Settings, "user", "create", "--uid=tester", "--display-name=tester", $"--access-key={AccessKey}", $"--secret-key={SecretKey}"], cancellation);
        Start("radosgw", "-n", "client.admin");

        using var http = new HttpClient { BaseAddress = Endpoint };
        await Eventually.TrueAsync(() => AnswersAsync(http, cancellation), StartDeadline, cancellation, $"the gateway answers at {Endpoint}");
    }

    private void Start(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo("sh", ["-c", EndWithInput, _folder.File($"{program}.out"), _programs.Program(program), "-c", Settings, "-f", .. arguments])
        {
            WorkingDirectory = _folder.Path,
            RedirectStandardInput = true,
        };
        start.Environment["LD_LIBRARY_PATH"] = _programs.Libraries;
        _servers.Add(Process.Start(start)!);
    }

    private async Task RunAsync(string[] line, CancellationToken cancellation)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        deadline.CancelAfter(StartDeadline);
        try
        {
            var result = await Command.RunAsync(["env", $"LD_LIBRARY_PATH={_programs.Libraries}", _programs.Program(line[0]), .. line[1..]], "", deadline.Token);
            if (!result.Succeeded)
            {
                throw new InvalidOperationException($"{line[0]} failed with exit code {result.ExitCode}: {result.Output}");
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new TimeoutException($"{line[0]} did not end within {StartDeadline.TotalSeconds} s.");
        }
    }

    private static async Task<bool> AnswersAsync(HttpClient http, CancellationToken cancellation)
    {
        try
        {
            using var answer = await http.GetAsync(new Uri("/", UriKind.Relative), cancellation);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
