using System.Collections.Concurrent;
using System.Text;

namespace Workflow.Data;

/// <summary>SQL: the embedded <c>.sql</c> files, and the quoting of what they cannot hold.</summary>
internal static class SqlText
{
    private static readonly ConcurrentDictionary<string, string> Files = new();

    /// <param name="file">Relative to the project, such as <c>Warehouse/merge.sql</c>.</param>
    public static string Read(string file) => Files.GetOrAdd(file, static file =>
    {
        using var stream = typeof(SqlText).Assembly.GetManifestResourceStream(file)
            ?? throw new InvalidOperationException($"There is no embedded SQL file {file}.");
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    });

    /// <summary>An identifier as it stands, whatever it holds; the same in PostgreSQL and DuckDB.</summary>
    public static string Identifier(string name) => $"\"{name.Replace("\"", "\"\"")}\"";

    /// <summary>A text literal, for the few places that take no parameter (DuckDB's <c>COPY … TO</c>).</summary>
    public static string Literal(string text) => $"'{text.Replace("'", "''")}'";
}
