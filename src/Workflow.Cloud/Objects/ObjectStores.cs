namespace Workflow.Cloud.Objects;

/// <summary>The object stores this process was configured with, behind one door: the address says which one answers.</summary>
public sealed class ObjectStores(IEnumerable<IObjectStore> stores)
{
    private readonly Dictionary<string, IObjectStore> _byScheme = stores.ToDictionary(store => store.Scheme);

    /// <exception cref="ObjectStoreException">No store is configured for the scheme.</exception>
    public IObjectStore For(ObjectAddress address) =>
        _byScheme.TryGetValue(address.Scheme, out var store)
            ? store
            : throw new ObjectStoreException(
                $"No object store answers for '{address.Scheme}://' ({address}). Known: {string.Join(", ", _byScheme.Keys.Select(scheme => scheme + "://"))}.{(address.Scheme == "az" ? " Set Azure:Storage." : "")}");

    /// <summary>Brings one state of an object into a file, replacing what is there: whole, or an error and no file.</summary>
    public async Task DownloadAsync(ObjectAddress from, string toFile, CancellationToken cancellation)
    {
        try
        {
            await For(from).DownloadAsync(from, toFile, cancellation);
        }
        catch
        {
            File.Delete(toFile);
            throw;
        }
    }

    public async Task<ObjectInfo> UploadAsync(string fromFile, ObjectAddress to, WriteCondition condition, CancellationToken cancellation)
    {
        await using var file = new FileStream(fromFile, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 20, FileOptions.Asynchronous);
        return await For(to).WriteAsync(to, file, condition, cancellation);
    }
}
