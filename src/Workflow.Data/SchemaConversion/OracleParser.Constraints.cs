namespace Workflow.Data.SchemaConversion;

/// <summary>Constraints, in a column, in a table and added to one, and the clauses about storage that come behind things.</summary>
internal sealed partial class OracleParser
{
    private static bool BeginsConstraint(TokenCursor cursor)
    {
        var ahead = cursor.Next("CONSTRAINT") ? 2 : 0;
        var (first, second) = (cursor.Peek(ahead), cursor.Peek(ahead + 1));
        return (first.Is("PRIMARY") && second.Is("KEY")) || (first.Is("FOREIGN") && second.Is("KEY")) || first.Is("UNIQUE") || (first.Is("CHECK") && second.IsSymbol("("))
            || (ahead > 0 && first.Is("REFERENCES"));
    }

    /// <param name="column">The column it stands in, which it is about; null where it names its columns.</param>
    private OracleConstraint ReadConstraint(TokenCursor cursor, OracleName table, string? column)
    {
        var line = cursor.Line;
        var name = cursor.Take("CONSTRAINT") ? cursor.TakeName() : null;
        OracleConstraint constraint;
        if (cursor.Take("PRIMARY", "KEY"))
        {
            constraint = new(ConstraintKind.PrimaryKey, name, Columns(), line);
        }
        else if (cursor.Take("UNIQUE"))
        {
            constraint = new(ConstraintKind.Unique, name, Columns(), line);
        }
        else if (cursor.Take("CHECK"))
        {
            var begin = cursor.Position;
            var condition = cursor.TakeGroup();
            constraint = new(ConstraintKind.Check, name, [], line) { Condition = condition, ConditionText = cursor.Statement.Excerpt(begin, cursor.Position) };
        }
        else
        {
            cursor.Take("FOREIGN", "KEY");
            var columns = Columns();
            cursor.Expect("REFERENCES");
            var references = cursor.TakeQualifiedName();
            var referenced = cursor.Current.IsSymbol("(") ? cursor.TakeNames() : [];
            var onDelete = cursor.Take("ON", "DELETE", "CASCADE") ? "cascade" : cursor.Take("ON", "DELETE", "SET", "NULL") ? "set null" : null;
            constraint = new(ConstraintKind.ForeignKey, name, columns, line) { References = references, ReferencedColumns = referenced, OnDelete = onDelete };
        }

        return Apply(constraint, ReadState(cursor, name is null ? table : new OracleName(table.Schema, $"{table.Name}.{name}")));

        IReadOnlyList<string> Columns() => column is null ? cursor.TakeNames() : [column];
    }

    private static OracleConstraint Apply(OracleConstraint constraint, HashSet<string> state) => constraint with
    {
        IsDisabled = state.Contains("DISABLE"),
        IsNotValidated = state.Contains("NOVALIDATE"),
        IsDeferrable = state.Contains("DEFERRABLE"),
        IsDeferred = state.Contains("DEFERRED"),
    };

    /// <summary>What comes behind a constraint: whether it is enforced, and what its index is stored like.</summary>
    private HashSet<string> ReadState(TokenCursor cursor, object of)
    {
        var state = new HashSet<string>(StringComparer.Ordinal);
        while (!cursor.EndsElement)
        {
            var line = cursor.Line;
            var begin = cursor.Position;
            if (cursor.Take("NOT", "DEFERRABLE") || cursor.Take("ENABLE") || cursor.Take("VALIDATE") || cursor.Take("RELY") || cursor.Take("NORELY") || cursor.Take("INITIALLY", "IMMEDIATE"))
            {
                continue;
            }

            if (cursor.Take("INITIALLY", "DEFERRED"))
            {
                state.UnionWith(["DEFERRABLE", "DEFERRED"]);
            }
            else if (cursor.Next("DISABLE") || cursor.Next("NOVALIDATE") || cursor.Next("DEFERRABLE"))
            {
                state.Add(cursor.TakeAny().Text);
            }
            else if (cursor.Take("USING", "INDEX"))
            {
                SkipIndex(cursor);
                var clause = cursor.Statement.Excerpt(begin, cursor.Position);
                findings.Add(Outcome.Dropped, line, of, clause, "The target makes the index of a key itself.");
            }
            else
            {
                break;
            }
        }

        return state;
    }

