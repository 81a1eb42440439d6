using System.Text;
using Amazon.DynamoDBv2.Model;

namespace Workflow.Cloud.DynamoDb;

/// <summary>An item whose attributes are texts.</summary>
public sealed record DynamoDbItem(IReadOnlyList<(string Name, string Value)> Attributes)
{
    /// <summary>What DynamoDB takes at most.</summary>
    public const int Largest = 400 << 10;

    private const int WriteUnit = 1 << 10;
    private const int ReadUnit = 4 << 10;

    /// <summary>In bytes, as DynamoDB counts: names and values in UTF-8.</summary>
    public int Size { get; } = Attributes.Sum(attribute => Encoding.UTF8.GetByteCount(attribute.Name) + Encoding.UTF8.GetByteCount(attribute.Value));

    /// <summary>What it takes to write it: a unit for each KiB that it begins.</summary>
    public int WriteUnits => (Size + WriteUnit - 1) / WriteUnit;

    /// <summary>What it takes to read it as it is at that moment: a unit for each 4 KiB that it begins.</summary>
    public int ReadUnits => (Size + ReadUnit - 1) / ReadUnit;

    /// <summary>The attributes of an item that are texts.</summary>
    internal static DynamoDbItem Read(Dictionary<string, AttributeValue> values) =>
        new([.. values.Where(value => value.Value.S is not null).Select(value => (value.Key, value.Value.S))]);

    internal Dictionary<string, AttributeValue> ToValues() => Attributes.ToDictionary(attribute => attribute.Name, attribute => new AttributeValue(attribute.Value));

    internal WriteRequest ToRequest() => new(new PutRequest(ToValues()));
}
