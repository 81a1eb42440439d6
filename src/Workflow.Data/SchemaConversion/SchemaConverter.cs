namespace Workflow.Data.SchemaConversion;

/// <summary>A converted script.</summary>
/// <param name="Ddl">Statements of the target, each ended by a semicolon.</param>
public sealed record ConvertedSchema(string Ddl, Assessment Assessment);

/// <summary>A table that a script creates, as the target would have it.</summary>
/// <param name="Schema">As the script says it, folded; null where it does not.</param>
/// <param name="Key">The columns of the primary key; empty where there is none.</param>
public sealed record ConvertedTable(string? Schema, string Name, IReadOnlyList<ConvertedColumn> Columns, IReadOnlyList<string> Key);

public sealed record ConvertedColumn(string Name, string Type);

/// <summary>Turns Oracle's DDL into that of PostgreSQL or Redshift, and says of everything in it what became of it.</summary>
public static class SchemaConverter
{
    /// <param name="script">As SQL*Plus takes it, or as Oracle's export writes it.</param>
    /// <exception cref="BadInputException">The script cannot be divided into statements.</exception>
    public static ConvertedSchema Convert(string script, ConversionTarget target)
    {
        var findings = new Findings();
        var (schema, statements) = Read(script, findings);
        var ddl = new DdlWriter(schema, target, findings).Write();
        return new(ddl, new(target, statements, findings.All));
    }

    /// <summary>The tables of a script, for whoever loads into tables of their own.</summary>
    /// <exception cref="BadInputException">The script cannot be divided into statements.</exception>
    public static IReadOnlyList<ConvertedTable> ReadTables(string script, ConversionTarget target) =>
        [.. Read(script, new()).Schema.Tables.Select(table => new ConvertedTable(
            table.Name.Schema is { } schema ? DdlWriter.Fold(schema) : null,
            DdlWriter.Fold(table.Name.Name),
            [.. table.Columns.Select(column => new ConvertedColumn(DdlWriter.Fold(column.Name), TypeConversion.Convert(column.Type, target).Sql))],
            [.. table.PrimaryKey?.Columns.Select(DdlWriter.Fold) ?? []]))];

    private static (OracleSchema Schema, int Statements) Read(string script, Findings findings)
    {
        var statements = OracleScript.Split(script);
        var parser = new OracleParser(findings);
        foreach (var statement in statements)
        {
            parser.Read(statement);
        }

        return (parser.Schema, statements.Count);
    }
}
