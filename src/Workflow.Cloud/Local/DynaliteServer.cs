using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging;

namespace Workflow.Cloud.Local;

/// <summary>A dynalite in a process of its own, which ends with this one.</summary>
internal sealed class DynaliteServer : IAsyncDisposable
{
    // Its input ends with the process that holds the other end, however that ends; Ctrl-C in the terminal is for that process alone.
    // The store is looked at first: a server whose owner has just died may still be about to let go of it.
    private const string Script =
        """
        const [folder] = process.argv.slice(1);
        const load = require('module').createRequire(require.resolve('dynalite'));
        process.stdin.resume().on('end', () => process.exit());
        process.on('SIGINT', () => {}).on('SIGHUP', () => {});
        (async () => {
          for (;;) {
            const store = new (load('level').Level)(folder);
            try {
              await store.open();
              await store.close();
              break;
            } catch (error) {
              if (error.cause?.code !== 'LEVEL_LOCKED') throw error;
              await new Promise(again => setTimeout(again, 20));
            }
          }
          const server = require('dynalite')({ path: folder, createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
          server.listen(0, '127.0.0.1', () => console.log(server.address().port));
        })().catch(error => { console.error(error.message, error.cause?.message ?? ''); process.exit(1); });
        """;

    private readonly Process _process;

    private DynaliteServer(Process process, int port)
    {
        _process = process;
        Port = port;
    }

    public int Port { get; }

    public int ProcessId => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>Starts a server on the tables in a folder and waits until it answers, on loopback.</summary>
    /// <param name="ended">Called when the process has ended, for whatever reason.</param>
    /// <exception cref="LocalPartMissingException">The server, or what it runs on, is not installed.</exception>
    public static async Task<DynaliteServer> StartAsync(string folder, Action ended, ILogger logger, CancellationToken cancellation)
    {
        LocalParts.FindPackage("dynalite");
        var process = new Process
        {
            EnableRaisingEvents = true,
            StartInfo = new("node", ["--eval", Script, "--", folder])
            {
                WorkingDirectory = LocalParts.Folder,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
        };
        process.Exited += (_, _) => ended();
        process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is not null)
            {
                logger.LogWarning("The local DynamoDB says: {Line}", line.Data);
            }
        };
        try
        {
            process.Start();
        }
        catch (Win32Exception absent)
        {
            process.Dispose();
            throw new LocalPartMissingException($"The local DynamoDB needs Node.js 20 or newer ({absent.Message}): install nodejs, or set Aws:Endpoints:DynamoDB.");
        }

        process.BeginErrorReadLine();
        try
        {
            var first = await process.StandardOutput.ReadLineAsync(cancellation);
            return int.TryParse(first, CultureInfo.InvariantCulture, out var port)
                ? new(process, port)
                : throw new InvalidOperationException($"The local DynamoDB ended before it listened; the log says why. Its tables are in {folder}.");
        }
        catch
        {
            await EndAsync(process);
            throw;
        }
    }

    public ValueTask DisposeAsync() => EndAsync(_process);

    private static async ValueTask EndAsync(Process process)
    {
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        process.Dispose();
    }
}
