using System.Text;

namespace Workflow.Cloud.Objects.Local;

/// <summary>
/// Objects as plain files: <c>local://bucket/key</c> is the file <c>bucket/key</c> under one folder.
/// A file that somebody drops in is an object; whatever lies outside the folder is not, symbolic links to it included.
/// </summary>
/// <remarks>
/// Keys are paths, so three things that S3 allows are refused: empty, <c>.</c> and <c>..</c> segments, a segment longer than the
/// file system's names, and an object below another (<c>a</c> and <c>a/b</c>).
/// The ETag is made of size, time of last change and inode number: it changes with the content unless somebody rewrites a file
/// in place and sets its time back by hand.
/// </remarks>
public sealed class LocalObjectStore : IObjectStore
{
    private const int CopyBuffer = 1 << 20;
    private static readonly TimeSpan LeftoverAge = TimeSpan.FromMinutes(1);

    private readonly string _folder;
    private readonly string _unpublished;
    private readonly TimeProvider _time;

    /// <param name="folder">Holds one folder per bucket; created if missing.</param>
    /// <param name="time">Dates the objects that are written.</param>
    public LocalObjectStore(string folder, TimeProvider time)
    {
        _folder = Path.GetFullPath(folder);
        _unpublished = Path.Combine(_folder, ".unpublished");
        _time = time;
        Directory.CreateDirectory(_unpublished);
        RemoveLeftovers();
    }

    public string Scheme => "local";

    public IAsyncEnumerable<ObjectInfo> ListAsync(ObjectAddress prefix, CancellationToken cancellation)
    {
        // Down to the last folder the prefix names; what comes after its last slash filters the names there.
        var slash = prefix.Key.LastIndexOf('/');
        var folder = Unlinked(slash < 0 ? LocateBucket(prefix) : Locate(prefix.WithKey(prefix.Key[..slash])));
        return folder is null
            ? AsyncEnumerable.Empty<ObjectInfo>()
            : Walk(prefix, folder, prefix.Key[..(slash + 1)]).ToAsyncEnumerable();
    }

    public Task<ObjectInfo?> FindAsync(ObjectAddress address, CancellationToken cancellation) =>
        Task.FromResult(Unlinked(Locate(RequireKey(address))) is { } path ? Describe(address, new FileInfo(path)) : null);

    public Task<Stream> OpenReadAsync(ObjectAddress address, CancellationToken cancellation) =>
        Task.FromResult<Stream>(Open(address));

    public Task<ObjectInfo> WriteAsync(ObjectAddress address, Stream content, WriteCondition condition, CancellationToken cancellation) =>
        PublishAsync(address, condition, file => content.CopyToAsync(file, CopyBuffer, cancellation));

    public Task<ObjectInfo> CopyAsync(ObjectAddress from, ObjectAddress to, CancellationToken cancellation) =>
        PublishAsync(to, WriteCondition.Always, async file =>
        {
            await using var source = Open(from);
            await source.CopyToAsync(file, CopyBuffer, cancellation);
        });

    public Task DeleteAsync(ObjectAddress address, CancellationToken cancellation)
    {
        if (Unlinked(Locate(RequireKey(address))) is { } path && File.Exists(path))
        {
            File.Delete(path);
            UnixFiles.FlushFolder(Path.GetDirectoryName(path)!);
        }

        return Task.CompletedTask;
    }

