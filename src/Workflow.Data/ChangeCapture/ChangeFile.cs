using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace Workflow.Data.ChangeCapture;

/// <summary>A file that AWS DMS wrote to S3, as its key says: <c>…/schema/table/LOAD00000001.csv</c> or <c>…/schema/table/20240301-101112123.csv</c>.</summary>
/// <param name="Stamp">When DMS began it, <c>yyyyMMdd-HHmmssfff</c>; of a full load its name. Orders the files of a table.</param>
public sealed partial record ChangeFile(string Schema, string Table, bool IsFullLoad, string Stamp, bool IsParquet)
{
    /// <summary>By which the files of a table are applied: the full load first.</summary>
    public string Sequence => IsFullLoad ? $"0 {Stamp}" : $"1 {Stamp}";

    /// <summary>False for what DMS does not name so. Folders of a date between table and file are passed over.</summary>
    public static bool TryParse(string key, [NotNullWhen(true)] out ChangeFile? file)
    {
        file = null;
        var segments = key.Split('/');
        var name = FileName().Match(segments[^1]);
        var folders = segments[..^1].Reverse().SkipWhile(segment => DatePart().IsMatch(segment)).Take(2).ToArray();
        if (!name.Success || folders is not [{ Length: > 0 } table, { Length: > 0 } schema])
        {
            return false;
        }

        file = new(schema, table, name.Groups["load"].Success, name.Groups["stamp"].Value.ToUpperInvariant(), name.Groups["form"].Value.Equals("parquet", StringComparison.OrdinalIgnoreCase));
        return true;
    }

    [GeneratedRegex(@"^(?<stamp>(?<load>LOAD[0-9A-F]{8})|[0-9]{8}-[0-9]{9})\.(?<form>csv|parquet)(\.gz)?$", RegexOptions.IgnoreCase)]
    private static partial Regex FileName();

    [GeneratedRegex("^([0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{8}|[0-9]{10})$")]
    private static partial Regex DatePart();
}
