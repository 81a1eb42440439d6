using Workflow.Data.DuckDb;
using Workflow.Data.Operations;
using Workflow.Testing;

namespace Workflow.Data.Tests.Operations;

public sealed class OperationTests : IDisposable
{
    private const string Body = "AB000000123";
    private readonly TempFolder _folder = new();
    private readonly Dictionary<OperationKey, OperationItem> _stored = [];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Each_domain_becomes_an_item_of_its_operation_and_load()
    {
        var items = Items(
            Line("99", "002001"),
            Line("01", Body + "2024-10-14"),
            Line("02", Body + "DEBITO_CONTA"),
            Line("03", Body + "012024-10-14"),
            Line("03", Body + "022024-11-14"),
            Line("04", Body + "1112025-01-14"));

        Assert.Equal(
            [
                """OPERACAO#AB#CARGA2024101401 {"custodia":"AB","id_operacao":"000000123","data_contratacao":"2024-10-14","codigo_identificacao_carga":"CARGA2024101401"}""",
                """ORIGINACAO#AB#CARGA2024101401 {"custodia":"AB","id_operacao":"000000123","meio_recebimento_valor":"DEBITO_CONTA","codigo_identificacao_carga":"CARGA2024101401"}""",
                """PARCELA#AB#CARGA2024101401 [{"custodia":"AB","id_operacao":"000000123","numero_plano":"01","numero_parcela":"01","data_vencimento_parcela":"2024-10-14","codigo_identificacao_carga":"CARGA2024101401"},{"custodia":"AB","id_operacao":"000000123","numero_plano":"02","numero_parcela":"02","data_vencimento_parcela":"2024-11-14","codigo_identificacao_carga":"CARGA2024101401"}]""",
                """MOVIMENTO_FINANCEIRO#AB#CARGA2024101401 [{"custodia":"AB","id_operacao":"000000123","id_evento":"111","data_evento":"2025-01-14","codigo_identificacao_carga":"CARGA2024101401"}]""",
                """METADATA#AB#CARGA2024101401 {"codigo_identificacao_carga":"CARGA2024101401","quantidade_parcelas":2,"quantidade_movimentos_financeiros":1,"quantidade_parcelas_recebidas":2}""",
            ],
            items.Select(item => $"{item.Attributes()[1].Value} {item.Data}"));
    }

    [Fact]
    public void An_item_has_the_attributes_of_the_table()
    {
        var item = Assert.Single(Items(Line("02", Body + "PIX         ")));

        Assert.Equal(
            ["custodia=AB", "dominio=ORIGINACAO#AB#CARGA2024101401", "dominio_enum=ORIGINACAO", "id_operacao=000000123", "codigo_identificador_carga=CARGA2024101401"],
            item.Attributes().Take(5).Select(attribute => $"{attribute.Name}={attribute.Value}"));
        Assert.Equal("dados_dominio", item.Attributes()[5].Name);
        Assert.Contains("\"meio_recebimento_valor\":\"PIX\"", item.Data);
    }

    [Fact]
    public void Instalments_ascend_by_number_and_movements_descend_by_date_however_they_came()
    {
        var items = Items(
            Line("03", Body + "102025-07-14"),
            Line("04", Body + "2222025-01-14"),
            Line("03", Body + "022024-11-14"),
            Line("04", Body + "1112025-01-18"),
            Line("03", Body + "012024-10-14"));

        Assert.Equal(["01", "02", "10"], Values(items[0], "numero_parcela"));
        Assert.Equal(["2025-01-18", "2025-01-14"], Values(items[1], "data_evento"));
    }

    [Fact]
    public void What_is_said_twice_counts_once_across_files()
    {
        using var groups = Group(
            [Line("99", "001000"), Line("03", Body + "012024-10-14"), Line("03", Body + "012024-10-14")],
            [Line("03", Body + "012024-10-14  ")]);

        Assert.Equal((4L, 2L), (groups.Lines, groups.Duplicates));
        Assert.Single(Values(groups.Items(default).First(), "numero_parcela"));
        Assert.Empty(groups.Disagreements);
    }

