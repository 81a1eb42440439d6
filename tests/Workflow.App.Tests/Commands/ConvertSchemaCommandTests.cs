using System.Text.Json;
using Workflow.Testing;

namespace Workflow.App.Tests.Commands;

public sealed class ConvertSchemaCommandTests(PostgresFixture postgres)
{
    private const string Oracle = "CREATE TABLE HR.PEOPLE (ID NUMBER(6) PRIMARY KEY, NAME VARCHAR2(10 CHAR));\nCREATE VIEW V AS SELECT * FROM HR.PEOPLE;\n";

    [Fact]
    public async Task A_script_becomes_ddl_and_a_report()
    {
        await using var installation = await Installation.CreateAsync(postgres);
        var (script, output, report) = (File(installation, "oracle.sql"), File(installation, "redshift.sql"), File(installation, "report.md"));
        System.IO.File.WriteAllText(script, Oracle);

        var result = await WorkflowProcess.RunAsync(installation, "convert-schema", script, "--to", "redshift", "--output", output, "--report", report, "--json");

        Assert.True(result.ExitCode == 0, result.Errors);
        var assessment = JsonDocument.Parse(result.Output).RootElement;
        Assert.Equal((2, 1), (assessment.GetProperty("statements").GetInt32(), assessment.GetProperty("needsPerson").GetInt32()));
        Assert.Contains("varchar(40)", System.IO.File.ReadAllText(output), StringComparison.Ordinal);
        Assert.Contains("| 2 | view |", System.IO.File.ReadAllText(report), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_ddl_goes_to_stdout_alone()
    {
        await using var installation = await Installation.CreateAsync(postgres);
        var script = File(installation, "oracle.sql");
        System.IO.File.WriteAllText(script, Oracle);

        var result = await WorkflowProcess.RunAsync(installation, "convert-schema", script, "--to", "postgres");

        Assert.True(result.ExitCode == 0, result.Errors);
        await installation.ExecuteAsync(result.Output);
        Assert.Equal(["0"], await installation.QueryAsync("select count(*) from hr.people"));
        Assert.Contains("1 need a person", result.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("create table t (a varchar2(1) default 'x)", "postgres", "never closed")]
    [InlineData(null, "postgres", "There is no file")]
    [InlineData(Oracle, "teradata", "teradata")]
    public async Task What_cannot_be_converted_is_said_and_ends_with_2(string? text, string target, string says)
    {
        await using var installation = await Installation.CreateAsync(postgres);
        var script = File(installation, "oracle.sql");
        if (text is not null)
        {
            System.IO.File.WriteAllText(script, text);
        }

        var result = await WorkflowProcess.RunAsync(installation, "convert-schema", script, "--to", target);

        Assert.Equal(2, result.ExitCode);
        Assert.Contains(says, result.Errors, StringComparison.Ordinal);
    }

    private static string File(Installation installation, string name)
    {
        installation.Data.Create();
        return Path.Combine(installation.Data.Path, name);
    }
}
