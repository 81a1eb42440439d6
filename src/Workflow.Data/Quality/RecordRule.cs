using System.Globalization;

namespace Workflow.Data.Quality;

/// <summary>A rule in C#: takes a record and returns null, or what is wrong with it.</summary>
/// <param name="ErrorType">See <see cref="QualityRule.ErrorType"/>; a configured rule may say otherwise.</param>
public sealed record RecordRule(string Name, string ErrorType, string Description, Func<DataRecord, Violation?> Check);

/// <param name="Reason">What is wrong, with the value.</param>
public sealed record Violation(string Reason);

/// <summary>One row, by the names of its columns in any case. Good only while its rule runs.</summary>
public sealed class DataRecord
{
    private readonly Dictionary<string, int> _columns;
    private object?[] _values = [];

    internal DataRecord(IEnumerable<string> columns)
    {
        _columns = columns.Select((name, index) => (name, index)).ToDictionary(column => column.name, column => column.index, StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>A value as <see cref="DuckDb.DuckDbVector.Value"/> gives it.</summary>
    /// <exception cref="RuleException">There is no such column.</exception>
    public object? this[string column] => _columns.TryGetValue(column, out var index)
        ? _values[index]
        : throw RuleException.NoColumn(column, _columns.Keys);

    /// <summary>A value as text; null where there is none or it is blank.</summary>
    public string? Text(string column) => Convert.ToString(this[column], CultureInfo.InvariantCulture) is { } text && !string.IsNullOrWhiteSpace(text) ? text : null;

    /// <summary>A value as a number, whether it is one or a text that says one; else null.</summary>
    public double? Number(string column) =>
        double.TryParse(Text(column), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number : null;

    internal void Take(object?[] values) => _values = values;
}

/// <summary>A rule cannot be run on these data; the message says why.</summary>
public sealed class RuleException(string message) : Exception(message)
{
    internal static RuleException NoColumn(string column, IEnumerable<string> columns) =>
        new($"There is no column '{column}'; there are {string.Join(", ", columns.Where(name => name != QualityRules.RowColumn))}.");
}
