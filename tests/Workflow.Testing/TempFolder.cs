using Microsoft.Extensions.Logging.Abstractions;
using Workflow.Cloud.Local;

namespace Workflow.Testing;

/// <summary>A folder of a test's own, gone when it is disposed.</summary>
public sealed class TempFolder : IDisposable
{
    // A test process that was killed leaves its folders behind; the lock beside each tells those from the ones in use.
    private readonly FileStream _inUse;

    public TempFolder()
    {
        Path = System.IO.Path.Combine(Root, Guid.NewGuid().ToString("N")[..12]);
        Directory.CreateDirectory(Root);
        _inUse = new FileStream(Path + ".lock", FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None);
        Directory.CreateDirectory(Path);
    }

    public string Path { get; }

    private static string Root => System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"workflow-tests-{Environment.UserName}");

    public string File(params string[] segments) => System.IO.Path.Combine([Path, .. segments]);

    public void Dispose()
    {
        Directory.Delete(Path, recursive: true);
        System.IO.File.Delete(_inUse.Name);
        _inUse.Dispose();
    }

    /// <summary>Removes what killed test processes left behind, their database servers first.</summary>
    internal static async Task SweepAsync(CancellationToken cancellation)
    {
        if (!Directory.Exists(Root))
        {
            return;
        }

        foreach (var lockFile in Directory.EnumerateFiles(Root, "*.lock"))
        {
            using var unused = TryLock(lockFile);
            if (unused is null)
            {
                continue;
            }

            var folder = System.IO.Path.ChangeExtension(lockFile, null);
            foreach (var pidFile in FindPidFiles(folder))
            {
                var postgres = System.IO.Path.GetFullPath(System.IO.Path.Combine(pidFile, "..", ".."));
                await new PostgresCluster(postgres, TimeProvider.System, NullLogger.Instance).StopAsync(cancellation);
            }

            if (Directory.Exists(folder))
            {
                Directory.Delete(folder, recursive: true);
            }

            System.IO.File.Delete(lockFile);
        }
    }

    private static string[] FindPidFiles(string folder) =>
        Directory.Exists(folder) ? Directory.GetFiles(folder, "postmaster.pid", SearchOption.AllDirectories) : [];

    private static FileStream? TryLock(string file)
    {
        try
        {
            return new FileStream(file, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            return null;
        }
    }
}
