using Workflow.Data.Warehouse;

namespace Workflow.Data.Tests.Warehouse;

public sealed class WideningTests(TestWarehouse warehouse) : IClassFixture<TestWarehouse>
{
    private readonly string _schema = warehouse.NewSchema();

    /// <summary>The table's type, what the file has, the type that results, and the rows' values as text.</summary>
    public static TheoryData<string, string, string, string> Lossless() => new()
    {
        { "integer", "3000000000", "bigint", "7|3000000000" },
        { "integer", "12.50", "numeric(12,2)", "7.00|12.50" },
        { "integer", "9223372036854775808", "numeric(19,0)", "7|9223372036854775808" },
        { "bigint", "1.5", "numeric(20,1)", "7.0|1.5" },
        { "smallint", "40000", "integer", "7|40000" },
        { "numeric(4,2)", "123.4", "numeric(5,2)", "7.00|123.40" },
        { "numeric(4,2)", "1.234", "numeric(5,3)", "7.000|1.234" },
        { "numeric(4,2)", "12345", "numeric(7,2)", "7.00|12345.00" },
        { "real", "0.12345678", "double precision", "7|0.12345678" },
        { "real", "1e5", "double precision", "7|100000" },
        { "date", "2024-01-01 12:00", "timestamp without time zone", "2020-02-02 00:00:00|2024-01-01 12:00:00" },
    };

    [Theory]
    [MemberData(nameof(Lossless))]
    public async Task A_type_that_no_longer_fits_is_widened_and_reported(string from, string value, string to, string rows)
    {
        await CreateAsync(from);
        var result = await warehouse.LoadAsync(_schema, $"user_id,v\n2,{value}\n");

        Assert.Equal($"v {to}", (await warehouse.ColumnsAsync(_schema))[1]);
        Assert.Equal(rows, string.Join('|', await warehouse.PeopleAsync(_schema, "v::text")));
        var widened = Assert.Single(result.WidenedColumns);
        Assert.Equal(("v", from), (widened.Name, widened.From));
        Assert.Contains($"line 2 is '{value}'", widened.Evidence, StringComparison.Ordinal);
    }

    /// <summary>The table's type and a file's value that is at home there.</summary>
    public static TheoryData<string, string, string> Fitting() => new()
    {
        { "bigint", "5", "5" },
        { "smallint", "5", "5" },
        { "numeric", "12345.678901", "12345.678901" },
        { "numeric(10,4)", "5", "5.0000" },
        { "numeric(10,4)", "-5.25", "-5.2500" },
        { "double precision", "5", "5" },
        { "double precision", "0.30000000000000004", "0.30000000000000004" },
        { "real", "0.25", "0.25" },
        { "timestamp", "2024-01-01", "2024-01-01 00:00:00" },
        { "text", "5", "5" },
        { "text", "TRUE", "TRUE" },
        { "varchar", "2024-01-01", "2024-01-01" },
        { "varchar(3)", "5.5", "5.5" },
        { "boolean", "False", "false" },
        { "boolean", "", "∅" },
        { "date", "", "∅" },
    };

    [Theory]
    [MemberData(nameof(Fitting))]
    public async Task A_value_that_fits_the_tables_type_changes_no_type(string type, string value, string stored)
    {
        await CreateAsync(type);
        var before = await warehouse.ColumnsAsync(_schema);
        var result = await warehouse.LoadAsync(_schema, $"user_id,v\n2,{value}\n");

        Assert.Empty(result.WidenedColumns);
        Assert.Equal(before, await warehouse.ColumnsAsync(_schema));
        Assert.Equal([stored], await warehouse.QueryAsync($"select v::text from {_schema}.people where user_id = 2"));
    }

    public static TheoryData<string, string, string> Lossy() => new()
    {
        { "integer", "abc", "text" },
        { "integer", "1e5", "double" },
        { "numeric(4,2)", "1e5", "double" },
        { "numeric(30,2)", "0.12345678901", "decimal(12,11)" },
        { "double precision", "123456789012345678901", "decimal(21,0)" },
        { "double precision", "2024-01-01", "date" },
        { "date", "2024-01-01T00:00:00Z", "timestamp with time zone" },
        { "timestamp", "2024-01-01T00:00:00Z", "timestamp with time zone" },
        { "timestamp with time zone", "2024-01-01 00:00:00", "timestamp" },
        { "boolean", "1", "integer" },
        { "boolean", "yes", "text" },
    };

