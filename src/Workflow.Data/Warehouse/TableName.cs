using System.Text;

namespace Workflow.Data.Warehouse;

/// <summary>A table of the warehouse. Names are folded as the warehouse folds what is not quoted: <c>Sales.Orders</c> is <c>sales.orders</c>.</summary>
public sealed record TableName
{
    /// <summary>In bytes.</summary>
    internal const int LongestIdentifier = 63;

    public TableName(string schema, string name)
    {
        Schema = Fold(schema);
        Name = Fold(name);
    }

    public string Schema { get; }

    public string Name { get; }

    /// <summary>For SQL.</summary>
    public string Quoted => $"{SqlText.Identifier(Schema)}.{SqlText.Identifier(Name)}";

    /// <summary>For people, and the ledger.</summary>
    public override string ToString() => $"{Schema}.{Name}";

    /// <summary>PostgreSQL lower-cases A to Z in names that are not quoted, and no other letters.</summary>
    /// <exception cref="WarehouseException">The name is empty, longer than PostgreSQL keeps, or holds a NUL.</exception>
    internal static string Fold(string name)
    {
        var bytes = Encoding.UTF8.GetByteCount(name);
        return bytes is > 0 and <= LongestIdentifier && !name.Contains('\0')
            ? string.Create(name.Length, name, static (folded, name) =>
            {
                for (var index = 0; index < name.Length; index++)
                {
                    folded[index] = char.IsAsciiLetterUpper(name[index]) ? (char)(name[index] | 0x20) : name[index];
                }
            })
            : throw new WarehouseException($"'{name}' is {bytes} bytes long; a name in the warehouse has 1 to {LongestIdentifier} and no NUL. Rename it.");
    }
}
