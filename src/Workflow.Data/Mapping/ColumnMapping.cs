using System.Text.RegularExpressions;

namespace Workflow.Data.Mapping;

/// <summary>A column that is made of a value of each record.</summary>
public sealed record ColumnMapping
{
    /// <summary>A property, or the path to one inside others: <c>customer.address.city</c>.</summary>
    public string From { get; init; } = "";

    /// <summary>The column's name; null for that of the property.</summary>
    public string? To { get; init; }

    /// <summary>A type without parts, see <see cref="JsonMapping.Types"/>; null for the one that all values have in common.</summary>
    public string? Type { get; init; }

    internal string Column => To ?? From[(From.LastIndexOf('.') + 1)..];
}

/// <summary>Which columns records become.</summary>
public sealed partial record JsonMapping
{
    public const string Types = "boolean, tinyint, smallint, integer, bigint, float, double, decimal(p,s), varchar, date, timestamp, timestamptz";

    /// <summary>Empty for all properties under their own names.</summary>
    public IReadOnlyList<ColumnMapping> Columns { get; init; } = [];

    /// <summary>Properties that <see cref="Columns"/> does not name become columns, too.</summary>
    public bool KeepOthers { get; init; }

    /// <summary>Properties that become no column.</summary>
    public IReadOnlyList<string> Drop { get; init; } = [];

    /// <summary>What will not do: the column's place and setting, its value, and what would be right.</summary>
    public IEnumerable<(int Column, string Setting, string? Value, string Wanted)> FindProblems()
    {
        for (var index = 0; index < Columns.Count; index++)
        {
            var column = Columns[index];
            if (column.From.Split('.').Any(part => part.Length == 0))
            {
                yield return (index, nameof(column.From), column.From, "name a property, or the path to one: customer.address.city");
            }
            else if (Drop.Contains(column.From))
            {
                yield return (index, nameof(column.From), column.From, "take it out of the columns or out of those to drop");
            }
            else if (Columns.Take(index).Any(other => other.Column.Equals(column.Column, StringComparison.OrdinalIgnoreCase)))
            {
                yield return (index, nameof(column.To), column.Column, "give it a name that no other column has, upper and lower case apart");
            }

            if (column.Type is not null && !IsType(column.Type))
            {
                yield return (index, nameof(column.Type), column.Type, $"write one of {Types}; objects and lists are kept as they are where no type is given");
            }
        }
    }

    internal static bool IsWhole(string type) => type.ToLowerInvariant() is "tinyint" or "smallint" or "integer" or "bigint";

    private static bool IsType(string type) =>
        ScalarTypes().IsMatch(type) || (DecimalType().Match(type) is { Success: true } match && int.Parse(match.Groups[1].Value) is >= 1 and <= 38 and var width && int.Parse(match.Groups[2].Value) <= width);

    [GeneratedRegex("^(boolean|tinyint|smallint|integer|bigint|float|double|varchar|date|timestamp|timestamptz)$", RegexOptions.IgnoreCase)]
    private static partial Regex ScalarTypes();

    [GeneratedRegex(@"^decimal\((\d{1,2}),\s?(\d{1,2})\)$", RegexOptions.IgnoreCase)]
    private static partial Regex DecimalType();
}
