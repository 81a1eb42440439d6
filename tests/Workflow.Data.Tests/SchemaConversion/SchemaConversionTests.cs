using System.Runtime.CompilerServices;
using Workflow.Data.SchemaConversion;
using Workflow.Data.Tests.Warehouse;

namespace Workflow.Data.Tests.SchemaConversion;

/// <summary>Oracle DDL as people and Oracle's export write it; what comes out runs on the real PostgreSQL.</summary>
public sealed class SchemaConversionTests(TestWarehouse warehouse) : IClassFixture<TestWarehouse>
{
    private static readonly string Script = File.ReadAllText(Here("hr.oracle.sql"));

    [Theory]
    [InlineData(ConversionTarget.Postgres, "hr.postgres.sql")]
    [InlineData(ConversionTarget.Redshift, "hr.redshift.sql")]
    public void The_ddl_is_the_golden_one(ConversionTarget target, string golden)
    {
        var converted = SchemaConverter.Convert(Script, target).Ddl;

        if (Environment.GetEnvironmentVariable("WORKFLOW_GOLDEN") == "write")
        {
            File.WriteAllText(Here(golden), converted);
        }

        Assert.Equal(File.ReadAllText(Here(golden)), converted);
    }

    [Theory]
    [InlineData(ConversionTarget.Postgres, "hr.postgres.md")]
    [InlineData(ConversionTarget.Redshift, "hr.redshift.md")]
    public void The_assessment_is_the_golden_one(ConversionTarget target, string golden)
    {
        var assessment = SchemaConverter.Convert(Script, target).Assessment.ToMarkdown();

        if (Environment.GetEnvironmentVariable("WORKFLOW_GOLDEN") == "write")
        {
            File.WriteAllText(Here(golden), assessment);
        }

        Assert.Equal(File.ReadAllText(Here(golden)), assessment);
    }

    [Theory]
    [InlineData("trim(name) is not null", "'  '", false)]
    [InlineData("nvl(ltrim(rtrim(name)), 'x') <> 'x'", "' '", false)]
    [InlineData("trim(name) = 'y' or id > 5", "' '", true)]
    [InlineData("(upper(trim(name)) in ('A', 'B'))", "'a '", true)]
    [InlineData("name like 'a\\_%' escape '\\'", "'a_b'", true)]
    public async Task A_check_lets_pass_what_it_did_in_Oracle(string condition, string name, bool passes)
    {
        var schema = warehouse.NewSchema();
        await warehouse.ExecuteAsync($"create schema {schema}; set search_path = {schema}; {SchemaConverter.Convert($"create table t (id number(3), name varchar2(10), check ({condition}));", ConversionTarget.Postgres).Ddl}");

        var inserted = await Record.ExceptionAsync(() => warehouse.ExecuteAsync($"insert into {schema}.t values (1, {name})"));

        Assert.Equal(passes ? null : Npgsql.PostgresErrorCodes.CheckViolation, (inserted as Npgsql.PostgresException)?.SqlState);
    }

