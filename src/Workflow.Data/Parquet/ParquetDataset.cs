using System.Text.Json;
using System.Text.RegularExpressions;
using Workflow.Cloud.Objects;

namespace Workflow.Data.Parquet;

/// <summary>
/// A dataset of Parquet files under a prefix, replaced partition by partition: what a version brings takes the place of what its
/// partitions had before; other partitions stay. Without partition columns the whole is one partition.
/// </summary>
/// <remarks>
/// <para>
/// An object store cannot swap folders. So each version of a partition has a folder of its own, <c>day=2024-03-01/(version)/part-0.parquet</c>,
/// and the partition's <c>_manifest.json</c>, one object, says which one holds; a catalog says it by the partition's location.
/// Who reads by the manifests or by the catalog sees the old files of a partition or the new ones, never some of both. Who reads
/// whatever lies under the prefix sees the new ones beside the old ones from <see cref="StageAsync"/> until <see cref="CleanAsync"/>.
/// </para>
/// <para>Each step may be done again. A partition has one writer at a time: two that publish it at once leave the files of one behind.</para>
/// </remarks>
/// <param name="writer">
/// Who publishes, a name for a folder: what it has published and not cleaned up after is noted, so that a run that fails in between leaves
/// that to the next (<see cref="FindUnfinishedAsync"/>). Null where nobody asks.
/// </param>
public sealed partial class ParquetDataset(ObjectStores stores, ObjectAddress output, string? writer = null)
{
    private const string ManifestName = "_manifest.json";
    private const string VersionsFolder = "_versions/";
    private const string UnfinishedFolder = "_unfinished/";
    private const string Json = ".json";

    private readonly IObjectStore _store = stores.For(output);

    /// <summary>Puts the files of a version into place; nobody is shown them yet.</summary>
    /// <param name="version">The same for each attempt, and another for every run.</param>
    /// <param name="folder">Where the files lie that were exported.</param>
    public Task<ParquetVersion> StageAsync(string version, string folder, IReadOnlyList<ParquetFile> files, CancellationToken cancellation) =>
        StageAsync(version, folder, files, [], cancellation);

    /// <inheritdoc cref="StageAsync(string, string, IReadOnlyList{ParquetFile}, CancellationToken)"/>
    /// <param name="columns">For the catalog.</param>
    public async Task<ParquetVersion> StageAsync(
        string version, string folder, IReadOnlyList<ParquetFile> files, IReadOnlyList<ParquetColumn> columns, CancellationToken cancellation)
    {
        var staged = new ParquetVersion(CheckVersion(version), [.. files.GroupBy(file => FolderOf(file.Path)).Select(group => Describe(version, group.Key, [.. group]))]) { Columns = columns };
        foreach (var partition in staged.Partitions)
        {
            // An attempt before this one may have cut its files elsewhere.
            await DeleteAsync(partition.Location, except: partition.Files, cancellation);
        }

        foreach (var file in files)
        {
            await stores.UploadAsync(Path.Combine(folder, file.Path), At($"{FolderOf(file.Path)}{version}/{NameOf(file.Path)}"), WriteCondition.Always, cancellation);
        }

        await WriteAsync(VersionAddress(version), staged, cancellation);
        return staged;
    }

    /// <summary>A version that was staged, or null.</summary>
    public Task<ParquetVersion?> FindAsync(string version, CancellationToken cancellation) => ReadAsync<ParquetVersion>(VersionAddress(version), cancellation);

    /// <summary>Lets a staged version take the place of what its partitions had.</summary>
    public async Task PublishAsync(string version, CancellationToken cancellation)
    {
        var staged = await RequireAsync(version, cancellation);
        var unfinished = await NoteAsync(version, cancellation);
        foreach (var partition in staged.Partitions)
        {
            var current = await ReadAsync<ParquetManifest>(ManifestAddress(partition), cancellation);
            if (current?.Version != version)
            {
                IReadOnlyList<string> replaced = current is null ? [] : unfinished.Contains(current.Version) ? [current.Version, .. current.Replaced] : [current.Version];
                await WriteAsync(ManifestAddress(partition), ParquetManifest.Of(version, partition, replaced), cancellation);
            }
        }
    }

    /// <summary>The versions that the writer has published and not cleaned up after, in the order of their names, each with the partitions it still holds.</summary>
    public async Task<IReadOnlyList<ParquetVersion>> FindUnfinishedAsync(CancellationToken cancellation)
    {
        var versions = new List<ParquetVersion>();
        foreach (var name in await NotesAsync($"{UnfinishedFolder}{writer}/", cancellation))
        {
            var version = await RequireAsync(name, cancellation);
            var held = new List<ParquetPartition>();
            foreach (var partition in version.Partitions)
            {
                if ((await ReadAsync<ParquetManifest>(ManifestAddress(partition), cancellation))?.Version == name)
                {
                    held.Add(partition);
                }
            }

            versions.Add(version with { Partitions = held });
        }

        return versions;
    }

    /// <summary>Removes what a published version has replaced, also what those before it had replaced that nobody cleaned up after.</summary>
    public async Task CleanAsync(string version, CancellationToken cancellation)
    {
        foreach (var partition in (await RequireAsync(version, cancellation)).Partitions)
        {
            var current = await ReadAsync<ParquetManifest>(ManifestAddress(partition), cancellation);
            foreach (var replaced in current?.Version == version ? current.Replaced : [])
            {
                await DeleteAsync(At($"{partition.Folder}{replaced}/").ToString(), except: [], cancellation);
            }
        }

        await ForgetAsync(version, cancellation);
    }

