namespace Workflow.Data.Quality;

/// <summary>What a file of records is: what its name says, else what it begins with.</summary>
internal static class RecordFormat
{
    public enum Kind
    {
        Csv,
        Json,
        Parquet,
    }

    public static Kind Of(string file) => Named(file) ?? Sniff(file);

    /// <returns>Null where the name says nothing.</returns>
    public static Kind? Named(string file)
    {
        var name = file.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? file[..^3] : file;
        return Path.GetExtension(name).ToLowerInvariant() switch
        {
            ".csv" or ".tsv" or ".txt" => Kind.Csv,
            ".json" or ".jsonl" or ".ndjson" => Kind.Json,
            ".parquet" => Kind.Parquet,
            _ => null,
        };
    }

    private static Kind Sniff(string file) => InputFile.Guard(file, () =>
    {
        using var content = InputFile.Open(file);
        Span<byte> start = stackalloc byte[64];
        var text = start[..content.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)];
        return text.StartsWith("PAR1"u8) ? Kind.Parquet
            : text.TrimStart(" \t\r\n"u8) is [(byte)'[' or (byte)'{', ..] ? Kind.Json
            : Kind.Csv;
    });
}
