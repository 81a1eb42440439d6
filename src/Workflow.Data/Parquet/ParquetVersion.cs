namespace Workflow.Data.Parquet;

/// <summary>What one run brings to a dataset.</summary>
public sealed record ParquetVersion(string Version, IReadOnlyList<ParquetPartition> Partitions);

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
    public static ParquetManifest Of(string version, ParquetPartition partition, string? replaces) =>
        new(version, replaces, [.. partition.Files.Select(file => new ParquetManifestEntry($"{partition.Location}{file.Name}", true, new(file.Bytes)))]);
}

internal sealed record ParquetManifestEntry(string Url, bool Mandatory, ParquetManifestMeta Meta);

/// <param name="ContentLength">In bytes.</param>
internal sealed record ParquetManifestMeta([property: System.Text.Json.Serialization.JsonPropertyName("content_length")] long ContentLength);