    [Theory]
    [MemberData(nameof(Lossy))]
    public async Task Where_something_would_be_lost_the_load_fails_with_column_types_and_row(string from, string value, string type)
    {
        await CreateAsync(from);
        var before = await warehouse.ColumnsAsync(_schema);
        var error = await Assert.ThrowsAsync<WarehouseException>(() => warehouse.LoadAsync(_schema, $"user_id,v\n2,\n3,{value}\n"));

        Assert.StartsWith($"Column v of {_schema}.people is {from}, but the file makes it {type}: row 2, line 3 is '{value}'", error.Message, StringComparison.Ordinal);
        Assert.Equal(before, await warehouse.ColumnsAsync(_schema));
        Assert.Equal(["1"], await warehouse.QueryAsync($"select count(*) from {_schema}.people"));
    }

    [Theory]
    [MemberData(nameof(Lossy))]
    public async Task Where_the_setting_allows_it_the_column_becomes_text(string from, string value, string type)
    {
        await CreateAsync(from);
        var result = await warehouse.LoadAsync(_schema, $"user_id,v\n2,\n3,{value}\n", request => request with { AllowWideningToText = true });

        Assert.Equal("v text", (await warehouse.ColumnsAsync(_schema))[1]);
        Assert.Equal(("v", "text"), (result.WidenedColumns[0].Name, result.WidenedColumns[0].To));
        Assert.Equal([value], await warehouse.QueryAsync($"select v from {_schema}.people where user_id = 3"));
        Assert.NotEmpty(type);
    }

    [Fact]
    public async Task Columns_new_in_the_file_are_added()
    {
        await warehouse.LoadAsync(_schema, "user_id,n\n1,1\n2,2\n");
        var result = await warehouse.LoadAsync(_schema, "user_id,n,Born,empty\n2,3,2000-01-01,\n");

        Assert.Equal(["born", "empty"], result.AddedColumns);
        Assert.Equal(["user_id integer", "n integer", "born date", "empty text"], await warehouse.ColumnsAsync(_schema));
        Assert.Equal(["1|1|∅|∅", "2|3|2000-01-01|∅"], await warehouse.PeopleAsync(_schema, "user_id, n, born::text, empty"));
    }

    [Fact]
    public async Task A_key_is_widened_like_any_column()
    {
        await warehouse.LoadAsync(_schema, "user_id,n\n1,1\n");
        await warehouse.LoadAsync(_schema, "user_id,n\n1,2\n3000000000,3\n");
        Assert.Equal("user_id bigint", (await warehouse.ColumnsAsync(_schema))[0]);
        Assert.Equal(["1|2", "3000000000|3"], await warehouse.PeopleAsync(_schema));
    }

    [Fact]
    public async Task Several_columns_change_in_one_load()
    {
        await warehouse.LoadAsync(_schema, "user_id,a,b\n1,1,2024-01-01\n");
        var result = await warehouse.LoadAsync(_schema, "user_id,a,b,c\n2,1.5,2024-01-01 10:00,x\n");
        Assert.Equal(["a", "b"], result.WidenedColumns.Select(column => column.Name));
        Assert.Equal(["c"], result.AddedColumns);
        Assert.Equal(["1|1.0|2024-01-01 00:00:00|∅", "2|1.5|2024-01-01 10:00:00|x"], await warehouse.PeopleAsync(_schema, "user_id, a::text, b::text, c"));
    }

    private async Task CreateAsync(string type)
    {
        var value = type switch { "date" or "timestamp" or "timestamp with time zone" => "'2020-02-02'", "boolean" => "true", "text" or "varchar" or "varchar(3)" => "'x'", _ => "7" };
        await warehouse.ExecuteAsync($"create schema {_schema}; create table {_schema}.people (user_id integer primary key, v {type}); insert into {_schema}.people values (1, {value})");
    }
}
