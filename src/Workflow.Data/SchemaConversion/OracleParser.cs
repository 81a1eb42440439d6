using System.Globalization;

namespace Workflow.Data.SchemaConversion;

/// <summary>Reads the statements of a script into an <see cref="OracleSchema"/>; what it does not read it reports.</summary>
internal sealed partial class OracleParser(Findings findings)
{
    public OracleSchema Schema { get; } = new();

    public void Read(OracleStatement statement)
    {
        var cursor = new TokenCursor(statement);
        if (statement.IsClient)
        {
            findings.Add(Outcome.Dropped, statement.Line, "SQL*Plus", statement.Excerpt(), "A command to the client, not to the database.");
            return;
        }

        try
        {
            Read(cursor);
            if (!cursor.AtEnd)
            {
                var line = cursor.Line;
                findings.Add(Outcome.NeedsPerson, line, "statement", cursor.SkipRest(), "This part of the statement is not understood and was left out.");
            }
        }
        catch (UnreadableStatementException unreadable)
        {
            findings.Add(Outcome.NeedsPerson, unreadable.Line, "statement", statement.Excerpt(), $"The statement is not understood and was left out: {unreadable.Message}.");
        }
    }

    private void Read(TokenCursor cursor)
    {
        if (cursor.Take("CREATE", "TABLE"))
        {
            ReadTable(cursor);
        }
        else if (cursor.Take("CREATE", "UNIQUE", "INDEX"))
        {
            ReadIndex(cursor, isUnique: true);
        }
        else if (cursor.Take("CREATE", "INDEX"))
        {
            ReadIndex(cursor, isUnique: false);
        }
        else if (cursor.Take("CREATE", "SEQUENCE"))
        {
            ReadSequence(cursor);
        }
        else if (cursor.Take("COMMENT", "ON", "TABLE"))
        {
            ReadComment(cursor, isColumn: false);
        }
        else if (cursor.Take("COMMENT", "ON", "COLUMN"))
        {
            ReadComment(cursor, isColumn: true);
        }
        else if (cursor.Take("ALTER", "TABLE"))
        {
            ReadAlterTable(cursor);
        }
        else
        {
            LeaveOut(cursor);
        }
    }

    /// <summary>What is not converted at all: told with what one does about it.</summary>
    private void LeaveOut(TokenCursor cursor)
    {
        var (line, what) = (cursor.Line, KindOf(cursor));
        var advice = what switch
        {
            "TRIGGER" => "Triggers are not converted. Write it anew for PostgreSQL, or do it in the pipeline.",
            "PROCEDURE" or "FUNCTION" or "PACKAGE" or "TYPE" or "program" => "PL/SQL is not converted. Write it anew in the target's language.",
            "VIEW" or "MATERIALIZED" => "Views are not converted. Write its query anew in the target's SQL.",
            "SYNONYM" => "The target has no synonyms. Use the search path, or a view.",
            "GRANT" => "Rights are not converted. Grant them to the target's own roles.",
            "TEMPORARY" => "Oracle keeps the definition of a temporary table, the target does not. Create it in the session that needs it.",
            "BITMAP" => "The target has no bitmap indexes. An ordinary index on its columns may do.",
            _ => "This statement is not converted.",
        };
        findings.Add(Outcome.NeedsPerson, line, what.ToLowerInvariant(), cursor.SkipRest(), advice);
    }

    private static string KindOf(TokenCursor cursor)
    {
        if (cursor.Next("BEGIN") || cursor.Next("DECLARE"))
        {
            return "program";
        }

        string[] kinds = ["TRIGGER", "PROCEDURE", "FUNCTION", "PACKAGE", "TYPE", "VIEW", "MATERIALIZED", "SYNONYM", "TEMPORARY", "BITMAP"];
        for (var ahead = 1; ahead < 7 && cursor.Next("CREATE"); ahead++)
        {
            if (kinds.Contains(cursor.Peek(ahead).Text) && cursor.Peek(ahead).Kind == TokenKind.Word)
            {
                return cursor.Peek(ahead).Text;
            }
        }

        return cursor.Next("GRANT") ? "GRANT" : "statement";
    }

    private void ReadIndex(TokenCursor cursor, bool isUnique)
    {
        var line = cursor.Line;
        var name = cursor.TakeQualifiedName();
        cursor.Expect("ON");
        if (cursor.Next("CLUSTER"))
        {
            throw cursor.Unreadable("a table");
        }

        var table = cursor.TakeQualifiedName();
        var begin = cursor.Position;
        if (ReadIndexColumns(cursor) is not { } columns)
        {
            findings.Add(Outcome.NeedsPerson, line, name, $"index on {table} {cursor.Statement.Excerpt(begin, cursor.Statement.Tokens.Count)}",
                "It is on expressions. Write it anew with the target's functions.");
            cursor.SkipRest();
            return;
        }

        TakePhysical(cursor, name);
        if (cursor.Next("REVERSE") || cursor.Next("LOCAL") || cursor.Next("GLOBAL") || cursor.Next("INDEXTYPE") || cursor.Next("INVISIBLE") || cursor.Next("UNUSABLE"))
        {
            findings.Add(Outcome.NeedsPerson, line, name, cursor.SkipRest(), "The target has no such kind of index; an ordinary one was assumed.");
        }

        Schema.Indexes.Add(new(name, table, isUnique, columns, line));
    }