    [Fact]
    public void The_first_metadata_of_a_group_stay_and_what_they_announce_is_compared_with_what_came()
    {
        using var groups = Group([Line("99", "003001"), Line("99", "001000"), Line("03", Body + "012024-10-14")]);

        var metadata = groups.Items(default).Last();
        Assert.Contains("\"quantidade_parcelas\":3", metadata.Data);
        Assert.Contains("\"quantidade_parcelas_recebidas\":1", metadata.Data);
        Assert.Equal(1, groups.RepeatedMetadata);
        Assert.Equal(
            "operation 000000123 of load CARGA2024101401 (AB) announces 3 instalments and 1 movements, 1 and 0 arrived",
            Assert.Single(groups.Disagreements).ToString());
    }

    [Fact]
    public void Characters_behind_the_last_field_make_no_other_record()
    {
        using var groups = Group([Line("03", Body + "012024-10-14"), Line("03", Body + "012024-10-14X"), Line("02", Body + "PIX         X"), Line("02", Body + "PIX")]);

        Assert.Equal((2L, 0L), (groups.Duplicates, groups.Refused));
        Assert.Equal(2, groups.Items(default).Count());
    }

    [Fact]
    public void Records_join_those_that_an_item_has_already()
    {
        Store(Line("99", "003002"), Line("03", Body + "032024-12-14"), Line("03", Body + "012024-10-14"), Line("04", Body + "1112025-01-14"));

        using var groups = Group([Line("03", Body + "012024-10-14"), Line("03", Body + "022024-11-14"), Line("04", Body + "2222025-01-18")]);

        var items = groups.Items(default).ToList();
        Assert.Equal(["01", "02", "03"], Values(items[0], "numero_parcela"));
        Assert.Equal(["222", "111"], Values(items[1], "id_evento"));
        Assert.Contains("\"quantidade_parcelas\":3,\"quantidade_movimentos_financeiros\":2,\"quantidade_parcelas_recebidas\":3", items[2].Data);
        Assert.Equal((3L, 0L, 0L), (groups.Lines, groups.Duplicates, groups.Refused));
        Assert.Empty(groups.Disagreements);
    }

    [Fact]
    public void The_same_lines_again_make_the_same_items_and_counts()
    {
        string[] lines =
        [
            Line("99", "001001"), Line("99", "002001"), Line("01", Body + "2024-10-14"), Line("01", Body + "2024-10-15"), Line("02", Body + "PIX         ZZ"),
            Line("03", Body + "012024-10-14"), Line("03", Body + "012024-10-14"), Line("04", Body + "1112025-01-14"),
        ];
        var before = Store(lines);

        using var groups = Group(lines);

        Assert.Equal(before, groups.Items(default));
        Assert.Equal((8L, 1L, 1L, 1L), (groups.Lines, groups.Duplicates, groups.RepeatedMetadata, groups.Refused));
    }

    [Fact]
    public void What_an_item_says_already_comes_before_what_lines_say()
    {
        var before = Store(Line("99", "001000"), Line("01", Body + "2024-10-14"));

        using var groups = Group([Line("99", "002000"), Line("01", Body + "2024-10-15")]);

        Assert.Equal(before, groups.Items(default));
        Assert.Equal((1L, 1L), (groups.RepeatedMetadata, groups.Refused));
    }

    [Fact]
    public void Items_that_no_line_belongs_to_are_left_alone_but_the_metadata_that_count_them()
    {
        Store(Line("99", "001001"), Line("01", Body + "2024-10-14"), Line("03", Body + "012024-10-14"));

        Assert.Equal(["MOVIMENTO_FINANCEIRO", "METADATA"], Items(Line("04", Body + "1112025-01-14")).Select(item => item.Key.Name));
    }

