namespace Workflow.Data.SchemaConversion;

/// <summary>A name as Oracle keeps it: upper case where it was not quoted.</summary>
internal sealed record OracleName(string? Schema, string Name)
{
    /// <summary>For people: as one would write it.</summary>
    public override string ToString() => Schema is null ? Name : $"{Schema}.{Name}";
}

/// <summary>What a script defines, as far as it was understood.</summary>
internal sealed class OracleSchema
{
    public List<OracleTable> Tables { get; } = [];

    /// <summary>Constraints on tables that the script does not create.</summary>
    public List<(OracleName Table, OracleConstraint Constraint)> LooseConstraints { get; } = [];

    public List<OracleIndex> Indexes { get; } = [];

    public List<OracleSequence> Sequences { get; } = [];

    public List<OracleComment> Comments { get; } = [];

    public OracleTable? Find(OracleName name) => Tables.Find(table => table.Name == name);
}

internal sealed record OracleTable(OracleName Name, int Line)
{
    public List<OracleColumn> Columns { get; } = [];

    public List<OracleConstraint> Constraints { get; } = [];

    public OracleConstraint? PrimaryKey => Constraints.Find(constraint => constraint is { Kind: ConstraintKind.PrimaryKey, IsDisabled: false });

    public OracleColumn? Find(string column) => Columns.Find(candidate => candidate.Name == column);
}

internal sealed record OracleColumn(string Name, OracleType Type, int Line)
{
    public bool IsRequired { get; set; }

    /// <summary>Of the not-null constraint.</summary>
    public string? RequiredName { get; set; }

    public IReadOnlyList<Token> Default { get; set; } = [];

    public string DefaultText { get; set; } = "";
}

/// <param name="Text">As it was written.</param>
/// <param name="First">Length, or precision.</param>
/// <param name="CountsCharacters">Of a length: <c>char</c>, <c>byte</c>, or neither.</param>
internal sealed record OracleType(string Name, string Text, int? First = null, int? Second = null, bool? CountsCharacters = null);

internal enum ConstraintKind
{
    PrimaryKey,
    Unique,
    ForeignKey,
    Check,
}

internal sealed record OracleConstraint(ConstraintKind Kind, string? Name, IReadOnlyList<string> Columns, int Line)
{
    public OracleName? References { get; init; }

    public IReadOnlyList<string> ReferencedColumns { get; init; } = [];

    /// <summary><c>cascade</c> or <c>set null</c>.</summary>
    public string? OnDelete { get; init; }

    public IReadOnlyList<Token> Condition { get; init; } = [];

    public string ConditionText { get; init; } = "";

    public bool IsDisabled { get; init; }

    /// <summary>Holds for new rows only.</summary>
    public bool IsNotValidated { get; init; }

    public bool IsDeferrable { get; init; }

    public bool IsDeferred { get; init; }

    /// <summary>For people: <c>foreign key EMP_DEPT_FK</c>.</summary>
    public override string ToString()
    {
        var kind = Kind switch
        {
            ConstraintKind.PrimaryKey => "primary key",
            ConstraintKind.Unique => "unique constraint",
            ConstraintKind.ForeignKey => "foreign key",
            _ => "check constraint",
        };
        return Name is null ? kind : $"{kind} {Name}";
    }
}

internal sealed record OracleIndex(OracleName Name, OracleName Table, bool IsUnique, IReadOnlyList<(string Column, bool Descending)> Columns, int Line);

internal sealed record OracleSequence(OracleName Name, int Line)
{
    public decimal? Start { get; set; }

    public decimal Increment { get; set; } = 1;

    public decimal? Min { get; set; }

    public decimal? Max { get; set; }

    public bool Cycles { get; set; }
}

/// <param name="Column">Null for the table's own.</param>
internal sealed record OracleComment(OracleName Table, string? Column, string Text, int Line);
