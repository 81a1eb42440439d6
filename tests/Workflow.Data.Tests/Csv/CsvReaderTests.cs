using System.IO.Compression;
using System.Text;
using Workflow.Data.Csv;
using Workflow.Testing;

namespace Workflow.Data.Tests.Csv;

public sealed class CsvReaderTests : IDisposable
{
    private readonly TempFolder _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void Records_have_their_fields_row_numbers_and_lines()
    {
        var records = Read("id,name\n1,Ann\n2,\"Bob, the\"\"builder\"\"\"\n3,\n");

        Assert.Equal(
            [new(1, 2, ["1", "Ann"], null, "1,Ann"), new(2, 3, ["2", "Bob, the\"builder\""], null, "2,\"Bob, the\"\"builder\"\"\""), new(3, 4, ["3", ""], null, "3,")],
            records);
    }

    [Theory]
    [InlineData("id,name\n1,a\n2,b\n")]
    [InlineData("id,name\r\n1,a\r\n2,b\r\n")]
    [InlineData("id,name\r1,a\r2,b\r")]
    [InlineData("id,name\n1,a\n2,b")]
    [InlineData("id,name\r\n1,a\n2,b\r")]
    [InlineData("\"id\",\"name\"\n\"1\",\"a\"\n\"2\",\"b\"")]
    [InlineData(" id , name\n1,a\n2,b\n")]
    public void Line_ends_of_every_kind_divide_records(string text) =>
        Assert.Equal([(1, 2, "1|a"), (2, 3, "2|b")], Read(text).Select(record => ((int)record.Row, (int)record.Line, string.Join('|', record.Fields))));

    [Theory]
    [InlineData("\n")]
    [InlineData("\r\n")]
    [InlineData("\r")]
    public void A_line_number_counts_blank_lines_and_lines_inside_quotes(string end)
    {
        var text = "\nid,name\n\n1,\"a\n\nb\"\n2,c\n\n\n3,\"d\"\n".Replace("\n", end);

        Assert.Equal([(4, "1"), (7, "2"), (10, "3")], Read(text).Select(record => ((int)record.Line, record.Fields[0])));
    }

    [Fact]
    public void Ragged_rows_are_faults_with_both_counts_and_the_raw_text()
    {
        var records = Read("id,name,age\n1,a,1\n2,b\n3,c,3,x\n4,d,4\n");

        Assert.Equal([null, "2 fields where the header has 3", "4 fields where the header has 3", null], records.Select(record => record.Fault));
        Assert.Equal(("3,c,3,x", 4L), (records[2].Raw, records[2].Line));
    }

    public static TheoryData<string, string> WrongQuotes() => new()
    {
        { "2,\"Bob,25", "text after a closing quote" },
        { "2,\"Bob\"x,25", "text after a closing quote" },
        { "2,\"Bob\" ,25", "text after a closing quote" },
        { "2,Bo\"b,25", "a quote inside a field that does not begin with one" },
        { "2,Bob\",25", "a quote inside a field that does not begin with one" },
        { "2, \"Bob\",25", "a quote inside a field that does not begin with one" },
    };

    [Theory]
    [MemberData(nameof(WrongQuotes))]
    public void A_wrong_quote_costs_its_own_line_and_no_other(string broken, string fault)
    {
        var records = Read($"id,name,age\n1,\"Ann\",24\n{broken}\n3,\"Carol\",26\n4,\"Dave\nand Eve\",27\n5,\"Fay\",28\n");

        Assert.Equal([(2, null), (3, fault), (4, null), (5, null), (7, null)], records.Select(record => ((int)record.Line, record.Fault)));
        Assert.Equal(broken, records[1].Raw);
    }

    [Fact]
    public void A_quote_never_closed_does_not_swallow_the_rest_of_the_file()
    {
        var rest = string.Concat(Enumerable.Range(3, 100_000).Select(id => $"{id},name {id},{id % 90}\n"));
        var records = Read($"id,name,age\n1,Ann,24\n2,\"Bob,25\n{rest}");

        Assert.Equal(100_002, records.Count);
        Assert.Equal(new(2, 3, [], "a quote that is never closed", "2,\"Bob,25"), records[1]);
        Assert.All(records.Skip(2), record => Assert.Null(record.Fault));
        Assert.Equal(100_003, records[^1].Line);
    }

    [Fact]
    public void A_quote_not_closed_within_the_longest_record_is_given_up()
    {
        var rest = string.Concat(Enumerable.Range(3, 200_000).Select(id => $"{id},name {id}\n"));
        var records = Read($"id,name\n2,\"Bob\n{rest}9,\"\n", new() { MaxRecordBytes = 1 << 20 });

        Assert.StartsWith("no end within 1048576 bytes", records[0].Fault, StringComparison.Ordinal);
        Assert.Equal("2,\"Bob", records[0].Raw);
        Assert.Equal(200_002, records.Count);
    }

