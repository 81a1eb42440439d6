using System.Globalization;
using System.Text;

namespace Workflow.Data.SchemaConversion;

/// <summary>What the DDL is written for.</summary>
public enum ConversionTarget
{
    Postgres,
    Redshift,
}

public enum Outcome
{
    /// <summary>It means the same in the target.</summary>
    Converted,

    /// <summary>It is in the target, and means something else there in a way that one should know.</summary>
    Changed,

    /// <summary>It says how Oracle stores things, and has no place in the target.</summary>
    Dropped,

    /// <summary>It is not in the target, or only as a guess: somebody has to decide.</summary>
    NeedsPerson,
}

/// <summary>What became of one thing in the script.</summary>
/// <param name="Line">Where it is in the script, from 1.</param>
/// <param name="Object">What it belongs to, such as <c>HR.EMPLOYEES.SALARY</c>.</param>
/// <param name="What">The thing itself.</param>
/// <param name="Why">What was made of it, or what to do.</param>
public sealed record Finding(Outcome Outcome, int Line, string Object, string What, string Why);

/// <summary>What became of a script: every statement is in it at least once.</summary>
public sealed record Assessment(ConversionTarget Target, int Statements, IReadOnlyList<Finding> Findings)
{
    public int Converted => Count(Outcome.Converted);

    public int Changed => Count(Outcome.Changed);

    public int Dropped => Count(Outcome.Dropped);

    public int NeedsPerson => Count(Outcome.NeedsPerson);

    /// <summary>As a page of Markdown, what needs a person first.</summary>
    public string ToMarkdown()
    {
        var page = new StringBuilder();
        page.Append(CultureInfo.InvariantCulture, $"# Oracle to {Target}: assessment\n\n");
        page.Append(CultureInfo.InvariantCulture, $"{Statements} statements: {Converted} findings converted, {Changed} changed, {Dropped} dropped, {NeedsPerson} need a person.\n");
        Append(page, Outcome.NeedsPerson, "Needs a person");
        Append(page, Outcome.Changed, "Changed: converted, and different");
        Append(page, Outcome.Dropped, "Dropped: how Oracle stores it");
        Append(page, Outcome.Converted, "Converted");
        return page.ToString();
    }

    private int Count(Outcome outcome) => Findings.Count(finding => finding.Outcome == outcome);

    private void Append(StringBuilder page, Outcome outcome, string title)
    {
        var findings = Findings.Where(finding => finding.Outcome == outcome).ToList();
        if (findings.Count == 0)
        {
            return;
        }

        page.Append(CultureInfo.InvariantCulture, $"\n## {title}\n\n| line | object | what | why |\n|---|---|---|---|\n");
        foreach (var finding in findings)
        {
            page.Append(CultureInfo.InvariantCulture, $"| {finding.Line} | {Cell(finding.Object)} | {Cell(finding.What)} | {Cell(finding.Why)} |\n");
        }
    }

    private static string Cell(string text) => text.Replace("|", "\\|").ReplaceLineEndings(" ");
}

/// <summary>Collects what becomes of things.</summary>
internal sealed class Findings
{
    private readonly List<Finding> _all = [];

    /// <summary>In the order of the script.</summary>
    public IReadOnlyList<Finding> All => [.. _all.OrderBy(finding => finding.Line)];

    public void Add(Outcome outcome, int line, object of, string what, string why) => _all.Add(new(outcome, line, $"{of}", what, why));
}
