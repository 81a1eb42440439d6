using System.Text;

namespace Workflow.Data.SchemaConversion;

/// <summary>Writes an Oracle schema as DDL of the target. Names are quoted: what Oracle folded to upper case is folded to lower.</summary>
internal sealed partial class DdlWriter(OracleSchema schema, ConversionTarget target, Findings findings)
{
    private readonly StringBuilder _ddl = new();

    // Indexes, the keys that make one, tables and sequences share their names in the target, and do not in Oracle.
    private readonly HashSet<(string? Schema, string Name)> _relations = [];

    private bool IsPostgres => target == ConversionTarget.Postgres;

    private int LongestName => IsPostgres ? 63 : 127;

    public string Write()
    {
        foreach (var name in schema.Tables.Select(table => table.Name.Schema).Concat(schema.Sequences.Select(sequence => sequence.Name.Schema)).OfType<string>().Distinct())
        {
            Append($"create schema if not exists {Quote(name)}");
        }

        schema.Tables.ForEach(table => _relations.Add((table.Name.Schema, Fold(table.Name.Name))));
        schema.Sequences.ForEach(WriteSequence);
        schema.Tables.ForEach(WriteTable);
        schema.Indexes.ForEach(WriteIndex);
        schema.Tables.ForEach(table => table.Constraints.ForEach(constraint => WriteLaterConstraint(table.Name, table, constraint)));
        schema.LooseConstraints.ForEach(loose => WriteLaterConstraint(loose.Table, null, loose.Constraint));
        schema.Comments.ForEach(WriteComment);
        return _ddl.ToString();
    }

    private void WriteTable(OracleTable table)
    {
        CheckNames(table);
        var lines = table.Columns.Select(column => $"    {WriteColumn(table, column)}")
            .Concat(table.Constraints.Select(constraint => WriteConstraint(table, constraint)).OfType<string>().Select(constraint => $"    {constraint}"))
            .ToList();
        if (table.Columns.Count == 0)
        {
            findings.Add(Outcome.NeedsPerson, table.Line, table.Name, "create table", "No column of it was converted; it was left out.");
            return;
        }

        Append($"create table {Quote(table.Name)} (\n{string.Join(",\n", lines)}\n){(IsPostgres ? "" : WriteDistribution(table))}");
        findings.Add(Outcome.Converted, table.Line, table.Name, $"table of {table.Columns.Count} columns", $"{Quote(table.Name)}");
    }

    private string WriteColumn(OracleTable table, OracleColumn column)
    {
        var label = $"{table.Name}.{column.Name}";
        var type = TypeConversion.Convert(column.Type, target);
        if (type.Note is { } note)
        {
            findings.Add(type.Outcome, column.Line, label, $"{column.Type.Text} → {type.Sql}", note);
        }

        var isRequired = column.IsRequired || table.PrimaryKey?.Columns.Contains(column.Name) == true;
        var named = column.RequiredName is { } name && IsPostgres ? $" constraint {Quote(name)}" : "";
        return $"{Quote(column.Name)} {type.Sql}{WriteDefault(column, label)}{(isRequired ? $"{named} not null" : "")}";
    }

    private string WriteDefault(OracleColumn column, string label)
    {
        if (column.Default.Count == 0)
        {
            return "";
        }

        if (ExpressionConversion.Sequence(column.Default) is { } sequence)
        {
            if (IsPostgres && schema.Sequences.Exists(known => known.Name == sequence))
            {
                return $" default nextval({SqlText.Literal(Quote(sequence))})";
            }
        }
        else if (ExpressionConversion.Default(column.Default, column.Type, target) is { } converted)
        {
            if (!converted.Equals(column.DefaultText, StringComparison.OrdinalIgnoreCase))
            {
                findings.Add(Outcome.Changed, column.Line, label, $"default {column.DefaultText}", converted == "null" ? "Oracle's empty text is null." : $"{converted}");
            }

            return $" default {converted}";
        }

        findings.Add(Outcome.NeedsPerson, column.Line, label, $"default {column.DefaultText}", "There is no default in the target that is sure to mean the same; it was left out.");
        return "";
    }

    /// <returns>Null where it is not part of the create table.</returns>
    private string? WriteConstraint(OracleTable table, OracleConstraint constraint)
    {
        if (constraint.IsDisabled || constraint.Kind is ConstraintKind.ForeignKey || (constraint.Kind is ConstraintKind.Check && constraint.IsNotValidated))
        {
            return null;
        }

        return WriteDefinition(table.Name, table, constraint) is { } definition ? $"{Named(table.Name, constraint)}{definition}" : null;
    }

