using System.Runtime.CompilerServices;
using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;

namespace Workflow.Cloud.DynamoDb;

/// <summary>Reads items of a table by their keys in batches, as they are at that moment.</summary>
/// <param name="share">Of the table's read capacity, as <see cref="DynamoDbWriter"/> keeps to one of its write capacity.</param>
public sealed class DynamoDbReader(IAmazonDynamoDB client, DynamoDbTable table, double share, TimeProvider time)
{
    private const int LargestBatch = 100;

    /// <param name="keys">No two the same.</param>
    /// <returns>Those that are there, in no order, some at a time.</returns>
    /// <exception cref="AmazonDynamoDBException">The table refuses, or has let nothing through for ten minutes.</exception>
    public async IAsyncEnumerable<IReadOnlyList<DynamoDbItem>> ReadAsync(IEnumerable<DynamoDbItem> keys, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var capacity = await table.FindCapacityAsync(client, time, cancellation);
        var batches = new DynamoDbBatches(table.Name, share * (capacity?.ReadCapacityUnits ?? 0), time);
        foreach (var batch in keys.Chunk(LargestBatch))
        {
            var found = new List<DynamoDbItem>();
            await batches.SendAsync([.. batch.Select(key => key.ToValues())], SendAsync, cancellation);
            batches.Use(batch.Length - found.Count + found.Sum(item => (long)item.ReadUnits));
            yield return found;

            async Task<List<Dictionary<string, AttributeValue>>> SendAsync(List<Dictionary<string, AttributeValue>> asked)
            {
                var answer = await client.BatchGetItemAsync(new Dictionary<string, KeysAndAttributes> { [table.Name] = new() { Keys = asked, ConsistentRead = true } }, cancellation);
                found.AddRange((answer.Responses?.GetValueOrDefault(table.Name) ?? []).Select(DynamoDbItem.Read));
                return answer.UnprocessedKeys?.GetValueOrDefault(table.Name)?.Keys ?? [];
            }
        }
    }
}