    [Fact]
    public void An_item_that_others_have_written_is_named()
    {
        var item = Items(Line("02", Body + "PIX"))[0];

        Assert.Equal(item, OperationItem.Read(item.Attributes()));
        Assert.StartsWith(
            "The item of dominio 'ORIGINACAO#AB#CARGA2024101401' and id_operacao '000000123' has no text dados_dominio: others have written it.",
            Assert.Throws<BadInputException>(() => OperationItem.Read([.. item.Attributes().SkipLast(1)])).Message);

        _stored[item.Key] = item with { Data = "{}" };
        Assert.Contains(
            "the item of domain 02 of operation 000000123 and load CARGA2024101401 holds a record that lacks a field",
            Assert.Throws<DuckDbException>(() => Group([Line("02", Body + "PIX")])).Message);
    }

    [Fact]
    public void A_file_that_outgrows_the_memory_is_parsed()
    {
        const int Lines = 400_000;
        var file = Write("a", [.. Enumerable.Range(0, Lines).Select(line => $"AB03{line:000000000}CARGA{line % 7:0000000000}AB{line:000000000}012024-10-14")]);

        var counts = OperationFile.Parse(
            file, "local://in/a", _folder.File("a.parquet"), _folder.File("refused.csv"), new DuckDbSettings { MemoryLimit = "40MB", Threads = 1, PreserveInsertionOrder = false, TempDirectory = _folder.File("spill") }, default);

        Assert.Equal(Lines, counts.Lines);
    }

    [Fact]
    public void Operations_are_told_apart_by_custody_and_load_as_well()
    {
        var items = Items(
            "AB01000000123CARGA2024101401AB0000001232024-10-14",
            "CD01000000123CARGA2024101401CD0000001232024-10-15",
            "AB01000000123CARGA2024101502AB0000001232024-10-16");

        Assert.Equal(3, items.Count);
    }

