namespace Workflow.Data.Quality;

/// <summary>How a rule finds what is bad. <see cref="Sql"/> up to <see cref="Referential"/> judge rows; the others the table as a whole.</summary>
public enum RuleKind
{
    /// <summary><see cref="QualityRule.Query"/> selects the bad rows.</summary>
    Sql,

    /// <summary>The <see cref="RecordRule"/> of the rule's name looks at each record.</summary>
    Record,

    /// <summary>Each of <see cref="QualityRule.Columns"/> has a value; a blank text is none.</summary>
    Completeness,

    /// <summary>No two rows have the same values in <see cref="QualityRule.Columns"/>. All that have are bad, since none is known to be the right one.</summary>
    Uniqueness,

    /// <summary>The column's value is one of <see cref="QualityRule.Values"/>.</summary>
    AllowedValues,

    /// <summary>The column's value lies between <see cref="QualityRule.Min"/> and <see cref="QualityRule.Max"/>, both inclusive.</summary>
    Range,

    /// <summary>The column's value as a whole matches <see cref="QualityRule.Pattern"/>.</summary>
    Pattern,

    /// <summary>The values of <see cref="QualityRule.Columns"/> are found in the table <see cref="QualityRule.References"/>.</summary>
    Referential,

    /// <summary>The number of rows lies between <see cref="QualityRule.Min"/> and <see cref="QualityRule.Max"/>.</summary>
    RowCount,

    /// <summary>The number of columns lies between <see cref="QualityRule.Min"/> and <see cref="QualityRule.Max"/>.</summary>
    ColumnCount,

    /// <summary>The newest value of the column is no older than <see cref="QualityRule.MaxAge"/>.</summary>
    Freshness,
}

/// <summary>What follows when a rule fails.</summary>
public enum RuleAction
{
    /// <summary>It is reported; its rows go on.</summary>
    Warn,

    /// <summary>Its rows are set aside; the others go on.</summary>
    Quarantine,

    /// <summary>Nothing goes on.</summary>
    Stop,
}

/// <summary>
/// A rule as configuration gives it. A value that is null passes every rule on values: that it must be there is what
/// <see cref="RuleKind.Completeness"/> is for.
/// </summary>
public sealed record QualityRule
{
    public string Name { get; init; } = "";

    public RuleKind Kind { get; init; }

    /// <summary>Groups what is reported and set aside; a word such as <c>NULL_USER_ID</c>. Null is the kind's name.</summary>
    public string? ErrorType { get; init; }

    public string? Description { get; init; }

    /// <summary>Null is <see cref="RuleAction.Quarantine"/> for rules on rows, <see cref="RuleAction.Stop"/> for those on the whole table.</summary>
    public RuleAction? Action { get; init; }

    /// <summary>The share of rows, 0 to below 1, that may be bad without the rule failing.</summary>
    public double Threshold { get; init; }

    /// <summary>How long a query may take; one that takes longer crashes.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// One SELECT of the bad rows from <c>temp_data</c>. A query that brings along the column <c>_row</c>, as <c>select *</c> does, says
    /// which rows these are; of another only the number of its rows is known, and nothing can be set aside.
    /// </summary>
    public string? Query { get; init; }

    public IReadOnlyList<string> Columns { get; init; } = [];

    public IReadOnlyList<string> Values { get; init; } = [];

    /// <summary>A number, or a date or timestamp as ISO 8601 writes it.</summary>
    public string? Min { get; init; }

    /// <summary>As <see cref="Min"/>.</summary>
    public string? Max { get; init; }

    /// <summary>A regular expression (RE2).</summary>
    public string? Pattern { get; init; }

    public TimeSpan? MaxAge { get; init; }

    /// <summary>A table in the same database.</summary>
    public string? References { get; init; }

    /// <summary>The columns of <see cref="References"/> that go with <see cref="Columns"/>; none are those of the same names.</summary>
    public IReadOnlyList<string> ReferencedColumns { get; init; } = [];

    internal bool JudgesRows => Kind < RuleKind.RowCount;

    internal RuleAction EffectiveAction => Action ?? (JudgesRows ? RuleAction.Quarantine : RuleAction.Stop);
}
