using Workflow.Data.DuckDb;

namespace Workflow.Data.Quality;

/// <summary>
/// The query of the bad rows that a declarative rule stands for: their <c>_row</c> and the <c>reason</c>. Which columns there are only
/// the data know, so it is composed here: of quoted identifiers, of literals, and of bounds that were read.
/// </summary>
internal static class DeclarativeSql
{
    private const int ShownValue = 80;

    /// <param name="columns">Of <c>temp_data</c>.</param>
    /// <param name="referenced">Of the table that the rule refers to; null for other kinds.</param>
    /// <exception cref="RuleException">A column that the rule names is not there.</exception>
    public static string Of(QualityRule rule, TableColumns columns, TableColumns? referenced)
    {
        var fields = rule.Columns.Select(column => columns[column]).ToList();
        return rule.Kind switch
        {
            RuleKind.Completeness => Completeness(fields),
            RuleKind.Uniqueness => Uniqueness(fields),
            RuleKind.AllowedValues => AllowedValues(fields[0], rule.Values, columns),
            RuleKind.Range => Range(fields[0], rule),
            RuleKind.Pattern => SelectText(
                columns, fields[0], $"not regexp_full_match({columns.Text(fields[0], "d")}, {SqlText.Literal(rule.Pattern!)})", $", which does not match {rule.Pattern}"),
            RuleKind.Referential => Referential(fields, rule, columns, referenced!),
            _ => throw new ArgumentException($"{rule.Kind} is no rule on rows."),
        };
    }

    /// <summary>A column as a time in UTC; a text without a zone is taken to be in UTC.</summary>
    public static string Time(DuckDbField field) => field.Type.Id switch
    {
        DuckDbTypeId.Varchar => Utc($"try_cast({Name(field)} as timestamptz)"),
        DuckDbTypeId.TimestampTz => Utc(Name(field)),
        _ => $"try_cast({Name(field)} as timestamp)",
    };

    public static string Utc(string timestampTz) => $"({timestampTz} at time zone 'UTC')";

    private static string Select(string bad, string reason) => $"select {QualityRules.RowColumn}, {reason} as reason from {QualityRules.Table} where {bad}";

    /// <summary>Bad rows, shown with the column's value as its source writes it.</summary>
    private static string SelectText(TableColumns columns, DuckDbField field, string bad, string fault) =>
        $"select d.{QualityRules.RowColumn}, {Is(field, columns.Text(field, "d"))} || {SqlText.Literal(fault)} as reason from {columns.Rows("d")} where {bad}";

    private static string Completeness(List<DuckDbField> fields)
    {
        var missing = fields.Select(field => (Field: field, Sql: field.Type.Id == DuckDbTypeId.Varchar ? $"({Name(field)} is null or trim({Name(field)}) = '')" : $"{Name(field)} is null")).ToList();
        var names = string.Join(", ", missing.Select(column => $"case when {column.Sql} then {SqlText.Literal(column.Field.Name)} end"));
        return Select(string.Join(" or ", missing.Select(column => column.Sql)), $"concat_ws(', ', {names}) || ' missing'");
    }

    private static string Uniqueness(List<DuckDbField> fields)
    {
        var names = string.Join(", ", fields.Select(Name));
        var present = string.Join(" and ", fields.Select(field => $"{Name(field)} is not null"));
        return $"""
            select d.{QualityRules.RowColumn}, {string.Join(" || ', ' || ", fields.Select(field => Is(field, $"d.{Name(field)}")))} || ' in ' || k.times || ' rows' as reason
            from {QualityRules.Table} d
            join (select {names}, count(*) as times from {QualityRules.Table} where {present} group by {names} having count(*) > 1) k
              on {string.Join(" and ", fields.Select(field => $"d.{Name(field)} = k.{Name(field)}"))}
            """;
    }

