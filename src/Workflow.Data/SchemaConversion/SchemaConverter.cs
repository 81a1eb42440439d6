namespace Workflow.Data.SchemaConversion;

/// <summary>A converted script.</summary>
/// <param name="Ddl">Statements of the target, each ended by a semicolon.</param>
public sealed record ConvertedSchema(string Ddl, Assessment Assessment);

/// <summary>Turns Oracle's DDL into that of PostgreSQL or Redshift, and says of everything in it what became of it.</summary>
public static class SchemaConverter
{
    /// <param name="script">As SQL*Plus takes it, or as Oracle's export writes it.</param>
    /// <exception cref="BadInputException">The script cannot be divided into statements.</exception>
    public static ConvertedSchema Convert(string script, ConversionTarget target)
    {
        var statements = OracleScript.Split(script);
        var findings = new Findings();
        var parser = new OracleParser(findings);
        foreach (var statement in statements)
        {
            parser.Read(statement);
        }

        var ddl = new DdlWriter(parser.Schema, target, findings).Write();
        return new(ddl, new(target, statements.Count, findings.All));
    }
}
