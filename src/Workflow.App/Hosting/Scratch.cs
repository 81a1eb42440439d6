namespace Workflow.App.Hosting;

/// <summary>Room for the files a step works on. Each step has a folder of its own, which goes with it.</summary>
internal sealed class Scratch
{
    private readonly string _folder;

    public Scratch(DataFolder data)
    {
        _folder = data.Scratch;
        Directory.CreateDirectory(_folder);
        foreach (var left in Directory.EnumerateDirectories(_folder))
        {
            RemoveUnused(left);
        }
    }

    public ScratchFolder CreateFolder() => new(Path.Combine(_folder, Guid.NewGuid().ToString("N")));

    /// <summary>A killed process leaves its folders behind; those in use are locked.</summary>
    private static void RemoveUnused(string folder)
    {
        try
        {
            using (new FileStream(ScratchFolder.LockOf(folder), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None))
            {
                Directory.Delete(folder, recursive: true);
            }
        }
        catch (IOException)
        {
            // In use, or gone already.
        }
    }
}

internal sealed class ScratchFolder : IDisposable
{
    private readonly string _path;
    private readonly FileStream _lock;

    internal ScratchFolder(string path)
    {
        _path = path;
        Directory.CreateDirectory(path);
        _lock = new(LockOf(path), FileMode.Create, FileAccess.ReadWrite, FileShare.None);
    }

    public string File(params string[] segments)
    {
        var path = Path.Combine([_path, .. segments]);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        return path;
    }

    public void Dispose()
    {
        Directory.Delete(_path, recursive: true);
        _lock.Dispose();
    }

    internal static string LockOf(string folder) => Path.Combine(folder, ".lock");
}
