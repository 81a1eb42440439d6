using System.Text;
using Workflow.Data.Schema;

namespace Workflow.Data.Quality;

/// <summary>An end of a range, as a rule writes it.</summary>
internal abstract record Bound(string Sql)
{
    /// <returns>Null where the text is neither a number nor a time.</returns>
    public static Bound? Read(string text)
    {
        var utf8 = Encoding.UTF8.GetBytes(text);
        return ValueText.TryNumber(utf8, out var shape) ? new Number(text, shape.IsWhole && ValueText.TryBigint(utf8, shape, out _))
            : ValueText.TryDate(utf8, out _) || ValueText.TryTimestamp(utf8, out _, out _) ? new Time(DeclarativeSql.Utc($"cast({SqlText.Literal(text)} as timestamptz)"))
            : null;
    }

    internal sealed record Number(string Sql, bool IsWhole) : Bound(Sql);

    /// <summary>In UTC where the text names a zone.</summary>
    internal sealed record Time(string Sql) : Bound(Sql);
}
