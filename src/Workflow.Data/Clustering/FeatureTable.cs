using System.Globalization;
using Workflow.Data.DuckDb;

namespace Workflow.Data.Clustering;

/// <summary>A table whose rows become features: the rules are made from it, and applied to it.</summary>
/// <param name="Table">Its numbers cast to double, its dates are dates, its categories text.</param>
/// <param name="AsOf">The date of the run, which dates are days before of.</param>
/// <remarks>Sums depend on the order of the rows: for the same rules from the same rows, order them and open the database with one thread.</remarks>
public sealed class FeatureTable(DuckDbConnection connection, string table, DateOnly asOf)
{
    // Of more categories, the rarest are treated as if they had not been seen.
    private const int MostCategories = 32;

    public FeatureRules MakeRules(IReadOnlyList<Feature> features, Scaling scaling, CancellationToken cancellation) =>
        new([.. features.Select(feature => MakeRule(feature, scaling, cancellation))]);

    /// <summary>The select list of the features, named as <see cref="FeatureRules.Features"/>.</summary>
    public string Select(FeatureRules rules) =>
        string.Join(", ", rules.Rules.SelectMany(Expressions).Zip(rules.Features, (expression, name) => $"{expression} as {SqlText.Identifier(name)}"));

    /// <summary>How many rows have a category that the rules do not know, by column; columns without such rows are left out.</summary>
    public IReadOnlyDictionary<string, long> CountUnseen(FeatureRules rules, CancellationToken cancellation)
    {
        var unseen = new Dictionary<string, long>();
        foreach (var rule in rules.Rules.OfType<CategoryRule>())
        {
            var known = string.Join(", ", rule.Categories.Select(SqlText.Literal).DefaultIfEmpty("null"));
            var category = Category(rule.Column);
            var count = (long)connection.Scalar($"select count(*) from {Quoted} where {category} is not null and coalesce({category} not in ({known}), true)", cancellation)!;
            if (count > 0)
            {
                unseen[rule.Column] = count;
            }
        }

        return unseen;
    }

    private string Quoted => SqlText.Identifier(table);

    private FeatureRule MakeRule(Feature feature, Scaling scaling, CancellationToken cancellation)
    {
        if (feature.Kind == FeatureKind.Category)
        {
            return new CategoryRule(feature.Column, ReadCategories(feature.Column, cancellation));
        }

        var expression = feature.Kind == FeatureKind.Number ? Number(feature.Column) : DaysBefore(feature.Column);
        var (offset, scale, mean) = Measure(expression, scaling, cancellation);
        return feature.Kind == FeatureKind.Number
            ? new NumberRule(feature.Column, scaling, offset, scale, mean)
            : new DaysBeforeRule(feature.Column, scaling, offset, scale, mean);
    }

    private (double Offset, double Scale, double Mean) Measure(string expression, Scaling scaling, CancellationToken cancellation)
    {
        using var measured = connection.Query($"select avg(x), stddev_pop(x), min(x), max(x) from (select {expression} as x from {Quoted})", cancellation);
        if (measured.Rows(cancellation).Single() is not [double mean, double deviation, double least, double most])
        {
            return (0, 1, 0);
        }

        var (offset, scale) = scaling == Scaling.Standard ? (mean, deviation) : (least, most - least);
        return (offset, scale > 0 ? scale : 1, mean);
    }

    private List<string> ReadCategories(string column, CancellationToken cancellation)
    {
        using var found = connection.Query(
            $"select x from (select {Category(column)} as x from {Quoted}) where x is not null group by x order by count(*) desc, x limit {MostCategories}", cancellation);
        return [.. found.Rows(cancellation).Select(row => (string)row[0]!).Order(StringComparer.Ordinal)];
    }

    private IEnumerable<string> Expressions(FeatureRule rule) => rule switch
    {
        NumberRule(var column, _, var offset, var scale, var fill) => [Scaled(Number(column), offset, scale, fill)],
        DaysBeforeRule(var column, _, var offset, var scale, var fill) => [Scaled(DaysBefore(column), offset, scale, fill)],
        CategoryRule(var column, var categories) => categories.Select(category => $"case when {Category(column)} = {SqlText.Literal(category)} then 1.0::double else 0.0::double end"),
        _ => throw new NotSupportedException($"A rule of type {rule.GetType().Name} has no SQL: add it here."),
    };

    private static string Scaled(string value, double offset, double scale, double fill) => $"(coalesce({value}, {Text(fill)}) - {Text(offset)}) / {Text(scale)}";

    private static string Number(string column) => $"{SqlText.Identifier(column)}::double";

    private string DaysBefore(string column) =>
        $"date_diff('day', {SqlText.Identifier(column)}, date '{asOf.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)}')::double";

    private static string Category(string column) => $"nullif(lower(trim({SqlText.Identifier(column)}::varchar)), '')";

    private static string Text(double value) => $"{value.ToString("R", CultureInfo.InvariantCulture)}::double";
}