    /// <summary>Numbers are compared as numbers, everything else as its source writes it.</summary>
    private static string AllowedValues(DuckDbField field, IReadOnlyList<string> values, TableColumns columns)
    {
        var allowed = IsNumber(field)
            ? [.. values.Select(Bound.Read).OfType<Bound.Number>().Select(number => number.Sql)]
            : values.Select(SqlText.Literal).ToList();
        var value = IsNumber(field) ? $"d.{Name(field)}" : columns.Text(field, "d");
        var bad = allowed.Count == 0 ? $"{value} is not null" : $"{value} not in ({string.Join(", ", allowed)})";
        return SelectText(columns, field, bad, $", not one of {string.Join(", ", values)}");
    }

    private static string Range(DuckDbField field, QualityRule rule)
    {
        var (min, max) = (rule.Min is null ? null : Bound.Read(rule.Min), rule.Max is null ? null : Bound.Read(rule.Max));
        var isTime = (min ?? max) is Bound.Time;
        var value = isTime ? Time(field) : IsNumber(field) ? Name(field) : $"try_cast(cast({Name(field)} as varchar) as double)";
        var cases = new List<string>();
        if (isTime || !IsNumber(field))
        {
            cases.Add($"when {value} is null then ', not a {(isTime ? "time" : "number")}'");
        }

        if (!isTime && (!IsNumber(field) || field.Type.Id is DuckDbTypeId.Float or DuckDbTypeId.Double))
        {
            cases.Add($"when isnan({value}) then ', not a number'");
        }

        if (min is not null)
        {
            cases.Add($"when {value} < {min.Sql} then {SqlText.Literal($", below {rule.Min}")}");
        }

        if (max is not null)
        {
            cases.Add($"when {value} > {max.Sql} then {SqlText.Literal($", above {rule.Max}")}");
        }

        return $"""
            select {QualityRules.RowColumn}, {Is(field, Name(field))} || fault as reason
            from (select *, case {string.Join(' ', cases)} end as fault from {QualityRules.Table} where {Name(field)} is not null)
            where fault is not null
            """;
    }

    /// <summary>Values of one type are compared as that, and numbers with each other; all else as the sources write it.</summary>
    private static string Referential(List<DuckDbField> fields, QualityRule rule, TableColumns columns, TableColumns referenced)
    {
        var pairs = fields.Select((field, index) => (Field: field, Key: referenced[rule.ReferencedColumns.Count == 0 ? field.Name : rule.ReferencedColumns[index]])).ToList();
        var same = pairs.Select(pair => (IsNumber(pair.Field) && IsNumber(pair.Key)) || pair.Field.Type.Id == pair.Key.Type.Id
            ? $"r.{Name(pair.Key)} = d.{Name(pair.Field)}"
            : $"{referenced.Text(pair.Key, "r")} = {columns.Text(pair.Field, "d")}");
        return $"""
            select d.{QualityRules.RowColumn}, {string.Join(" || ', ' || ", fields.Select(field => Is(field, columns.Text(field, "d"))))} || {SqlText.Literal($", not in {rule.References}")} as reason
            from {columns.Rows("d")}
            where {string.Join(" and ", fields.Select(field => $"d.{Name(field)} is not null"))}
              and not exists (from {referenced.Rows("r")} where {string.Join(" and ", same)})
            """;
    }

    private static bool IsNumber(DuckDbField field) => field.Type.Id is DuckDbTypeId.TinyInt or DuckDbTypeId.SmallInt or DuckDbTypeId.Integer
        or DuckDbTypeId.BigInt or DuckDbTypeId.HugeInt or DuckDbTypeId.UTinyInt or DuckDbTypeId.USmallInt or DuckDbTypeId.UInteger
        or DuckDbTypeId.UBigInt or DuckDbTypeId.UHugeInt or DuckDbTypeId.Float or DuckDbTypeId.Double or DuckDbTypeId.Decimal;

    /// <summary>The beginning of a reason: <c>price is '-5'</c>.</summary>
    private static string Is(DuckDbField field, string value) =>
        $"{SqlText.Literal($"{field.Name} is '")} || left(cast({value} as varchar), {ShownValue}) || ''''";

    private static string Name(DuckDbField field) => SqlText.Identifier(field.Name);
}
