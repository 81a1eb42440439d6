using System.Globalization;
using Workflow.Data.Quality;

namespace Workflow.App.Pipelines.QualityGate;

/// <summary>The rules in C#, and what is checked where the settings name no rule.</summary>
internal static class GateRules
{
    /// <summary>Of records that the file is broken at; no rule sees them.</summary>
    public const string MalformedType = "MALFORMED_RECORD";
    public const string MalformedRule = "malformed_record";

    private static readonly string[] Categories = ["Electronics", "Books", "Clothing", "Home & Kitchen"];

    /// <summary>The list of the rules in C#. A new one is a method below and a line here.</summary>
    public static IReadOnlyList<RecordRule> Records { get; } =
    [
        new("product_category", "INVALID_CATEGORY", "The product category is one of those that are sold", ProductCategory),
        new("price_positive", "INVALID_PRICE", "The price is a positive number", PricePositive),
    ];

    public static IReadOnlyList<QualityRule> Default { get; } =
    [
        new() { Name = "null_user_id", ErrorType = "NULL_USER_ID", Description = "The user id is missing", Query = Sql("null_user_id") },
        new() { Name = "invalid_email", ErrorType = "INVALID_EMAIL", Description = "The e-mail address is missing or is none", Query = Sql("invalid_email") },
        new() { Name = "duplicate_order_id", ErrorType = "DUPLICATE_ORDER_ID", Description = "Several rows have this order id", Query = Sql("duplicate_order_id") },
        .. Records.Select(record => new QualityRule { Name = record.Name, Kind = RuleKind.Record }),
    ];

    /// <summary>Everything that will not do about rules from the settings.</summary>
    public static IEnumerable<RuleProblem> Problems(IReadOnlyList<QualityRule> rules) => RuleProblem.Find(rules, Records).Concat(
        rules.Index().Where(rule => rule.Item.ErrorType == MalformedType).Select(rule => new RuleProblem(rule.Index, nameof(QualityRule.ErrorType), MalformedType, "write another: this one is of records that cannot be read")));

    public static RuleResult Malformed(RecordTable records) => new(
        MalformedRule, MalformedType, "The record cannot be read", RuleAction.Quarantine, RuleVerdict.Failed, records.Malformed, (double)records.Malformed / (records.Rows + records.Malformed)) { SetsAside = true };

    private static Violation? ProductCategory(DataRecord record) =>
        record.Text("product_category") is { } category && Categories.Contains(category) ? null : new($"product_category is {Shown(record["product_category"])}, not one of {string.Join(", ", Categories)}");

    private static Violation? PricePositive(DataRecord record) => record.Number("price") switch
    {
        null => new($"price is {Shown(record["price"])}, not a number"),
        <= 0 => new($"price is {Shown(record["price"])}, not positive"),
        _ => null,
    };

    private static string Shown(object? value) => value is null ? "missing" : $"'{Convert.ToString(value, CultureInfo.InvariantCulture)}'";

    private static string Sql(string name)
    {
        using var reader = new StreamReader(typeof(GateRules).Assembly.GetManifestResourceStream($"Pipelines/QualityGate/{name}.sql")!);
        return reader.ReadToEnd();
    }
}
