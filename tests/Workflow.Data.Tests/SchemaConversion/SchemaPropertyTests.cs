using FsCheck;
using FsCheck.Fluent;
using Workflow.Data.SchemaConversion;
using Workflow.Data.Tests.Warehouse;

namespace Workflow.Data.Tests.SchemaConversion;

public sealed class SchemaPropertyTests(TestWarehouse warehouse) : IClassFixture<TestWarehouse>
{
    private static readonly string[] Fragments =
    [
        "create", "table", "t", "\"Q x\"", "(", ")", ",", ";", "\n/\n", "number", "(4)", "varchar2(3 char)", "date", "default", "sysdate", "'it''s'", "not null", "constraint", "c", "primary key",
        "unique", "check", "foreign key", "references", "u", "comment on", "is", "index", "on", "sequence", "start with", "1", "-", "alter", "add", "modify", "as", "generated always", "identity",
        "storage (x)", "tablespace y", "partition by", "lob", "using index", "enable", "disable", "begin", "end", "trigger", "-- c\n", "/* c */", "rem its\n", "q'[x]'", ".", "grant", "timestamp", "with time zone", "\n",
    ];

    /// <summary>A column that is told its number.</summary>
    private static Gen<Func<int, string>> Column()
    {
        var typed = Gen.Elements(
            ("number", "1"), ("number(4)", "-2"), ("number(12,3)", "1.5"), ("integer", "0"), ("float", "2"), ("varchar2(10 char)", "'it''s'"), ("char(3)", "'abc'"), ("nvarchar2(5)", "'é'"),
            ("date", "sysdate"), ("date", "date '2024-01-01'"), ("timestamp(9)", "systimestamp"), ("timestamp(3) with time zone", "systimestamp"), ("date", "to_date('2024-01-01', 'YYYY-MM-DD')"),
            ("clob", "empty_clob()"), ("blob", "empty_blob()"), ("raw(16)", "sys_guid()"), ("raw(2)", "'0AFF'"), ("varchar2(40)", "user"), ("varchar2(32)", "sys_guid()"), ("date", "trunc(sysdate)"), ("number", "'7'"), ("number", "null"));
        return
            from type in typed
            from withDefault in Gen.Elements(true, false)
            from required in Gen.Elements("", " not null", " constraint nn# not null enable", " null")
            from quoted in Gen.Elements("c#", "\"C#\"", "\"Mixed #\"", "\"order#\"")
            select new Func<int, string>(index => $"{quoted} {type.Item1}{(withDefault ? $" default {type.Item2}" : "")}{required}".Replace("#", $"{index}", StringComparison.Ordinal));
    }

    private static Arbitrary<string> Tables() =>
        (from count in Gen.Choose(1, 6)
         from columns in Column().ListOf(count)
         from check in Gen.Elements("", ", constraint ck check (id > 0 and id in (1, 2) or nvl(id, 1) between 1 and 9)", ", check (mod(id, 2) = 0) disable", ", check (length(name) <= 5) enable novalidate")
         from key in Gen.Elements("", ", primary key (id)", ", constraint pk primary key (id, name) using index tablespace x", ", unique (name) deferrable initially deferred")
         from tail in Gen.Elements("", " tablespace users pctfree 5", " organization index", " partition by hash (id) partitions 4", " nologging compress for oltp")
         select $"create table t (id number(9), name varchar2(20), {string.Join(", ", columns.Select((column, index) => column(index)))}{check}{key}){tail};\ncreate index ix on t (name, id desc);\ncomment on column t.name is 'it''s';").ToArbitrary();

    [Fact]
    public void Whatever_a_script_says_each_statement_of_it_is_accounted_for() => Prop.ForAll(Gen.Elements(Fragments).ListOf().ToArbitrary(), fragments =>
    {
        var script = string.Join(' ', fragments);
        foreach (var target in Enum.GetValues<ConversionTarget>())
        {
            var converted = SchemaConverter.Convert(script, target);

            Assert.True(converted.Assessment.Findings.Count >= converted.Assessment.Statements - Silent(script), $"{converted.Assessment.Statements} statements and {converted.Assessment.Findings.Count} findings: {script}");
            Assert.Contains("assessment", converted.Assessment.ToMarkdown(), StringComparison.Ordinal);
        }

        // A not null that is taken into its column is no finding of its own.
        static int Silent(string script) => script.Contains("modify", StringComparison.Ordinal) ? int.MaxValue : 0;
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(200));

    [Fact]
    public void What_a_table_becomes_runs_on_postgres_and_takes_its_defaults() => Prop.ForAll(Tables(), script => Task.Run(async () =>
    {
        var schema = warehouse.NewSchema();
        var ddl = SchemaConverter.Convert(script, ConversionTarget.Postgres).Ddl;
        await warehouse.ExecuteAsync($"create schema {schema}; set search_path = {schema}; {ddl}");
        Assert.Equal(["it's"], await warehouse.QueryAsync($"select col_description('{schema}.t'::regclass, 2)"));
        Assert.Equal(["1"], await warehouse.QueryAsync($"select count(*) from pg_indexes where schemaname = '{schema}' and indexname = 'ix'"));
    }).GetAwaiter().GetResult()).Check(Config.QuickThrowOnFailure.WithMaxTest(30));
}
