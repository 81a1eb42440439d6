namespace Workflow.Data.Operations;

/// <summary>What tells an item from others.</summary>
/// <param name="Code">Of the domain: <c>03</c>.</param>
public sealed record OperationKey(string Custody, string Code, string Operation, string Load)
{
    /// <summary>Of the domain: <c>PARCELA</c>.</summary>
    public string Name => OperationLayout.NameOf(Code);

    /// <summary>The attribute that tells the items of an operation apart.</summary>
    public string Domain => $"{Name}#{Custody}#{Load}";

    /// <summary>The attributes of the table's key by their names.</summary>
    public IReadOnlyList<(string Name, string Value)> Attributes() => [("id_operacao", Operation), ("dominio", Domain)];
}

/// <summary>The records of one domain of one operation of one load.</summary>
/// <param name="Data">The records as JSON: an object, or an array where a domain has many.</param>
public sealed record OperationItem(OperationKey Key, string Data)
{
    /// <summary>Its attributes by their names.</summary>
    public IReadOnlyList<(string Name, string Value)> Attributes() =>
    [
        ("custodia", Key.Custody),
        ("dominio", Key.Domain),
        ("dominio_enum", Key.Name),
        ("id_operacao", Key.Operation),
        ("codigo_identificador_carga", Key.Load),
        ("dados_dominio", Data),
    ];

    /// <summary>The item that has these attributes.</summary>
    /// <exception cref="BadInputException">It is none that was written here.</exception>
    public static OperationItem Read(IReadOnlyList<(string Name, string Value)> attributes)
    {
        var item = new OperationItem(new(Find("custodia"), OperationLayout.CodeOf(Find("dominio_enum")), Find("id_operacao"), Find("codigo_identificador_carga")), Find("dados_dominio"));
        return item.Key.Attributes().All(attributes.Contains) ? item : throw Foreign($"says that it is {item.Key.Domain} of {item.Key.Operation}");

        string Find(string name) => attributes.FirstOrDefault(attribute => attribute.Name == name).Value ?? throw Foreign($"has no text {name}");

        BadInputException Foreign(string what)
        {
            var key = attributes.Where(attribute => attribute.Name is "id_operacao" or "dominio").Select(attribute => $"{attribute.Name} '{attribute.Value}'");
            return new($"The item of {string.Join(" and ", key)} {what}: others have written it. Remove it, or name a table of your own.");
        }
    }
}

/// <summary>An operation of which other records arrived than its metadata announce.</summary>
public sealed record OperationDisagreement(string Operation, string Custody, string Load, long Instalments, long InstalmentsReceived, long Movements, long MovementsReceived)
{
    public override string ToString() =>
        $"operation {Operation} of load {Load} ({Custody}) announces {Instalments} instalments and {Movements} movements, {InstalmentsReceived} and {MovementsReceived} arrived";
}
