using Workflow.Data.FixedWidth;

namespace Workflow.Data.Operations;

/// <summary>The records of operations: 28 characters that say whose they are, and a body by domain.</summary>
public static class OperationLayout
{
    private const int Body = 28;

    public static FixedWidthField Custody { get; } = new("custodia", 0, 2);

    public static FixedWidthField Domain { get; } = new("codigo_dominio", 2, 2, FieldKind.Digits);

    public static FixedWidthField Operation { get; } = new("id_operacao", 4, 9, FieldKind.Digits);

    public static FixedWidthField Load { get; } = new("codigo_identificador_carga", 13, 15);

    public static FixedWidthLayout Layout { get; } = new(
        [Custody, Domain, Operation, Load],
        Domain,
        [
            new("99", "METADATA", Fields(("quantidade_parcelas", 3, FieldKind.Digits), ("quantidade_movimentos_financeiros", 3, FieldKind.Digits))),
            new("01", "OPERACAO", Fields(("custodia", 2, FieldKind.Text), ("id_operacao", 9, FieldKind.Digits), ("data_contratacao", 10, FieldKind.Date))),
            new("02", "ORIGINACAO", Fields(("custodia", 2, FieldKind.Text), ("id_operacao", 9, FieldKind.Digits), ("meio_recebimento_valor", 1, FieldKind.Text))),
            new("03", "PARCELA", Fields(("custodia", 2, FieldKind.Text), ("id_operacao", 9, FieldKind.Digits), ("numero_plano", 2, FieldKind.Digits), ("data_vencimento_parcela", 10, FieldKind.Date))),
            new("04", "MOVIMENTO_FINANCEIRO", Fields(("custodia", 2, FieldKind.Text), ("id_operacao", 9, FieldKind.Digits), ("id_evento", 3, FieldKind.Text), ("data_evento", 10, FieldKind.Date))),
        ]);

    public static string BodyOf(string line) => line[Body..];

    /// <param name="code">Of a domain: <c>03</c>.</param>
    /// <returns><c>PARCELA</c>.</returns>
    public static string NameOf(string code) => Layout.Records.First(record => record.Code == code).Name;

    /// <exception cref="BadInputException">There is no domain of this name.</exception>
    public static string CodeOf(string name) => Layout.Records.FirstOrDefault(record => record.Name == name)?.Code
        ?? throw new BadInputException($"There is no domain '{name}'; there are {string.Join(", ", Layout.Records.Select(record => record.Name))}.");

    private static List<FixedWidthField> Fields(params IEnumerable<(string Name, int Length, FieldKind Kind)> fields)
    {
        var all = new List<FixedWidthField>();
        foreach (var (name, length, kind) in fields)
        {
            all.Add(new(name, all.Count == 0 ? Body : all[^1].End, length, kind));
        }

        return all;
    }
}
