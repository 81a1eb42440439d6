namespace Workflow.Cloud.Objects;

/// <summary>
/// A place that keeps objects: a flat name space of buckets and keys with atomic, whole-object writes.
/// The contract suite in the tests holds every implementation to the words below.
/// </summary>
/// <remarks>Errors are <see cref="ObjectStoreException"/>: the address, what was tried, and what the store said.</remarks>
public interface IObjectStore
{
    /// <summary>The scheme of the addresses this store answers for: <c>local</c>, <c>s3</c>.</summary>
    string Scheme { get; }

    /// <summary>All objects whose key begins with the key of <paramref name="prefix"/>, in ordinal order of their keys.</summary>
    IAsyncEnumerable<ObjectInfo> ListAsync(ObjectAddress prefix, CancellationToken cancellation);

    /// <summary>What is known of one object without reading it, or null where there is none.</summary>
    Task<ObjectInfo?> FindAsync(ObjectAddress address, CancellationToken cancellation);

    /// <summary>Opens an object for one forward read. A cut transfer throws; it never ends early in silence.</summary>
    Task<Stream> OpenReadAsync(ObjectAddress address, CancellationToken cancellation);

    /// <summary>Brings one state of an object into a file, replacing what is there: whole, or an error.</summary>
    async Task DownloadAsync(ObjectAddress from, string toFile, CancellationToken cancellation)
    {
        await using var content = await OpenReadAsync(from, cancellation);
        await using var file = new FileStream(toFile, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 20, FileOptions.Asynchronous);
        await content.CopyToAsync(file, 1 << 20, cancellation);
    }

    /// <summary>
    /// Publishes an object: readers see the old object or the whole new one, never a part.
    /// With <see cref="WriteCondition.IfAbsent"/> a write that finds an object throws <see cref="ObjectExistsException"/>.
    /// </summary>
    Task<ObjectInfo> WriteAsync(ObjectAddress address, Stream content, WriteCondition condition, CancellationToken cancellation);

    /// <summary>Copies within this store, replacing what is there.</summary>
    Task<ObjectInfo> CopyAsync(ObjectAddress from, ObjectAddress to, CancellationToken cancellation);

    /// <summary>Removes an object; removing what is not there is no error.</summary>
    Task DeleteAsync(ObjectAddress address, CancellationToken cancellation);
}

/// <summary>When a write may replace what is there.</summary>
public enum WriteCondition
{
    Always,
    IfAbsent,
}
