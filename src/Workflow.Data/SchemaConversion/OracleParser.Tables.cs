using System.Globalization;

namespace Workflow.Data.SchemaConversion;

/// <summary>The create-table statement: columns, their types and defaults.</summary>
internal sealed partial class OracleParser
{
    private static readonly string[] DefaultEnds =
        ["NOT", "NULL", "CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "REFERENCES", "ENABLE", "DISABLE", "GENERATED", "VISIBLE", "INVISIBLE", "ENCRYPT", "COLLATE"];

    private void ReadTable(TokenCursor cursor)
    {
        var line = cursor.Statement.Line;
        cursor.Take("IF", "NOT", "EXISTS");
        var table = new OracleTable(cursor.TakeQualifiedName(), line);
        if (cursor.Next("OF") || cursor.Next("AS"))
        {
            findings.Add(Outcome.NeedsPerson, line, table.Name, $"create table … {cursor.SkipRest()}", "A table of an object type or of a query says its columns elsewhere. Write them out.");
            return;
        }

        cursor.ExpectSymbol("(");
        do
        {
            ReadElement(cursor, table);
        }
        while (cursor.TakeSymbol(","));
        cursor.ExpectSymbol(")");
        if (ReadTableClauses(cursor, table.Name))
        {
            Schema.Tables.Add(table);
        }
    }

    /// <returns>False where the table is none that is created in the target.</returns>
    private bool ReadTableClauses(TokenCursor cursor, OracleName table)
    {
        TakePhysical(cursor, table);
        var line = cursor.Line;
        if (cursor.Next("ORGANIZATION", "EXTERNAL") || cursor.Next("AS"))
        {
            findings.Add(Outcome.NeedsPerson, line, table, cursor.SkipRest(), "Its rows come from elsewhere; the table was left out. Load them, or name the file to a pipeline.");
            return false;
        }

        if (cursor.Take("ORGANIZATION", "INDEX"))
        {
            findings.Add(Outcome.Changed, line, table, "organization index", "An ordinary table with a primary key.");
            TakePhysical(cursor, table);
        }

        if (cursor.Next("PARTITION") || cursor.Next("CLUSTER") || cursor.Next("NESTED"))
        {
            findings.Add(Outcome.NeedsPerson, line, table, cursor.SkipRest(), "The table was converted without it. Decide whether the target's needs partitions.");
        }

        return true;
    }

    private void ReadElement(TokenCursor cursor, OracleTable table)
    {
        if (BeginsConstraint(cursor))
        {
            table.Constraints.Add(ReadConstraint(cursor, table.Name, column: null));
        }
        else if (cursor.Next("SUPPLEMENTAL", "LOG"))
        {
            findings.Add(Outcome.Dropped, cursor.Line, table.Name, cursor.SkipElement(), "It says what Oracle logs.");
        }
        else
        {
            ReadColumn(cursor, table);
        }
    }

    private void ReadColumn(TokenCursor cursor, OracleTable table)
    {
        var line = cursor.Line;
        var name = cursor.TakeName();
        var label = $"{table.Name}.{name}";
        var isVirtual = cursor.Next("AS") || cursor.Next("GENERATED", "ALWAYS", "AS");
        var column = new OracleColumn(name, isVirtual ? new("", "") : ReadType(cursor), line);
        while (!cursor.EndsElement)
        {
            if (cursor.Next("AS") || (cursor.Next("GENERATED", "ALWAYS", "AS") && cursor.Peek(3).IsSymbol("(")))
            {
                findings.Add(Outcome.NeedsPerson, line, label, cursor.SkipElement(), "A virtual column; it was left out. Compute it in a view or in the pipeline.");
                return;
            }

            ReadAttribute(cursor, table, column, label);
        }

        table.Columns.Add(column);
    }

    private void ReadAttribute(TokenCursor cursor, OracleTable table, OracleColumn column, string label)
    {
        var line = cursor.Line;
        if (cursor.Take("DEFAULT"))
        {
            ReadDefault(cursor, column, label);
        }
        else if (cursor.Take("NOT", "NULL"))
        {
            column.IsRequired = true;
            ReadState(cursor, label);
        }
        else if (cursor.Next("CONSTRAINT") && cursor.Peek(2).Is("NOT") && cursor.Peek(3).Is("NULL"))
        {
            cursor.TakeAny();
            column.RequiredName = cursor.TakeName();
        }
        else if (BeginsConstraint(cursor) || cursor.Next("REFERENCES"))
        {
            table.Constraints.Add(ReadConstraint(cursor, table.Name, column.Name));
        }
        else if (cursor.Take("GENERATED"))
        {
            ReadIdentity(cursor, column, label);
        }
        else if (cursor.Take("INVISIBLE"))
        {
            findings.Add(Outcome.Changed, line, label, "invisible", "The column is visible in the target.");
        }
        else if (cursor.Take("COLLATE"))
        {
            findings.Add(Outcome.NeedsPerson, line, label, $"collate {cursor.TakeName()}", "Collations have other names in the target; it was left out.");
        }
        else if (!cursor.Take("VISIBLE") && !cursor.Take("NULL") && !cursor.Take("SORT"))
        {
            findings.Add(Outcome.NeedsPerson, line, label, cursor.SkipElement(), "This part of the column is not understood and was left out.");
        }
    }

    private void ReadIdentity(TokenCursor cursor, OracleColumn column, string label)
    {
        var (line, begin) = (cursor.Line, cursor.Position - 1);
        while (!cursor.Take("IDENTITY"))
        {
            if (cursor.EndsElement)
            {
                throw cursor.Unreadable("IDENTITY");
            }

            cursor.TakeAny();
        }

        if (cursor.Current.IsSymbol("("))
        {
            cursor.TakeGroup();
        }

        column.IsRequired = true;
        findings.Add(Outcome.NeedsPerson, line, label, cursor.Statement.Excerpt(begin, cursor.Position),
            "An identity column; it was written without. Rows that come from Oracle bring their numbers: make it an identity by default once the target numbers its own.");
    }

    private void ReadDefault(TokenCursor cursor, OracleColumn column, string label)
    {
        var line = cursor.Line;
        if (cursor.Take("ON", "NULL"))
        {
            column.IsRequired = true;
            findings.Add(Outcome.Changed, line, label, "default on null", "The target's default is for a column that is not named, not for a null that is.");
        }

        var begin = cursor.Position;
        do
        {
            if (cursor.Current.IsSymbol("("))
            {
                cursor.TakeGroup();
            }
            else
            {
                cursor.TakeAny();
            }
        }
        while (!cursor.EndsElement && !(cursor.Current.Kind == TokenKind.Word && DefaultEnds.Contains(cursor.Current.Text)));
        column.Default = [.. cursor.Statement.Tokens.Skip(begin).Take(cursor.Position - begin)];
        column.DefaultText = cursor.Statement.Excerpt(begin, cursor.Position);
    }

    private static OracleType ReadType(TokenCursor cursor)
    {
        var begin = cursor.Position;
        var name = cursor.Current.Kind == TokenKind.Word || cursor.Current.Kind == TokenKind.QuotedName ? cursor.TakeAny().Text : throw cursor.Unreadable("a type");
        name += name switch
        {
            "LONG" when cursor.Take("RAW") => " RAW",
            "DOUBLE" when cursor.Take("PRECISION") => " PRECISION",
            "INTERVAL" => $" {cursor.TakeAny().Text}",
            _ when cursor.TakeSymbol(".") => $".{cursor.TakeName()}",
            "CHARACTER" or "CHAR" or "NCHAR" or "NATIONAL" when cursor.Take("VARYING") => " VARYING",
            _ => "",
        };
        int? first = null, second = null;
        bool? characters = null;
        if (cursor.TakeSymbol("("))
        {
            first = cursor.TakeSymbol("*") ? null : TakeInteger(cursor);
            characters = cursor.Take("CHAR") ? true : cursor.Take("BYTE") ? false : null;
            second = cursor.TakeSymbol(",") ? TakeInteger(cursor) : null;
            cursor.ExpectSymbol(")");
        }

        if (cursor.Take("WITH", "TIME", "ZONE"))
        {
            name += " WITH TIME ZONE";
        }
        else if (cursor.Take("WITH", "LOCAL", "TIME", "ZONE"))
        {
            name += " WITH LOCAL TIME ZONE";
        }
        else if (name.StartsWith("INTERVAL", StringComparison.Ordinal) && cursor.Take("TO"))
        {
            name += $" TO {cursor.TakeAny().Text}";
            if (cursor.Current.IsSymbol("("))
            {
                cursor.TakeGroup();
            }
        }

        return new(name, cursor.Statement.Excerpt(begin, cursor.Position).ToLowerInvariant(), first, second, characters);
    }

    private static int TakeInteger(TokenCursor cursor)
    {
        var sign = cursor.TakeSymbol("-") ? -1 : 1;
        var token = cursor.TakeAny();
        return int.TryParse(token.Text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? sign * number
            : throw new UnreadableStatementException(token.Line, $"expected a whole number, found '{token.Text}' in line {token.Line}");
    }
}
