namespace Workflow.Cloud.Local;

/// <summary>
/// An advisory lock on a file, held by an open handle, so that the kernel lets go of it however the process ends.
/// Two handles of one process count as two holders.
/// </summary>
internal sealed class FileLock : IDisposable
{
    private static readonly TimeSpan RetryEvery = TimeSpan.FromMilliseconds(20);

    private readonly FileStream _handle;

    private FileLock(FileStream handle) => _handle = handle;

    public static FileLock? TryTakeShared(string path) => TryOpen(path, FileAccess.Read, FileShare.ReadWrite);

    public static FileLock? TryTake(string path) => TryOpen(path, FileAccess.ReadWrite, FileShare.None);

    public static async Task<FileLock> TakeAsync(string path, TimeProvider time, CancellationToken cancellation)
    {
        while (true)
        {
            if (TryTake(path) is { } taken)
            {
                return taken;
            }

            await Task.Delay(RetryEvery, time, cancellation);
        }
    }

    public void Dispose() => _handle.Dispose();

    private static FileLock? TryOpen(string path, FileAccess access, FileShare share)
    {
        try
        {
            return new FileLock(new FileStream(path, FileMode.OpenOrCreate, access, share));
        }
        catch (IOException held) when (held.HResult is EWouldBlockOnLinux or EWouldBlockOnMacOS)
        {
            return null;
        }
    }

    // The runtime hands the raw errno through; every other I/O error is a real one.
    private const int EWouldBlockOnLinux = 11;
    private const int EWouldBlockOnMacOS = 35;
}
