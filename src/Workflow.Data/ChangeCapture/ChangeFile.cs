using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace Workflow.Data.ChangeCapture;

/// <summary>A file that AWS DMS wrote to S3, as its key says: <c>…/schema/table/LOAD00000001.csv</c> or <c>…/schema/table/20240301-101112123.csv</c>.</summary>
/// <param name="Stamp">When DMS began it, <c>yyyyMMdd-HHmmss</c> and three or more digits of the second; of a full load its name. Orders the files of a table.</param>
public sealed partial record ChangeFile(string Schema, string Table, bool IsFullLoad, string Stamp, bool IsParquet)
{
    /// <summary>By which the files of a table are applied: the full load first.</summary>
    public string Sequence => IsFullLoad ? $"0 {Stamp}" : $"1 {Stamp}";

    /// <summary>False for what DMS does not name so. A date between table and file (DMS: DatePartitionEnabled) is passed over.</summary>
    public static bool TryParse(string key, [NotNullWhen(true)] out ChangeFile? file)
    {
        var match = Key().Match(key);
        file = match.Success
            ? new(match.Groups["schema"].Value, match.Groups["table"].Value, match.Groups["load"].Success, match.Groups["stamp"].Value.ToUpperInvariant(), match.Groups["form"].Value.Equals("parquet", StringComparison.OrdinalIgnoreCase))
            : null;
        return match.Success;
    }

    /// <summary>Whether a file of this name, which is not understood, may hold changes all the same.</summary>
    public static bool LooksLikeOne(string name) => DataFile().IsMatch(name);

    // The first folders that fit are meant, so that a date is not taken for schema and table. The digits of dates come in DMS's orders, with
    // or without hours, between its delimiters or none.
    [GeneratedRegex(
        @"^(?:.*?/)??(?<schema>[^/]+)/(?<table>[^/]+)(?:/(?:[0-9]{6}|[0-9]{8}|[0-9]{10}|[0-9]{2,4}(?:[-_/][0-9]{2,4}){1,3}))?/(?<stamp>(?<load>LOAD[0-9A-F]{5,8})|[0-9]{8}-[0-9]{9,12})\.(?<form>csv|parquet)(?:\.gz)?$",
        RegexOptions.IgnoreCase)]
    private static partial Regex Key();

    // Refused rows are this side's own.
    [GeneratedRegex(@"^(?!refused-).*\.(csv|parquet)(\.gz)?$", RegexOptions.IgnoreCase)]
    private static partial Regex DataFile();
}
