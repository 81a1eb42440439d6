namespace Workflow.Data.DuckDb;

/// <summary>Writes what a query gives to a file, by DuckDB itself.</summary>
public static class DuckDbExport
{
    /// <summary>A CSV file, with a header unless told otherwise; null is empty, the empty text is <c>""</c>.</summary>
    /// <returns>Rows written.</returns>
    public static long ExportCsv(this DuckDbConnection connection, string query, string file, CancellationToken cancellation, bool header = true) =>
        connection.Execute($"copy ({query}) to {SqlText.Literal(file)} (format csv, header {(header ? "true" : "false")})", cancellation);

    /// <summary>A Parquet file, compressed with snappy.</summary>
    /// <returns>Rows written.</returns>
    public static long ExportParquet(this DuckDbConnection connection, string query, string file, CancellationToken cancellation) =>
        connection.Execute($"copy ({query}) to {SqlText.Literal(file)} (format parquet, compression snappy)", cancellation);
}