    [Fact]
    public void A_line_longer_than_is_read_is_an_error_that_names_it()
    {
        var error = Assert.Throws<BadInputException>(() => Read($"id,name\n1,{new string('x', 3 << 20)}\n", new() { MaxRecordBytes = 1 << 20 }));
        Assert.Contains("line 2", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_NUL_is_a_fault_of_its_row()
    {
        var records = Read("id,name\n1,a\0b\n2,c\n");
        Assert.Equal([("a NUL character", 2), (null, 3)], records.Select(record => (record.Fault, (int)record.Line)));
    }

    [Fact]
    public void Bytes_that_are_not_UTF8_are_a_fault_of_their_row()
    {
        var records = Read([.. "id,name\n1,caf"u8, 0xE9, .. "\n2,c\n"u8]);
        Assert.Equal(["not UTF-8", null], records.Select(record => record.Fault));
    }

    [Theory]
    [InlineData("utf-8")]
    [InlineData("utf-16LE")]
    [InlineData("utf-16BE")]
    public void A_byte_order_mark_is_not_part_of_the_first_name(string name)
    {
        var encoding = Encoding.GetEncoding(name);
        const string text = "id,name\n1,Grüße 世界 🌍\n2,x\n";
        var path = _scratch.Write("marked.csv", [.. encoding.GetPreamble(), .. encoding.GetBytes(text)]);

        using var reader = new CsvReader(path);
        Assert.Equal(["id", "name"], reader.Header);
        Assert.Equal("Grüße 世界 🌍", All(reader)[0].Fields[1]);
    }

    [Fact]
    public void Half_a_surrogate_in_UTF16_is_an_error() =>
        Assert.Contains("UTF-16", Failure([0xFF, 0xFE, .. Encoding.Unicode.GetBytes("id,name\n1,"), 0x00, 0xD8, .. Encoding.Unicode.GetBytes("\n2,c\n")]), StringComparison.Ordinal);

    [Fact]
    public void UTF16_without_its_mark_is_an_error() => Assert.Contains("NUL", Failure(Encoding.Unicode.GetBytes("id,name\n1,a\n")), StringComparison.Ordinal);

    [Fact]
    public void UTF32_is_an_error() => Assert.Contains("UTF-32", Failure([.. Encoding.UTF32.GetPreamble(), .. Encoding.UTF32.GetBytes("id\n")]), StringComparison.Ordinal);

    [Fact]
    public void A_field_of_ten_megabytes_is_read_whole()
    {
        var big = string.Concat(Enumerable.Repeat("0123456789\n\"\",", 800_000));
        var records = Read($"id,name\n1,\"{big}\"\n2,{new string('x', 10_000_000)}\n3,c\n");

        Assert.Equal(big.Replace("\"\"", "\""), records[0].Fields[1]);
        Assert.Equal(10_000_000, records[1].Fields[1].Length);
        Assert.Equal([2, 800_003, 800_004], records.Select(record => (int)record.Line));
    }

    [Fact]
    public void Column_names_given_twice_are_named_with_their_places() =>
        Assert.Equal(
            "The file 'input.csv' names columns more than once in its header: 'id' (columns 1, 3); 'a' (columns 2, 4). Name each differently.",
            Failure("id,a,id,a,b\n1,2,3,4,5\n"u8.ToArray()));

    [Fact]
    public void Columns_without_a_name_are_told_by_place() =>
        Assert.Equal("The file 'input.csv' has no name in its header for column 2, 4 of 4. Name every column.", Failure("id,,a, \n"u8.ToArray()));

    [Theory]
    [InlineData("")]
    [InlineData("\n\n")]
    [InlineData("\uFEFF")]
    public void An_empty_file_is_an_error(string text) => Assert.Contains("is empty", Failure(Encoding.UTF8.GetBytes(text)), StringComparison.Ordinal);

    [Theory]
    [InlineData("id,name")]
    [InlineData("id,name\n")]
    [InlineData("id,name\r\n\r\n")]
    public void A_header_alone_is_a_file_of_no_rows(string text) => Assert.Empty(Read(text));

    [Theory]
    [InlineData("a,b,c\n1,2,3\n", ',')]
    [InlineData("a;b;c\n1;2,5;3\n", ';')]
    [InlineData("a\tb\n1\t2\n", '\t')]
    [InlineData("a|b\n1|2\n", '|')]
    [InlineData("\"a;x;y\",b\n1,2\n", ',')]
    [InlineData("alone\n1\n", ',')]
    public void The_delimiter_is_found_in_the_header(string text, char delimiter)
    {
        using var reader = new CsvReader(_scratch.Write("input.csv", text));
        Assert.Equal(delimiter, reader.Delimiter);
        Assert.All(All(reader), record => Assert.Null(record.Fault));
    }

    [Fact]
    public void A_given_delimiter_is_used() => Assert.Equal(["1,5", "2"], Assert.Single(Read("a,b:c,d\n1,5:2\n", new() { Delimiter = ':' })).Fields);

    [Theory]
    [InlineData('"')]
    [InlineData('\n')]
    [InlineData('ä')]
    public void A_delimiter_that_cannot_be_one_is_refused(char delimiter) => Assert.Throws<ArgumentException>(() => new CsvOptions { Delimiter = delimiter });

    [Fact]
    public void Gzip_is_unpacked() => Assert.Equal(["1", "a"], Assert.Single(Read(Gzip("id,name\n1,a\n"u8.ToArray()))).Fields);

    [Fact]
    public void Gzip_of_several_members_is_one_file() =>
        Assert.Equal(2, Read([.. Gzip("id,name\n1,a\n"u8.ToArray()), .. Gzip("2,b\n"u8.ToArray())]).Count);

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(5000)]
    public void A_gzip_file_that_is_cut_off_is_an_error(int missing)
    {
        var rows = new StringBuilder("id,name\n");
        var random = new Random(1);
        for (var id = 0; id < 20_000; id++)
        {
            rows.Append($"{id},{random.NextInt64()}\n");
        }

        var whole = Gzip(Encoding.UTF8.GetBytes(rows.ToString()));
        Assert.Equal(20_000, Read(whole).Count);
        Assert.Contains("cut off", Failure(whole[..^missing]), StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_gzip_file_is_an_error()
    {
        var packed = Gzip(Encoding.UTF8.GetBytes("id,name\n" + string.Concat(Enumerable.Range(0, 1000).Select(id => $"{id},name {id}\n"))));
        packed[^6] ^= 1;
        Assert.Contains("damaged", Failure(packed), StringComparison.Ordinal);
    }

    [Fact]
    public void SQL_in_names_and_values_is_text()
    {
        using var reader = new CsvReader(_scratch.Write("input.csv", "id,\"x\"\"; drop table users; --\"\n1,'; drop table users; --\n"));
        Assert.Equal("x\"; drop table users; --", reader.Header[1]);
        Assert.Equal("'; drop table users; --", All(reader)[0].Fields[1]);
    }

    [Fact]
    public void A_record_on_the_edge_of_the_buffer_is_read_like_any_other()
    {
        // 262,144 bytes are read at a time; the padding moves every kind of byte across that edge.
        for (var padding = 262_130; padding <= 262_146; padding++)
        {
            var text = $"id,name\r\n1,{new string('x', padding - 20)}\r\n2,\"a\"\"b\"\r\n3,\"c\r\nd\"\r\n";
            Assert.Equal([(2, "1"), (3, "2"), (4, "3")], Read(text).Select(record => ((int)record.Line, record.Fields[0])));
        }
    }

    private List<Record> Read(string text, CsvOptions? options = null) => Read(Encoding.UTF8.GetBytes(text), options);

    private List<Record> Read(byte[] content, CsvOptions? options = null)
    {
        using var reader = new CsvReader(_scratch.Write("input.csv", content), options);
        return All(reader);
    }

    private string Failure(byte[] content) => Assert.Throws<BadInputException>(() => Read(content)).Message;

    private static List<Record> All(CsvReader reader)
    {
        var records = new List<Record>();
        while (reader.Read())
        {
            records.Add(Record.From(reader));
        }

        return records;
    }

    private static byte[] Gzip(byte[] content)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(content);
        }

        return packed.ToArray();
    }

    private sealed record Record(long Row, long Line, string[] Fields, string? Fault, string Raw)
    {
        public static Record From(CsvReader reader) =>
            new(reader.Row, reader.Line, [.. Enumerable.Range(0, reader.FieldCount).Select(index => Encoding.UTF8.GetString(reader[index]))], reader.Fault, Encoding.UTF8.GetString(reader.Raw));

        public bool Equals(Record? other) =>
            other is not null && (Row, Line, Fault, Raw) == (other.Row, other.Line, other.Fault, other.Raw) && Fields.SequenceEqual(other.Fields);

        public override int GetHashCode() => Row.GetHashCode();
    }
}