    private FileStream Open(ObjectAddress address)
    {
        if (Unlinked(Locate(RequireKey(address))) is not { } path || !File.Exists(path))
        {
            throw new ObjectNotFoundException(address);
        }

        try
        {
            return new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, CopyBuffer, FileOptions.Asynchronous | FileOptions.SequentialScan);
        }
        catch (FileNotFoundException gone)
        {
            throw new ObjectNotFoundException(address, gone);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw new ObjectStoreException($"{address} cannot be read: {refused.Message}", refused);
        }
    }

    /// <summary>Written aside and flushed to the disk, then given its name in one step.</summary>
    private async Task<ObjectInfo> PublishAsync(ObjectAddress address, WriteCondition condition, Func<FileStream, Task> write)
    {
        var target = Unlinked(Locate(RequireKey(address)))
            ?? throw new ObjectStoreException($"{address} cannot be written: a symbolic link lies on the way to it, and would lead out of the store.");
        var aside = Path.Combine(_unpublished, Guid.NewGuid().ToString("N"));
        try
        {
            // Held with a shared lock until it has its name: no obstacle to readers, and how leftovers of a killed process are told from work in progress.
            await using var file = new FileStream(aside, FileMode.CreateNew, FileAccess.Write, FileShare.Read, CopyBuffer, FileOptions.Asynchronous);
            await write(file);
            await file.FlushAsync();
            // The system's own times are too coarse to tell two quick writes apart.
            File.SetLastWriteTimeUtc(file.SafeFileHandle, _time.GetUtcNow().UtcDateTime);
            file.Flush(flushToDisk: true);
            var published = Describe(address, new FileInfo(aside))!;

            UnixFiles.CreateFolder(Path.GetDirectoryName(target)!);
            GiveName(address, aside, target, condition);
            UnixFiles.FlushFolder(Path.GetDirectoryName(target)!);
            return published;
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException)
        {
            throw new ObjectStoreException($"{address} cannot be written: {Explain(address, target, failed)}", failed);
        }
        finally
        {
            File.Delete(aside);
        }
    }

    private static void GiveName(ObjectAddress address, string aside, string target, WriteCondition condition)
    {
        if (condition == WriteCondition.Always)
        {
            File.Move(aside, target, overwrite: true);
        }
        else if (!UnixFiles.TryLink(aside, target))
        {
            throw new ObjectExistsException(address);
        }
    }

    private string Explain(ObjectAddress address, string target, Exception failed)
    {
        if (Directory.Exists(target))
        {
            return "there is a folder of that name, and a file cannot be both.";
        }

        for (var above = Path.GetDirectoryName(target)!; above.Length > _folder.Length; above = Path.GetDirectoryName(above)!)
        {
            if (File.Exists(above))
            {
                return $"{address with { Key = Path.GetRelativePath(Path.Combine(_folder, address.Bucket), above) }} is an object, so nothing can lie below it.";
            }
        }

        return failed.Message;
    }

    private static IEnumerable<ObjectInfo> Walk(ObjectAddress prefix, string folder, string folderKey)
    {
        foreach (var (entry, key) in EntriesInKeyOrder(folder, folderKey))
        {
            if (!key.StartsWith(prefix.Key, StringComparison.Ordinal))
            {
                continue;
            }

            if (entry is DirectoryInfo below)
            {
                foreach (var found in Walk(prefix, below.FullName, key))
                {
                    yield return found;
                }
            }
            else if (Describe(prefix.WithKey(key), (FileInfo)entry) is { } found)
            {
                yield return found;
            }
        }
    }

    /// <summary>S3's order, that of the keys' UTF-8 bytes. A folder sorts as its key does, with the slash.</summary>
    private static (FileSystemInfo Entry, string Key)[] EntriesInKeyOrder(string folder, string folderKey)
    {
        // Hidden files are objects like others; symbolic links are not.
        var plain = new EnumerationOptions { AttributesToSkip = FileAttributes.ReparsePoint };
        try
        {
            return
            [
                .. new DirectoryInfo(folder).EnumerateFileSystemInfos("*", plain)
                    .Select(entry => (Entry: entry, Key: folderKey + entry.Name + (entry is DirectoryInfo ? "/" : "")))
                    .OrderBy(found => Encoding.UTF8.GetBytes(found.Key), Utf8Order),
            ];
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
    }

    private static readonly Comparer<byte[]> Utf8Order = Comparer<byte[]>.Create((one, other) => one.AsSpan().SequenceCompareTo(other));

    private static ObjectInfo? Describe(ObjectAddress address, FileInfo file)
    {
        file.Refresh();
        if (!file.Exists)
        {
            return null;
        }

        try
        {
            var etag = $"{file.Length:x}-{file.LastWriteTimeUtc.Ticks:x}-{UnixFiles.Identity(file):x}";
            return new(address, file.Length, etag, new DateTimeOffset(file.LastWriteTimeUtc, TimeSpan.Zero));
        }
        catch (IOException) when (!File.Exists(file.FullName))
        {
            return null;
        }
    }

    private static ObjectAddress RequireKey(ObjectAddress address) =>
        address.Key.Length > 0 && !address.Key.EndsWith('/')
            ? address
            : throw new ObjectStoreException($"{address} is a prefix, not an object: an object's key does not end in a slash.");

    /// <summary>The path, or null where a symbolic link lies on the way: that would lead out of the store.</summary>
    private string? Unlinked(string path)
    {
        for (var step = path; step.Length > _folder.Length; step = Path.GetDirectoryName(step)!)
        {
            if (new FileInfo(step).LinkTarget is not null)
            {
                return null;
            }
        }

        return path;
    }

    private string Locate(ObjectAddress address)
    {
        var segments = address.Key.Split('/');
        var unfit = segments.FirstOrDefault(segment => segment is "" or "." or ".." || segment.Contains('\0'));
        return unfit is null
            ? Path.Combine([LocateBucket(address), .. segments])
            : throw new ObjectStoreException($"{address} cannot be a file: its segment '{unfit}' is no name for one. Leave it out of the key.");
    }

    private string LocateBucket(ObjectAddress address) =>
        address.Bucket.Length > 0 && !address.Bucket.StartsWith('.') && address.Bucket.AsSpan().IndexOfAny('/', '\0') < 0
            ? Path.Combine(_folder, address.Bucket)
            : throw new ObjectStoreException($"{address} names no bucket: '{address.Bucket}' is empty, begins with a dot or holds a slash.");

    private void RemoveLeftovers()
    {
        foreach (var file in new DirectoryInfo(_unpublished).EnumerateFiles())
        {
            if (_time.GetUtcNow() - file.CreationTimeUtc < LeftoverAge)
            {
                continue;
            }

            try
            {
                using var unused = new FileStream(file.FullName, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
                file.Delete();
            }
            catch (IOException)
            {
                // Somebody is writing it, or removed it first.
            }
        }
    }
}