    /// <summary>What is added once all tables are there: what refers to others, and what need not hold for the rows there are.</summary>
    private void WriteLaterConstraint(OracleName name, OracleTable? table, OracleConstraint constraint)
    {
        if (constraint.IsDisabled)
        {
            findings.Add(Outcome.NeedsPerson, constraint.Line, name, $"disabled {constraint}", "The target cannot keep a constraint switched off; it was left out.");
        }
        else if ((table is null || constraint.Kind is ConstraintKind.ForeignKey || (constraint.Kind is ConstraintKind.Check && constraint.IsNotValidated))
            && WriteDefinition(name, table, constraint) is { } definition)
        {
            var notValid = IsPostgres && constraint.IsNotValidated && constraint.Kind is ConstraintKind.ForeignKey or ConstraintKind.Check ? " not valid" : "";
            Append($"alter table {Quote(name)} add {Named(name, constraint)}{definition}{notValid}");
        }
    }

    private string? WriteDefinition(OracleName table, OracleTable? created, OracleConstraint constraint)
    {
        var definition = constraint.Kind switch
        {
            ConstraintKind.PrimaryKey => $"primary key {Quote(constraint.Columns)}",
            ConstraintKind.Unique => $"unique {Quote(constraint.Columns)}",
            ConstraintKind.ForeignKey => WriteReference(table, constraint),
            _ => WriteCheck(table, created, constraint),
        };
        if (definition is null)
        {
            return null;
        }

        if (!IsPostgres)
        {
            findings.Add(Outcome.Changed, constraint.Line, table, $"{constraint}", "Redshift does not enforce it; its planner believes it. The load has to keep it.");
            return definition;
        }

        findings.Add(Outcome.Converted, constraint.Line, table, $"{constraint}", definition);
        return definition + (constraint.IsDeferrable ? " deferrable" : "") + (constraint.IsDeferred ? " initially deferred" : "");
    }

    private string WriteReference(OracleName table, OracleConstraint constraint)
    {
        var onDelete = constraint.OnDelete is { } action ? $" on delete {action}" : "";
        if (!IsPostgres && onDelete.Length > 0)
        {
            findings.Add(Outcome.NeedsPerson, constraint.Line, table, $"{constraint}{onDelete}", "Redshift does nothing when a row is deleted. Delete what refers to it in the pipeline.");
            onDelete = "";
        }

        var columns = constraint.ReferencedColumns.Count == 0 ? "" : $" {Quote(constraint.ReferencedColumns)}";
        return $"foreign key {Quote(constraint.Columns)} references {Quote(constraint.References!)}{columns}{onDelete}";
    }

    private string? WriteCheck(OracleName table, OracleTable? created, OracleConstraint constraint)
    {
        if (IsPostgres && ExpressionConversion.Condition(constraint.Condition, created, Quote) is { } condition)
        {
            return $"check ({condition})";
        }

        findings.Add(Outcome.NeedsPerson, constraint.Line, table, $"{constraint} {constraint.ConditionText}",
            IsPostgres ? "There is no condition in the target that is sure to mean the same; it was left out." : "Redshift has no check constraints. Make it a rule of the quality gate.");
        return null;
    }

    /// <summary>The constraint's name, where the target has room for it.</summary>
    private string Named(OracleName table, OracleConstraint constraint)
    {
        if (constraint.Name is not { } name)
        {
            return "";
        }

        if (constraint.Kind is ConstraintKind.PrimaryKey or ConstraintKind.Unique && !_relations.Add((table.Schema, Fold(name))))
        {
            findings.Add(Outcome.Changed, constraint.Line, table, $"{constraint}", "Something else in the target has this name; the target names the key itself.");
            return "";
        }

        return $"constraint {Quote(name)} ";
    }

    private void CheckNames(OracleTable table)
    {
        foreach (var (name, line) in table.Columns.Select(column => (column.Name, column.Line)).Prepend((table.Name.Name, table.Line)))
        {
            if (Encoding.UTF8.GetByteCount(name) > LongestName)
            {
                findings.Add(Outcome.NeedsPerson, line, table.Name, name, $"The target keeps {LongestName} bytes of a name. Shorten it.");
            }
            else if (!IsPostgres && Fold(name).Any(char.IsUpper))
            {
                findings.Add(Outcome.Changed, line, table.Name, name, "Redshift folds even quoted names to lower case.");
            }
        }

        foreach (var twice in table.Columns.GroupBy(column => IsPostgres ? Fold(column.Name) : column.Name.ToLowerInvariant()).Where(group => group.Count() > 1))
        {
            findings.Add(Outcome.NeedsPerson, twice.Last().Line, table.Name, string.Join(", ", twice.Select(column => column.Name)), "These names are one in the target. Rename all but one.");
        }
    }

    private void Append(string statement) => _ddl.Append(_ddl.Length == 0 ? "" : "\n").Append(statement).Append(";\n");

    /// <summary>As PostgreSQL folds what Oracle folded to upper case.</summary>
    internal static string Fold(string name) => name.Any(char.IsLower) ? name : name.ToLowerInvariant();

    private static string Quote(string name) => SqlText.Identifier(Fold(name));

    private static string Quote(OracleName name) => name.Schema is null ? Quote(name.Name) : $"{Quote(name.Schema)}.{Quote(name.Name)}";

    private static string Quote(IEnumerable<string> names) => $"({string.Join(", ", names.Select(Quote))})";
}
