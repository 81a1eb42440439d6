namespace Workflow.Data.Operations;

/// <summary>The records of one domain of one operation of one load.</summary>
/// <param name="Code">Of the domain: <c>03</c>.</param>
/// <param name="Name">Of the domain: <c>PARCELA</c>.</param>
/// <param name="Records">How many records are in it.</param>
/// <param name="Data">The records as JSON: an object, or an array where a domain has many.</param>
public sealed record OperationItem(string Custody, string Code, string Name, string Operation, string Load, long Records, string Data)
{
    /// <summary>Its attributes by their names.</summary>
    public IReadOnlyList<(string Name, string Value)> Attributes() =>
    [
        ("custodia", Custody),
        ("dominio", $"{Name}#{Custody}#{Load}"),
        ("dominio_enum", Name),
        ("id_operacao", Operation),
        ("codigo_identificador_carga", Load),
        ("dados_dominio", Data),
    ];
}

/// <summary>An operation of which other records arrived than its metadata announce.</summary>
public sealed record OperationDisagreement(string Operation, string Custody, string Load, long Instalments, long InstalmentsReceived, long Movements, long MovementsReceived)
{
    public override string ToString() =>
        $"operation {Operation} of load {Load} ({Custody}) announces {Instalments} instalments and {Movements} movements, {InstalmentsReceived} and {MovementsReceived} arrived";
}
