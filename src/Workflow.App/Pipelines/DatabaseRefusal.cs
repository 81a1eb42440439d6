using Npgsql;
using Workflow.Durable;

namespace Workflow.App.Pipelines;

/// <summary>What a database refuses for good, told with what was wanted of it.</summary>
internal static class DatabaseRefusal
{
    /// <summary>
    /// No retry can mend it. Not what two steps create at once, such as their schema's first ledger: the one that came second finds it there
    /// the next time.
    /// </summary>
    public static bool IsFinal(PostgresException refused) => !refused.IsTransient && refused.SqlState != PostgresErrorCodes.DuplicateObject;

    /// <param name="what">Who refused what, without a full stop.</param>
    public static NonRetriableException Explain(string what, PostgresException refused, string next = "") =>
        new($"{what}: {refused.MessageText} ({refused.SqlState}){next}", refused);
}