    /// <summary>Takes a version back that was not published, or not everywhere: its partitions have again what they had, and its files go.</summary>
    public async Task DiscardAsync(string version, CancellationToken cancellation)
    {
        var staged = await FindAsync(version, cancellation);
        foreach (var partition in staged?.Partitions ?? [])
        {
            await RestoreAsync(version, partition, cancellation);
            await DeleteAsync(partition.Location, except: [], cancellation);
        }

        await ForgetAsync(version, cancellation);
        await _store.DeleteAsync(VersionAddress(version), cancellation);
    }

    /// <summary>The files that hold now, by the manifests.</summary>
    public async Task<IReadOnlyList<string>> ListAsync(CancellationToken cancellation)
    {
        var files = new List<string>();
        await foreach (var found in _store.ListAsync(output, cancellation))
        {
            if (found.Address.Name == ManifestName && await ReadAsync<ParquetManifest>(found.Address, cancellation) is { } manifest)
            {
                files.AddRange(manifest.Entries.Select(entry => entry.Url));
            }
        }

        return files;
    }

    private async Task RestoreAsync(string version, ParquetPartition partition, CancellationToken cancellation)
    {
        var manifest = ManifestAddress(partition);
        var current = await ReadAsync<ParquetManifest>(manifest, cancellation);
        if (current?.Version != version)
        {
            return;
        }

        var before = current.Replaces is null ? null : await FindAsync(current.Replaces, cancellation);
        if (before?.Partitions.FirstOrDefault(one => one.Folder == partition.Folder) is { } replaced)
        {
            await WriteAsync(manifest, ParquetManifest.Of(before.Version, replaced, current.Before), cancellation);
        }
        else
        {
            await _store.DeleteAsync(manifest, cancellation);
        }
    }

    private async Task<ParquetVersion> RequireAsync(string version, CancellationToken cancellation) =>
        await FindAsync(version, cancellation) ?? throw new ObjectStoreException(
            $"The version '{version}' of {output} is not staged: {VersionAddress(version)} is not there. Where somebody has removed it, remove {NoteAddress(version)}, too.");

    /// <returns>All versions that are noted.</returns>
    private async Task<IReadOnlyList<string>> NoteAsync(string version, CancellationToken cancellation)
    {
        if (writer is null)
        {
            return [];
        }

        await WriteAsync(NoteAddress(version), new { version }, cancellation);
        return await NotesAsync(UnfinishedFolder, cancellation);
    }

    private Task ForgetAsync(string version, CancellationToken cancellation) =>
        writer is null ? Task.CompletedTask : _store.DeleteAsync(NoteAddress(version), cancellation);

    private async Task<IReadOnlyList<string>> NotesAsync(string folder, CancellationToken cancellation) =>
        await _store.ListAsync(At(folder), cancellation).Select(note => note.Address.Name[..^Json.Length]).ToListAsync(cancellation);

    private ParquetPartition Describe(string version, string partitionFolder, IReadOnlyList<ParquetFile> files) => new(
        files[0].Partition,
        partitionFolder,
        At($"{partitionFolder}{version}/").ToString(),
        [.. files.Select(file => new ParquetObject(NameOf(file.Path), file.Rows, file.Bytes))]);

    private async Task DeleteAsync(string location, IReadOnlyList<ParquetObject> except, CancellationToken cancellation)
    {
        var kept = except.Select(file => file.Name).ToHashSet();
        await foreach (var found in _store.ListAsync(ObjectAddress.Parse(location), cancellation))
        {
            if (!kept.Contains(found.Address.Name))
            {
                await _store.DeleteAsync(found.Address, cancellation);
            }
        }
    }

    private async Task<T?> ReadAsync<T>(ObjectAddress address, CancellationToken cancellation)
        where T : class
    {
        if (await _store.FindAsync(address, cancellation) is null)
        {
            return null;
        }

        await using var content = await _store.OpenReadAsync(address, cancellation);
        return await JsonSerializer.DeserializeAsync<T>(content, JsonSerializerOptions.Web, cancellation);
    }

    private Task<ObjectInfo> WriteAsync<T>(ObjectAddress address, T content, CancellationToken cancellation) =>
        _store.WriteAsync(address, new MemoryStream(JsonSerializer.SerializeToUtf8Bytes(content, JsonSerializerOptions.Web)), WriteCondition.Always, cancellation);

    private ObjectAddress ManifestAddress(ParquetPartition partition) => At($"{partition.Folder}{ManifestName}");

    private ObjectAddress VersionAddress(string version) => At($"{VersionsFolder}{version}{Json}");

    private ObjectAddress NoteAddress(string version) => At($"{UnfinishedFolder}{writer}/{version}{Json}");

    private ObjectAddress At(string path) => output.WithKey($"{output.Key}{(output.Key is "" or [.., '/'] ? "" : "/")}{path}");

    private static string FolderOf(string path) => path[..^NameOf(path).Length];

    private static string NameOf(string path) => path[(path.LastIndexOf('/') + 1)..];

    private static string CheckVersion(string version) =>
        Versions().IsMatch(version) ? version : throw new ArgumentException($"'{version}' is no name of a version: write a-z, A-Z, 0-9 and -.", nameof(version));

    [GeneratedRegex("^[A-Za-z0-9-]{1,100}$")]
    private static partial Regex Versions();
}