    [Theory]
    [InlineData("id / 2 > 1")]
    [InlineData("name <> ''")]
    [InlineData("name like 'a\\_%'")]
    [InlineData("ended - begun < 30")]
    public void A_check_that_would_mean_something_else_needs_a_person(string condition)
    {
        var converted = SchemaConverter.Convert($"create table t (id number(3), name varchar2(10), begun date, ended date, check ({condition}));", ConversionTarget.Postgres);

        Assert.DoesNotContain("check", converted.Ddl, StringComparison.Ordinal);
        Assert.Contains(converted.Assessment.Findings, finding => finding.Outcome == Outcome.NeedsPerson && finding.What.Contains(condition, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_postgres_ddl_runs_and_its_defaults_and_keys_work()
    {
        await warehouse.ExecuteAsync(SchemaConverter.Convert(Script, ConversionTarget.Postgres).Ddl);

        await warehouse.ExecuteAsync("insert into hr.departments (department_id, department_name) values (10, 'Sales')");
        await warehouse.ExecuteAsync("insert into hr.employees (employee_id, email, salary, big, department_id) values (1, 'a@example.com', 5, 1, 10)");

        Assert.Equal(["0.00|A1|it's|207|16"], await warehouse.QueryAsync("select d.budget, e.grade, e.\"Mixed Case\", e.numbered, length(e.token) from hr.employees e join hr.departments d using (department_id)"));
        Assert.Equal(["True"], await warehouse.QueryAsync("select hired = date_trunc('second', hired) and hired is not null from hr.employees"));
        foreach (var refused in new[] { "insert into hr.employees (employee_id, email, big) values (1, 'b@example.com', 1)", "insert into hr.employees (employee_id, email, big) values (2, 'a@example.com', 1)", "insert into hr.employees (employee_id, email, big, salary) values (3, 'c@example.com', 1, -5)" })
        {
            await Assert.ThrowsAsync<Npgsql.PostgresException>(() => warehouse.ExecuteAsync(refused));
        }

        await warehouse.ExecuteAsync("delete from hr.departments");
        Assert.Equal(["0"], await warehouse.QueryAsync("select count(*) from hr.employees"));
        Assert.Equal(["People; who's who|A month's"], await warehouse.QueryAsync("select obj_description('hr.employees'::regclass), col_description('hr.employees'::regclass, 5)"));
    }

    [Theory]
    [InlineData(ConversionTarget.Postgres)]
    [InlineData(ConversionTarget.Redshift)]
    public void Every_statement_is_in_the_report(ConversionTarget target)
    {
        var assessment = SchemaConverter.Convert(Script, target).Assessment;

        var begins = OracleScript.Split(Script).Select(statement => statement.Line).ToList();
        for (var index = 0; index < begins.Count; index++)
        {
            var end = index + 1 < begins.Count ? begins[index + 1] : int.MaxValue;
            Assert.True(assessment.Findings.Any(finding => finding.Line >= begins[index] && finding.Line < end) || IsModify(begins[index]), $"Nothing is said about the statement on line {begins[index]}.");
        }

        // A not null that is taken in goes into its column, and is no finding of its own.
        static bool IsModify(int line) => Script.Split('\n')[line - 1].Contains("MODIFY (\"BIG\" NOT NULL", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("number(4)", "smallint", "smallint")]
    [InlineData("number(9,0)", "integer", "integer")]
    [InlineData("number(18)", "bigint", "bigint")]
    [InlineData("number(19)", "numeric(19,0)", "numeric(19,0)")]
    [InlineData("number(*,2)", "numeric(38,2)", "numeric(38,2)")]
    [InlineData("number(10,-2)", "bigint", "bigint")]
    [InlineData("number(2,5)", "numeric(5,5)", "numeric(5,5)")]
    [InlineData("number", "numeric", "numeric(38,10)")]
    [InlineData("integer", "numeric(38,0)", "numeric(38,0)")]
    [InlineData("float(53)", "double precision", "double precision")]
    [InlineData("varchar2(10)", "varchar(10)", "varchar(10)")]
    [InlineData("varchar2(10 char)", "varchar(10)", "varchar(40)")]
    [InlineData("nvarchar2(20000)", "varchar(20000)", "varchar(65535)")]
    [InlineData("char", "char(1)", "varchar(1)")]
    [InlineData("nchar(3)", "char(3)", "varchar(12)")]
    [InlineData("date", "timestamp(0)", "timestamp")]
    [InlineData("timestamp", "timestamp", "timestamp")]
    [InlineData("timestamp(0)", "timestamp(0)", "timestamp")]
    [InlineData("timestamp(9)", "timestamp", "timestamp")]
    [InlineData("timestamp(3) with time zone", "timestamp(3) with time zone", "timestamp with time zone")]
    [InlineData("timestamp with local time zone", "timestamp with time zone", "timestamp with time zone")]
    [InlineData("clob", "text", "varchar(65535)")]
    [InlineData("long raw", "bytea", "varbyte(1024000)")]
    [InlineData("raw(16)", "bytea", "varbyte(16)")]
    [InlineData("interval day(2) to second(6)", "interval", "interval day to second")]
    [InlineData("sys.xmltype", "xml", "varchar(65535)")]
    public async Task A_type_becomes(string oracle, string postgres, string redshift)
    {
        var script = $"create table t (c {oracle})";

        Assert.Equal($"create table \"t\" (\n    \"c\" {redshift}\n);\n", SchemaConverter.Convert(script, ConversionTarget.Redshift).Ddl);
        var ddl = SchemaConverter.Convert(script, ConversionTarget.Postgres).Ddl;
        Assert.Equal($"create table \"t\" (\n    \"c\" {postgres}\n);\n", ddl);
        var schema = warehouse.NewSchema();
        await warehouse.ExecuteAsync($"create schema {schema}; set search_path = {schema}; {ddl}");
    }

    [Theory]
    [InlineData("create table t (a number default 1+1)", 1, "default 1+1")]
    [InlineData("create table t (\n a date,\n b xmltype as (x))", 3, "as (x)")]
    [InlineData("\n\ncreate type t as object (a number);\n/", 3, "create type t as object (a number);")]
    [InlineData("create table t (a number) frobnicate 3", 1, "frobnicate 3")]
    [InlineData("create table t (a number frobnicate)", 1, "frobnicate")]
    [InlineData("create table t (a number);\ncreate index i on t (a) reverse", 2, "reverse")]
    [InlineData("drop table t", 1, "drop table t")]
    public void What_is_not_converted_needs_a_person_and_is_named_with_its_line(string script, int line, string what)
    {
        var needs = SchemaConverter.Convert(script, ConversionTarget.Postgres).Assessment.Findings.Where(finding => finding.Outcome == Outcome.NeedsPerson);

        Assert.Contains(needs, finding => finding.Line == line && finding.What.Contains(what, StringComparison.Ordinal));
    }

    [Fact]
    public void A_table_behind_a_program_that_lacks_its_slash_is_not_lost()
    {
        var converted = SchemaConverter.Convert("create procedure p as begin null; end;\ncreate table t (a date);", ConversionTarget.Postgres);

        Assert.Contains("create table \"t\"", converted.Ddl, StringComparison.Ordinal);
        Assert.Equal(1, converted.Assessment.NeedsPerson);
    }

    [Fact]
    public void Names_fold_as_the_target_folds_them()
    {
        var converted = SchemaConverter.Convert("create table t (Foo number(1), \"BAR\" number(1), \"Baz\" number(1), \"foo\" number(1))", ConversionTarget.Postgres);

        Assert.Contains("\"foo\" smallint,\n    \"bar\" smallint,\n    \"Baz\" smallint,\n    \"foo\" smallint", converted.Ddl, StringComparison.Ordinal);
        Assert.Contains(converted.Assessment.Findings, finding => finding is { Outcome: Outcome.NeedsPerson, What: "FOO, foo" });
    }

    [Theory]
    [InlineData("create table t (a varchar2(1) default 'x);", "a text")]
    [InlineData("create table \"t (a date);", "a quoted name")]
    [InlineData("/* create table t (a date);", "a comment")]
    public void What_is_never_closed_is_named(string script, string what) =>
        Assert.Contains(what, Assert.Throws<BadInputException>(() => SchemaConverter.Convert(script, ConversionTarget.Postgres)).Message, StringComparison.Ordinal);

    private static string Here(string name, [CallerFilePath] string path = "") => Path.Combine(Path.GetDirectoryName(path)!, name);
}