    private static void SkipIndex(TokenCursor cursor)
    {
        if (cursor.Current.IsSymbol("("))
        {
            cursor.TakeGroup();
        }
        else if (cursor.Current.Kind == TokenKind.QuotedName || (cursor.Current.IsName && !IsPhysical(cursor) && !cursor.Next("ENABLE") && !cursor.Next("DISABLE") && !cursor.Next("NOVALIDATE") && !cursor.Next("VALIDATE")))
        {
            cursor.TakeQualifiedName();
        }

        while (IsPhysical(cursor))
        {
            SkipPhysical(cursor);
        }
    }

    /// <summary>Takes the clauses about storage, and reports them in one.</summary>
    private void TakePhysical(TokenCursor cursor, OracleName of)
    {
        var (line, begin) = (cursor.Line, cursor.Position);
        while (!cursor.AtEnd && IsPhysical(cursor))
        {
            SkipPhysical(cursor);
        }

        if (cursor.Position > begin)
        {
            findings.Add(Outcome.Dropped, line, of, cursor.Statement.Excerpt(begin, cursor.Position), "It says how Oracle stores it.");
        }
    }

    private static bool IsPhysical(TokenCursor cursor) => cursor.Current.Kind == TokenKind.Word && (cursor.Current.Text switch
    {
        "PCTFREE" or "PCTUSED" or "INITRANS" or "MAXTRANS" or "STORAGE" or "TABLESPACE" or "LOGGING" or "NOLOGGING" or "COMPRESS" or "NOCOMPRESS" => true,
        "CACHE" or "NOCACHE" or "PARALLEL" or "NOPARALLEL" or "MONITORING" or "NOMONITORING" or "RESULT_CACHE" or "ONLINE" or "LOB" or "INMEMORY" => true,
        "ROWDEPENDENCIES" or "NOROWDEPENDENCIES" or "PCTTHRESHOLD" or "OVERFLOW" or "INDEXING" or "FLASHBACK" or "INCLUDING" => true,
        "SEGMENT" => cursor.Next("SEGMENT", "CREATION"),
        "COMPUTE" => cursor.Next("COMPUTE", "STATISTICS"),
        "ORGANIZATION" => cursor.Next("ORGANIZATION", "HEAP"),
        "ENABLE" or "DISABLE" => cursor.Peek(1).Is("ROW") && cursor.Peek(2).Is("MOVEMENT"),
        "ROW" or "COLUMN" => cursor.Peek(1).Is("STORE"),
        "NO" => cursor.Peek(1).Is("INMEMORY") || cursor.Peek(1).Is("FLASHBACK"),
        _ => false,
    });

    private static void SkipPhysical(TokenCursor cursor)
    {
        var word = cursor.TakeAny().Text;
        var more = word switch
        {
            "PCTFREE" or "PCTUSED" or "INITRANS" or "MAXTRANS" or "TABLESPACE" or "PCTTHRESHOLD" or "INDEXING" or "INCLUDING" => 1,
            "SEGMENT" or "ENABLE" or "DISABLE" or "ROW" or "COLUMN" => 2,
            "COMPUTE" or "ORGANIZATION" or "NO" => 1,
            "FLASHBACK" => cursor.Peek(1).Kind == TokenKind.QuotedName ? 2 : 1,
            "PARALLEL" or "COMPRESS" => cursor.Current.Kind == TokenKind.Number ? 1 : 0,
            _ => 0,
        };
        for (; more > 0; more--)
        {
            cursor.TakeAny();
        }

        while (word is "COMPRESS" or "ROW" or "COLUMN" or "INMEMORY" && IsOneOf(cursor, "FOR", "BASIC", "ADVANCED", "OLTP", "QUERY", "ARCHIVE", "LOW", "HIGH", "ALL", "OPERATIONS", "MEMCOMPRESS", "PRIORITY", "NONE", "CRITICAL"))
        {
            cursor.TakeAny();
        }

        if (word == "LOB")
        {
            cursor.TakeGroup();
            while (IsOneOf(cursor, "STORE", "AS", "SECUREFILE", "BASICFILE") || (cursor.Current.IsName && cursor.Peek(1).IsSymbol("(")))
            {
                cursor.TakeAny();
            }
        }

        if (cursor.Current.IsSymbol("(") && word is "STORAGE" or "RESULT_CACHE" or "LOB" or "PARALLEL" or "INMEMORY")
        {
            cursor.TakeGroup();
        }
    }

    private static bool IsOneOf(TokenCursor cursor, params ReadOnlySpan<string> words) => cursor.Current.Kind == TokenKind.Word && words.Contains(cursor.Current.Text);
}
