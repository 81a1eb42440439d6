using Workflow.Data.DuckDb;

namespace Workflow.Data.Quality;

/// <summary>
/// Runs rules over the table (or view) <c>temp_data</c> of a database: its column <c>_row</c>, a bigint, is the row's line or record
/// number in its source, another for every row. Afterwards the view <c>good_rows</c> holds the rows that may go on, with all columns of
/// <c>temp_data</c>, and the view <c>bad_rows</c> those set aside: <c>error_type, rule, reason, line</c> and the row's columns, once per
/// rule that refuses it.
/// </summary>
/// <remarks>
/// Beside <c>temp_data</c>, or a table that a rule refers to, there may be a view of the same rows and columns with the values as their
/// source writes them (<see cref="TextOf"/>). Rules on text look there: a typed column has 2.00 where the source has 2.
/// </remarks>
public static class QualityRules
{
    public const string Table = "temp_data";
    public const string RowColumn = "_row";
    public const string GoodRows = "good_rows";
    public const string BadRows = "bad_rows";

    /// <summary>The error type of a rule that could not be run.</summary>
    public const string ExecutionError = "SQL_EXECUTION_ERROR";

    /// <summary>What the view of the values as text is called that belongs to a table.</summary>
    public static string TextOf(string table) => $"{table}_text";

    /// <summary>Runs each rule, whatever becomes of the others.</summary>
    /// <param name="database">
    /// Locked (<see cref="DuckDbDatabase.Lock"/>): the rules' SQL is of others. It runs as one SELECT in a read-only transaction.
    /// </param>
    /// <param name="rules">Without a <see cref="RuleProblem"/>.</param>
    /// <param name="records">What rules of kind <see cref="RuleKind.Record"/> may name.</param>
    /// <param name="now">For freshness.</param>
    public static Task<QualityReport> RunAsync(
        DuckDbDatabase database, IReadOnlyList<QualityRule> rules, IReadOnlyList<RecordRule> records, DateTimeOffset now, CancellationToken cancellation)
    {
        if (!database.IsLocked)
        {
            throw new InvalidOperationException("Rules run on a database that is locked: call Lock with the folder that holds what is written afterwards.");
        }

        if (RuleProblem.Find(rules, records).FirstOrDefault() is { } problem)
        {
            throw new ArgumentException($"The rule '{rules[problem.Rule].Name}' has {problem.Setting} '{problem.Value}': {problem.Wanted}.", nameof(rules));
        }

        return Task.Run(
            () =>
            {
                using var run = new RuleRun(database, now, cancellation);
                return run.Run(rules, records);
            },
            cancellation);
    }
}
