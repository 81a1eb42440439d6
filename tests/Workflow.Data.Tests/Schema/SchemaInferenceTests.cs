using Workflow.Data.Schema;
using Workflow.Testing;

namespace Workflow.Data.Tests.Schema;

public sealed class SchemaInferenceTests : IDisposable
{
    private readonly TempFolder _scratch = new();

    public void Dispose() => _scratch.Dispose();

    /// <summary>The values of a column, the type they make, and the line that decided it (the header is line 1).</summary>
    public static TheoryData<string[], string, int> Columns() => new()
    {
        { ["1", "-2", "0", "2147483647", "-2147483648"], "integer", 2 },
        { ["1", "2147483648", "5"], "bigint", 3 },
        { ["1", "-2147483649"], "bigint", 3 },
        { ["9223372036854775807", "-9223372036854775808"], "bigint", 2 },
        { ["1", "9223372036854775808"], "decimal(19,0)", 3 },
        { ["1", "99999999999999999999999999999999999999"], "decimal(38,0)", 3 },
        { ["1", "100000000000000000000000000000000000000"], "text", 3 },
        { ["1.5", "12.25", "-100"], "decimal(5,2)", 3 },
        { ["0.5", "-0.5", "0"], "decimal(2,1)", 2 },
        { [".5", "1"], "decimal(2,1)", 2 },
        { ["1234567890123456789012345678901234567.5", "1.25"], "text", 3 },
        { ["1e5", "2"], "double", 2 },
        { ["2", "1.5", "-1.25E-7"], "double", 4 },
        { ["0.30000000000000004", "1e-07"], "double", 3 },
        { ["1e5", "123456789012345678"], "text", 3 },
        { ["1e5", "1e999"], "text", 3 },
        { ["1", "007"], "text", 3 },
        { ["00501", "10001"], "text", 2 },
        { ["00.5"], "text", 2 },
        { ["-01"], "text", 2 },
        { ["1", "+1"], "text", 3 },
        { ["1", " 2"], "text", 3 },
        { ["1", "2 "], "text", 3 },
        { ["1", "1,000"], "text", 3 },
        { ["1", "-"], "text", 3 },
        { ["1", "."], "text", 3 },
        { ["1", "5."], "text", 3 },
        { ["1", "1e"], "text", 3 },
        { ["1", "0x1F"], "text", 3 },
        { ["1", "١"], "text", 3 },
        { ["1.5", "NaN"], "text", 3 },
        { ["1.5", "inf"], "text", 3 },
        { ["true", "FALSE", "True"], "boolean", 2 },
        { ["true", "t"], "text", 3 },
        { ["true", "1"], "text", 3 },
        { ["yes", "no"], "text", 2 },
        { ["2024-02-29", "0001-01-01", "9999-12-31"], "date", 2 },
        { ["2024-02-29", "2023-02-29"], "text", 3 },
        { ["2024-01-01", "2024-13-01"], "text", 3 },
        { ["2024-01-01", "01/02/2024"], "text", 3 },
        { ["2024-01-01", "20240102"], "text", 3 },
        { ["2024-01-01", "0000-01-01"], "text", 3 },
        { ["2024-01-01", "2024-01-01 12:30"], "timestamp", 3 },
        { ["2024-01-01T12:30:59", "2024-01-01 12:30:59.123456"], "timestamp", 2 },
        { ["2024-01-01 12:30:59.1234560", "2024-01-01 00:00:00.0"], "timestamp", 2 },
        { ["2024-01-01 12:30:59", "2024-01-01 12:30:59.1234567"], "text", 3 },
        { ["2024-01-01 12:30:59", "2024-01-01 24:00:00"], "text", 3 },
        { ["2024-01-01 12:30:59", "2024-01-01 12:30:59."], "text", 3 },
        { ["2024-01-01 12:30:59", "2024-01-01 12"], "text", 3 },
        { ["2024-01-01T12:30:59Z", "2024-01-01 12:30+02", "2024-01-01 12:30:00-05:30", "2024-01-01 12:30:00.5+0530"], "timestamp with time zone", 2 },
        { ["2024-01-01T12:30:59Z", "2024-01-01T12:30:59"], "text", 3 },
        { ["2024-01-01T12:30:59Z", "2024-01-01"], "text", 3 },
        { ["2024-01-01T12:30:59Z", "2024-01-01T12:30:59+24:00"], "text", 3 },
        { ["2024-01-01T12:30:59Z", "2024-01-01T12:30:59 UTC"], "text", 3 },
        { ["1", "2024-01-01"], "text", 3 },
        { ["", "", "5", ""], "integer", 4 },
        { ["", "abc"], "text", 3 },
    };