    /// <returns>Null where one is an expression.</returns>
    private static List<(string Column, bool Descending)>? ReadIndexColumns(TokenCursor cursor)
    {
        var columns = new List<(string, bool)>();
        cursor.ExpectSymbol("(");
        do
        {
            if (!cursor.Current.IsName || !(cursor.Peek(1).IsSymbol(",") || cursor.Peek(1).IsSymbol(")") || cursor.Peek(1).Is("ASC") || cursor.Peek(1).Is("DESC")))
            {
                return null;
            }

            columns.Add((cursor.TakeName(), cursor.Take("DESC")));
            cursor.Take("ASC");
        }
        while (cursor.TakeSymbol(","));
        cursor.ExpectSymbol(")");
        return columns;
    }

    private void ReadSequence(TokenCursor cursor)
    {
        var sequence = new OracleSequence(cursor.TakeQualifiedName(), cursor.Line);
        while (!cursor.AtEnd)
        {
            var line = cursor.Line;
            if (cursor.Take("START", "WITH"))
            {
                sequence.Start = TakeNumber(cursor);
            }
            else if (cursor.Take("INCREMENT", "BY"))
            {
                sequence.Increment = TakeNumber(cursor);
            }
            else if (cursor.Take("MINVALUE"))
            {
                sequence.Min = TakeNumber(cursor);
            }
            else if (cursor.Take("MAXVALUE"))
            {
                sequence.Max = TakeNumber(cursor);
            }
            else if (cursor.Take("CACHE"))
            {
                findings.Add(Outcome.Dropped, line, sequence.Name, $"cache {TakeNumber(cursor)}", "The target keeps numbers per session, which would leave gaps.");
            }
            else if (cursor.Take("CYCLE"))
            {
                sequence.Cycles = true;
            }
            else if (!cursor.Take("NOCYCLE") && !cursor.Take("NOCACHE") && !cursor.Take("NOMINVALUE") && !cursor.Take("NOMAXVALUE"))
            {
                findings.Add(Outcome.Dropped, line, sequence.Name, cursor.TakeAny().Text, "The target's sequences do not know it.");
            }
        }

        Schema.Sequences.Add(sequence);
    }

    private static decimal TakeNumber(TokenCursor cursor)
    {
        var sign = cursor.TakeSymbol("-") ? -1 : 1;
        var token = cursor.TakeAny();
        return decimal.TryParse(token.Text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
            ? sign * number
            : throw new UnreadableStatementException(token.Line, $"expected a number, found '{token.Text}' in line {token.Line}");
    }

    private void ReadComment(TokenCursor cursor, bool isColumn)
    {
        var line = cursor.Line;
        var names = new List<string> { cursor.TakeName() };
        while (cursor.TakeSymbol("."))
        {
            names.Add(cursor.TakeName());
        }

        cursor.Expect("IS");
        var column = isColumn && names.Count > 1 ? names[^1] : null;
        var table = names[..^(isColumn ? 1 : 0)];
        if (table.Count is 0 or > 2)
        {
            throw cursor.Unreadable("table.column");
        }

        Schema.Comments.Add(new(table.Count == 2 ? new(table[0], table[1]) : new(null, table[0]), column, cursor.TakeText(), line));
    }

    private void ReadAlterTable(TokenCursor cursor)
    {
        var name = cursor.TakeQualifiedName();
        if (cursor.Take("ADD"))
        {
            var grouped = cursor.Current.IsSymbol("(") && cursor.TakeSymbol("(");
            do
            {
                if (!BeginsConstraint(cursor))
                {
                    var line = cursor.Line;
                    findings.Add(Outcome.NeedsPerson, line, name, $"alter table add {cursor.SkipElement()}", "Only constraints are added. Put the column into its create table.");
                    continue;
                }

                AddConstraint(name, ReadConstraint(cursor, name, column: null));
            }
            while (grouped && cursor.TakeSymbol(","));
            if (grouped)
            {
                cursor.ExpectSymbol(")");
            }
        }
        else if (cursor.Take("MODIFY"))
        {
            ReadModify(cursor, name);
        }
        else
        {
            findings.Add(Outcome.NeedsPerson, cursor.Line, name, $"alter table {cursor.SkipRest()}", "Of alter table only constraints are converted.");
        }
    }

    /// <summary><c>modify (column not null enable)</c>, as Oracle's own export writes it.</summary>
    private void ReadModify(TokenCursor cursor, OracleName name)
    {
        var grouped = cursor.TakeSymbol("(");
        do
        {
            var line = cursor.Line;
            var begin = cursor.Position;
            var column = cursor.Current.IsName ? Schema.Find(name)?.Find(cursor.TakeName()) : null;
            var constraint = cursor.Take("CONSTRAINT") ? cursor.TakeName() : null;
            if (column is not null && cursor.Take("NOT", "NULL"))
            {
                (column.IsRequired, column.RequiredName) = (true, constraint);
                ReadState(cursor, name);
            }
            else
            {
                cursor.SkipElement();
                findings.Add(Outcome.NeedsPerson, line, name, $"alter table modify {cursor.Statement.Excerpt(begin, cursor.Position)}", "Of modify only not null on a table of this script is converted.");
            }
        }
        while (grouped && cursor.TakeSymbol(","));
        if (grouped)
        {
            cursor.ExpectSymbol(")");
        }
    }

    private void AddConstraint(OracleName table, OracleConstraint constraint)
    {
        if (Schema.Find(table) is { } created)
        {
            created.Constraints.Add(constraint);
        }
        else
        {
            Schema.LooseConstraints.Add((table, constraint));
        }
    }
}