    [Theory]
    [InlineData("AB0", "too-short", "the line has 3 characters, the record takes 4", "")]
    [InlineData("AB01000000123CARGA2024101401AB00000012", "too-short", "the line has 38 characters, the record takes 49", "")]
    [InlineData("AB05000000123CARGA2024101401AB0000001232024-10-14", "unknown-code", "codigo_dominio (characters 3 to 4) is '05'; there are 99, 01, 02, 03, 04", "codigo_dominio")]
    [InlineData("AB0100000012XCARGA2024101401AB0000001232024-10-14", "bad-digits", "id_operacao (characters 5 to 13) is '00000012X', which is not all digits", "id_operacao")]
    [InlineData("AB01000000123CARGA2024101401AB0000001232024-02-30", "bad-date", "data_contratacao (characters 40 to 49) is '2024-02-30', which is no day; write it as 2024-10-14", "data_contratacao")]
    [InlineData("AB99000000123CARGA202410140100A002", "bad-digits", "quantidade_parcelas (characters 29 to 31) is '00A', which is not all digits", "quantidade_parcelas")]
    [InlineData("  01000000123CARGA2024101401AB0000001232024-10-14", "bad-text", "custodia (characters 1 to 2) is blank", "custodia")]
    public void A_line_that_is_no_record_is_refused_with_rule_reason_source_line_and_column(string line, string rule, string reason, string column)
    {
        var counts = Parse("a", [Line("01", Body + "2024-10-14"), "", line]);

        Assert.Equal(new OperationFileCounts(2, 1), counts);
        Assert.Equal(
            $"rule,reason,source,line,column,raw\n{rule},{(reason.Contains(',') ? $"\"{reason}\"" : reason)},local://in/a,3,{column},{line}\n",
            File.ReadAllText(_folder.File("a.refused.csv")));
    }

    [Fact]
    public void A_second_record_of_a_domain_that_has_one_is_refused_unless_it_says_the_same()
    {
        using var groups = Group([Line("01", Body + "2024-10-14"), Line("01", Body + "2024-10-14"), Line("01", Body + "2024-10-15")]);

        Assert.Contains("2024-10-14", Assert.Single(groups.Items(default)).Data);
        Assert.Equal((1L, 1L), (groups.Duplicates, groups.Refused));
        groups.Dispose();
        Assert.Contains(",local://in/a,3,,AB01000000123CARGA2024101401AB0000001232024-10-15\n", File.ReadAllText(_folder.File("refused.csv")));
    }

    [Fact]
    public void An_item_that_is_refused_takes_its_lines_with_it()
    {
        using var groups = Group([Line("03", Body + "012024-10-14"), Line("03", Body + "022024-10-14"), Line("02", Body + "DEBITO_CONTA")]);
        var item = groups.Items(default).Single(item => item.Key.Name == "PARCELA");

        groups.Refuse(item.Key, new("too-large", "the item has 500000 bytes"), default);

        Assert.Equal("ORIGINACAO", Assert.Single(groups.Items(default)).Key.Name);
        Assert.Equal(2, groups.Refused);
    }

    [Fact]
    public void The_archive_has_the_records_in_columns_of_the_layout_without_quotes()
    {
        var file = Write("a", [Line("01", Body + "2024-10-14"), "no record", Line("02", Body + "\"QUOTED\"|BAR")]);
        using var archive = new MemoryStream();

        OperationFile.Archive(file, archive, default);

        Assert.Equal(
            "AB|01|000000123|CARGA2024101401|AB0000001232024-10-14\nAB|02|000000123|CARGA2024101401|AB000000123\"QUOTED\"|BAR\n",
            System.Text.Encoding.UTF8.GetString(archive.ToArray()));
    }

    [Fact]
    public void Items_are_published_as_snappy_Parquet()
    {
        using (var groups = Group([Line("02", Body + "PIX")]))
        {
            groups.Write(_folder.File("items.parquet"), default);
        }

        var published = Assert.Single(OperationCatalog.Export(_folder.File("items.parquet"), _folder.File("parts"), "1", ["data_versao", "id_carga"], default));

        Assert.Equal("data_versao=1/id_carga=CARGA2024101401/part-0.parquet", published.Path);
        using var duckDb = DuckDbDatabase.Open(new());
        using var connection = duckDb.Connect();
        Assert.Equal("SNAPPY", connection.Scalar("select string_agg(distinct compression) from parquet_metadata(?)", default, Path.Combine(_folder.File("parts"), published.Path)));
    }

    private static string Line(string domain, string body) => $"AB{domain}000000123CARGA2024101401{body}";

    private List<OperationItem> Items(params string[] lines)
    {
        using var groups = Group(lines);
        return [.. groups.Items(default)];
    }

    private OperationGroups Group(params string[][] files)
    {
        var names = files.Select((lines, index) => (Name: $"{(char)('a' + index)}", lines)).ToList();
        foreach (var (name, lines) in names)
        {
            Parse(name, lines);
        }

        var groups = OperationGroups.Read(names.Select(file => _folder.File($"{file.Name}.parquet")), _folder.File("refused.csv"), _folder.File("spill"), default);
        foreach (var key in groups.Keys(default).Where(_stored.ContainsKey))
        {
            groups.Add([_stored[key]]);
        }

        groups.Group(default);
        return groups;
    }

    /// <summary>Puts the items of some lines where the next ones find them.</summary>
    private List<OperationItem> Store(params string[] lines)
    {
        using var groups = Group(lines);
        var items = groups.Items(default).ToList();
        items.ForEach(item => _stored[item.Key] = item);
        return items;
    }

    private OperationFileCounts Parse(string name, string[] lines) =>
        OperationFile.Parse(Write(name, lines), $"local://in/{name}", _folder.File($"{name}.parquet"), _folder.File($"{name}.refused.csv"), _folder.File("spill"), default);

    private string Write(string name, string[] lines)
    {
        var file = _folder.File(name);
        // Without a line end behind the last, as they come.
        File.WriteAllText(file, string.Join("\r\n", lines));
        return file;
    }

    private static IEnumerable<string> Values(OperationItem item, string key) =>
        System.Text.Json.Nodes.JsonNode.Parse(item.Data)!.AsArray().Select(entry => (string)entry![key]!);
}