    [Theory]
    [MemberData(nameof(Columns))]
    public async Task A_column_has_the_narrowest_type_that_holds_every_value(string[] values, string type, int line)
    {
        var column = (await Infer("id,v\n" + string.Concat(values.Select(value => $"x,\"{value}\"\n")))).Columns[1];

        Assert.Equal(type, column.Type.ToString());
        Assert.Equal(line, column.Evidence?.Line);
        Assert.Equal(values[line - 2], column.Evidence?.Value);
        Assert.Equal(values.Count(value => value.Length == 0), column.Nulls);
    }

    [Theory]
    [InlineData("1\n2\nabc\n", "line 4 is 'abc', where line 2 is '1'")]
    [InlineData("abc\n1\n", "line 2 is 'abc'")]
    [InlineData("1\n3000000000\n", "line 3 is '3000000000', beyond integer")]
    [InlineData("123.4\n1.25\n", "line 3 is '1.25', 2 digits after the point, and line 2 ('123.4') has 3 before it")]
    [InlineData("1e5\n", "line 2 is '1e5', a number with an exponent")]
    public async Task Evidence_says_why(string values, string reason) =>
        Assert.Equal(reason, (await Infer("v\n" + values)).Columns[0].Evidence!.Reason);

    [Fact]
    public async Task A_column_without_a_value_is_text_without_evidence()
    {
        var schema = await Infer("id,v\n1,\n2,\"\"\n");
        Assert.Equal((ColumnType)ColumnKind.Text, schema.Columns[1].Type);
        Assert.True(schema.Columns[1].IsEmpty);
        Assert.Equal(2, schema.Columns[1].Nulls);
    }

    [Fact]
    public async Task The_last_row_of_a_long_file_still_counts()
    {
        var schema = await Infer("v\n" + string.Concat(Enumerable.Range(1, 300_000).Select(number => $"{number}\n")) + "oops\n");
        Assert.Equal((ColumnType)ColumnKind.Text, schema.Columns[0].Type);
        Assert.Equal((300_001, 300_002), (schema.Columns[0].Evidence!.Row, schema.Columns[0].Evidence!.Line));
    }

    [Fact]
    public async Task Rows_broken_as_CSV_say_nothing_about_types()
    {
        var schema = await Infer("id,v\n1,2\nx\n3,\"y\n4,5\n");
        Assert.Equal([ColumnKind.Integer, ColumnKind.Integer], schema.Columns.Select(column => column.Type.Kind));
        Assert.Equal((4, 2), (schema.Rows, schema.Faults));
    }

    [Fact]
    public async Task A_header_alone_has_columns_and_no_rows()
    {
        var schema = await Infer("id,v\n");
        Assert.Equal((0, 2), (schema.Rows, schema.Columns.Count));
    }

    [Fact]
    public async Task A_long_value_is_shown_shortened()
    {
        var evidence = (await Infer($"v\n{new string('é', 5000)}\n")).Columns[0].Evidence!;
        Assert.Equal(new string('é', 80) + "…", evidence.Value);
    }

    [Fact]
    public async Task A_cancelled_token_stops_it() =>
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => SchemaInference.InferAsync(_scratch.Write("a.csv", "v\n1\n"), null, new(canceled: true)));

    [Fact]
    public async Task A_type_can_be_laid_down()
    {
        var schema = (await Infer("id,v\n1,2\n")).WithType("v", ColumnType.Decimal(10, 2));
        Assert.Equal("decimal(10,2)", schema.Columns[1].Type.ToString());
        Assert.Throws<BadInputException>(() => schema.WithType("w", ColumnKind.Text));
    }

    private Task<InferredSchema> Infer(string text) =>
        SchemaInference.InferAsync(_scratch.Write("input.csv", text), null, TestContext.Current.CancellationToken);
}
