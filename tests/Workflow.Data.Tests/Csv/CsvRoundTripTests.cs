using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Workflow.Data.Csv;
using Workflow.Testing;

namespace Workflow.Data.Tests.Csv;

public sealed class CsvRoundTripTests : IDisposable
{
    private readonly TempFolder _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void Any_text_written_with_quotes_is_read_back_with_its_line()
    {
        var field = Gen.Elements("", "a", "7", ",", "\"", "\"\"", "\n", "\r\n", "\r", ";", " ", "é", "🌍", "x\"y,\nz", "long " + new string('l', 300))
            .ListOf().Select(parts => string.Concat(parts));
        var table = Gen.Choose(1, 6).SelectMany(columns => field.ListOf(columns).ListOf()).ToArbitrary();

        Prop.ForAll(table, rows =>
        {
            var width = rows.Count == 0 ? 1 : rows[0].Count;
            var text = new StringBuilder(string.Join(',', Enumerable.Range(0, width).Select(index => $"c{index}"))).Append('\n');
            var lines = new List<int>();
            foreach (var row in rows)
            {
                lines.Add(1 + LineEnds(text.ToString()));
                text.AppendJoin(',', row.Select(value => $"\"{value.Replace("\"", "\"\"")}\"")).Append('\n');
            }

            using var reader = new CsvReader(_scratch.Write("round.csv", text.ToString()));
            for (var index = 0; index < rows.Count; index++)
            {
                Assert.True(reader.Read());
                Assert.Null(reader.Fault);
                Assert.Equal(lines[index], reader.Line);
                Assert.Equal(rows[index], Enumerable.Range(0, width).Select(column => Encoding.UTF8.GetString(reader[column])));
            }

            Assert.False(reader.Read());
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Any_bytes_are_divided_into_records_that_lose_nothing()
    {
        var piece = Gen.Elements<byte[]>([.. "a"u8], [.. ","u8], [.. "\""u8], [.. "\n"u8], [.. "\r"u8], [0], [0xFF], [.. "é"u8]);
        Prop.ForAll(piece.ListOf().ToArbitrary(), pieces =>
        {
            byte[] body = [.. pieces.SelectMany(bytes => bytes)];
            using var reader = new CsvReader(_scratch.Write("any.csv", [.. "a,b\n"u8, .. body]));
            var raw = new List<byte>();
            var last = 1L;
            while (reader.Read())
            {
                Assert.True(reader.Line > last);
                last = reader.Line;
                raw.AddRange(reader.Raw);
            }

            // Everything but line ends between records comes back in some record's raw text.
            Assert.Equal(body.Where(value => value is not ((byte)'\n' or (byte)'\r')), raw.Where(value => value is not ((byte)'\n' or (byte)'\r')));
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void A_quarantine_file_reads_back_as_CSV()
    {
        var path = _scratch.File("quarantine.csv");
        using (var quarantine = new QuarantineFile(path))
        {
            quarantine.Write("csv", "2 fields where the header has 3", "local://a,b/x.csv", 3, null, "2,\"b\""u8);
            quarantine.Write("csv", "a NUL character", "local://a,b/x.csv", 7, "name", [(byte)'a', 0, 0xFF, .. "é\r\n"u8]);
            Assert.Equal(2, quarantine.Rows);
        }

        using var reader = new CsvReader(path);
        Assert.Equal(["rule", "reason", "source", "line", "column", "raw"], reader.Header);
        Assert.Equal([["csv", "2 fields where the header has 3", "local://a,b/x.csv", "3", "", "2,\"b\""], ["csv", "a NUL character", "local://a,b/x.csv", "7", "name", "a\\x00\\xFFé\r\n"]], Rows(reader));
    }

    private static List<string[]> Rows(CsvReader reader)
    {
        var rows = new List<string[]>();
        while (reader.Read())
        {
            rows.Add([.. Enumerable.Range(0, reader.FieldCount).Select(index => Encoding.UTF8.GetString(reader[index]))]);
        }

        return rows;
    }

    private static int LineEnds(string text) => text.Replace("\r\n", "\n").Count(character => character is '\n' or '\r');
}
