using System.Text.Json.Serialization;

namespace Workflow.Data.Parquet;

/// <summary>What one run brings to a dataset.</summary>
public sealed record ParquetVersion(string Version, IReadOnlyList<ParquetPartition> Partitions)
{
    /// <summary>With their types, those of the partitions too; empty where nobody keeps them.</summary>
    public IReadOnlyList<ParquetColumn> Columns { get; init; } = [];
}

/// <param name="Type">As catalogs write it, see <see cref="HiveType"/>.</param>
public sealed record ParquetColumn(string Name, string Type);

/// <summary>The files of one version of a partition.</summary>
/// <param name="Values">Of the partition columns; none where there are no partitions.</param>
/// <param name="Folder">Of the partition, relative to the dataset: <c>day=2024-03-01/</c>, or empty.</param>
/// <param name="Location">The address of the folder that the files are in.</param>
public sealed record ParquetPartition(IReadOnlyList<string> Values, string Folder, string Location, IReadOnlyList<ParquetObject> Files)
{
    public long Rows => Files.Sum(file => file.Rows);

    public long Bytes => Files.Sum(file => file.Bytes);
}

/// <param name="Name">Within <see cref="ParquetPartition.Location"/>.</param>
public sealed record ParquetObject(string Name, long Rows, long Bytes);

/// <summary>Which files of a partition hold, written as Redshift's COPY takes it.</summary>
/// <param name="Replaces">The version whose place it took; null for none.</param>
internal sealed record ParquetManifest(string Version, string? Replaces, IReadOnlyList<ParquetManifestEntry> Entries)
{
    /// <summary>Versions before that one whose files are still there, the latest first.</summary>
    public IReadOnlyList<string> Before { get; init; } = [];

    /// <summary>All versions whose files are to go, the latest first.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> Replaced => Replaces is null ? [] : [Replaces, .. Before];

    public static ParquetManifest Of(string version, ParquetPartition partition, IReadOnlyList<string> replaced) =>
        new(version, replaced.Count == 0 ? null : replaced[0], [.. partition.Files.Select(file => new ParquetManifestEntry($"{partition.Location}{file.Name}", true, new(file.Bytes)))]) { Before = [.. replaced.Skip(1)] };
}

internal sealed record ParquetManifestEntry(string Url, bool Mandatory, ParquetManifestMeta Meta);

/// <param name="ContentLength">In bytes.</param>
internal sealed record ParquetManifestMeta([property: JsonPropertyName("content_length")] long ContentLength);
