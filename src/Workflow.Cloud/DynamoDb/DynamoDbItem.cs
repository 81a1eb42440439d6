using System.Text;
using Amazon.DynamoDBv2.Model;

namespace Workflow.Cloud.DynamoDb;

/// <summary>An item whose attributes are texts.</summary>
public sealed record DynamoDbItem(IReadOnlyList<(string Name, string Value)> Attributes)
{
    /// <summary>What DynamoDB takes at most.</summary>
    public const int Largest = 400 << 10;

    private const int WriteUnit = 1 << 10;

    /// <summary>In bytes, as DynamoDB counts: names and values in UTF-8.</summary>
    public int Size { get; } = Attributes.Sum(attribute => Encoding.UTF8.GetByteCount(attribute.Name) + Encoding.UTF8.GetByteCount(attribute.Value));

    /// <summary>What it takes to write it: a unit for each KiB that it begins.</summary>
    public int WriteUnits => (Size + WriteUnit - 1) / WriteUnit;

    internal WriteRequest ToRequest() => new(new PutRequest(Attributes.ToDictionary(attribute => attribute.Name, attribute => new AttributeValue(attribute.Value))));
}
