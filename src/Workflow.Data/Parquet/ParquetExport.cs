using Workflow.Data.DuckDb;

namespace Workflow.Data.Parquet;

/// <summary>A Parquet file that was written.</summary>
/// <param name="Path">Relative to the folder, with slashes: <c>day=2024-03-01/load=7/part-0.parquet</c>.</param>
/// <param name="Partition">The values of the partition columns as they are in the path, but not escaped; in the order of the columns.</param>
public sealed record ParquetFile(string Path, IReadOnlyList<string> Partition, long Rows, long Bytes);

/// <summary>Writes what a query gives as Parquet files, compressed with snappy.</summary>
public static class ParquetExport
{
    /// <summary>What Hive, Spark and Athena call the partition of null.</summary>
    public const string NullPartition = "__HIVE_DEFAULT_PARTITION__";

    // The smallest that DuckDB writes; a file's size is met to one of these.
    private const int RowGroup = 20_480;

    /// <param name="query">A query; its partition columns go into the paths and not into the files.</param>
    /// <param name="folder">A folder that is not there yet, or empty.</param>
    /// <param name="partitionBy">Columns of the query, in the order of the path; none for files beside each other.</param>
    /// <param name="targetBytes">A file ends after the row group that reaches this.</param>
    /// <returns>In the order of their paths. Without partitions there is at least one, if need be one without rows.</returns>
    /// <exception cref="DuckDbException">The query does not run.</exception>
    public static IReadOnlyList<ParquetFile> ExportParquet(
        this DuckDbConnection connection, string query, string folder, IReadOnlyList<string> partitionBy, long targetBytes, CancellationToken cancellation)
    {
        Directory.CreateDirectory(folder);
        var written = partitionBy.Count == 0
            ? Split(connection, query, folder, targetBytes, cancellation)
            : Partition(connection, query, folder, partitionBy, targetBytes, cancellation);
        return [.. written.Select(file => file.RelativeTo(folder)).OrderBy(file => file.Path, StringComparer.Ordinal)];
    }

    private static List<ParquetFile> Partition(
        DuckDbConnection connection, string query, string folder, IReadOnlyList<string> partitionBy, long targetBytes, CancellationToken cancellation)
    {
        var columns = string.Join(", ", partitionBy.Select(SqlText.Identifier));
        var whole = Copy(connection, query, folder, $"partition_by ({columns}), filename_pattern 'whole-{{i}}'", partitionBy, cancellation);
        var files = new List<ParquetFile>();
        foreach (var partition in whole.GroupBy(file => Path.GetDirectoryName(file.Path)!))
        {
            files.AddRange(FitSize(connection, partition.Key, [.. partition], targetBytes, cancellation));
        }

        return files;
    }

    /// <summary>DuckDB splits files by size or by partition, not by both: a partition whose files are not of the size is written again.</summary>
    private static IEnumerable<ParquetFile> FitSize(
        DuckDbConnection connection, string folder, IReadOnlyList<ParquetFile> whole, long targetBytes, CancellationToken cancellation)
    {
        if (whole is [{ } only] && only.Bytes <= targetBytes)
        {
            var part = Path.Combine(folder, "part-0.parquet");
            File.Move(only.Path, part);
            return [only with { Path = part }];
        }

        var list = string.Join(", ", whole.Select(file => SqlText.Literal(file.Path)));
        var parts = Split(connection, $"select * from read_parquet([{list}], hive_partitioning = false)", folder, targetBytes, cancellation);
        foreach (var file in whole)
        {
            File.Delete(file.Path);
        }

        return parts.Select(part => part with { Partition = whole[0].Partition });
    }

    private static List<ParquetFile> Split(DuckDbConnection connection, string query, string folder, long targetBytes, CancellationToken cancellation) =>
        Copy(connection, query, folder, $"row_group_size {RowGroup}, file_size_bytes {targetBytes}, filename_pattern 'part-{{i}}', overwrite_or_ignore", [], cancellation);

    private static List<ParquetFile> Copy(
        DuckDbConnection connection, string query, string folder, string options, IReadOnlyList<string> partitionBy, CancellationToken cancellation)
    {
        using var written = connection.Query($"copy ({query}) to {SqlText.Literal(folder)} (format parquet, compression snappy, return_stats, {options})", cancellation);
        return written.Rows(cancellation).Select(row => new ParquetFile((string)row[0]!, Values(row[5], partitionBy), Convert.ToInt64(row[1]), Convert.ToInt64(row[2]))).ToList();
    }

    private static IReadOnlyList<string> Values(object? keys, IReadOnlyList<string> partitionBy)
    {
        var values = ((IEnumerable<KeyValuePair<object, object?>>?)keys ?? []).ToDictionary(key => (string)key.Key, key => (string?)key.Value, StringComparer.OrdinalIgnoreCase);
        return [.. partitionBy.Select(column => values[column] ?? NullPartition)];
    }

    private static ParquetFile RelativeTo(this ParquetFile file, string folder) => file with { Path = Path.GetRelativePath(folder, file.Path).Replace('\\', '/') };
}
