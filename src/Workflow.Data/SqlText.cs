using System.Collections.Concurrent;
using System.Text;
using System.Text.RegularExpressions;

namespace Workflow.Data;

/// <summary>SQL: the embedded <c>.sql</c> files, and the quoting of what they cannot hold.</summary>
internal static partial class SqlText
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

    /// <summary>A file with its <c>{places}</c> filled, all at once: what is filled in is not looked at again.</summary>
    public static string Read(string file, params ReadOnlySpan<(string Place, string Sql)> places)
    {
        var filled = new Dictionary<string, string>();
        foreach (var (place, sql) in places)
        {
            filled.Add(place, sql);
        }

        return Place().Replace(Read(file), match => filled[match.Groups[1].Value]);
    }

    /// <summary>An identifier as it stands, whatever it holds; the same in PostgreSQL and DuckDB.</summary>
    public static string Identifier(string name) => $"\"{name.Replace("\"", "\"\"")}\"";

    /// <summary>A text literal, for the few places that take no parameter (DuckDB's <c>COPY … TO</c>).</summary>
    public static string Literal(string text) => $"'{text.Replace("'", "''")}'";

    [GeneratedRegex(@"\{(\w+)\}")]
    private static partial Regex Place();
}
