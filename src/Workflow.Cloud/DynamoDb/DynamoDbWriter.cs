using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;

namespace Workflow.Cloud.DynamoDb;

/// <summary>What it took to write items.</summary>
/// <param name="Units">Write capacity units.</param>
/// <param name="Returned">How often an item came back unprocessed, or with a batch that was throttled, and was sent again.</param>
public sealed record DynamoDbWritten(long Items, long Units, long Returned);

/// <summary>
/// Puts items into a table in batches. What comes back unprocessed is sent again, less and less often while nothing gets through, until
/// nothing is left; putting the same items again changes nothing.
/// </summary>
/// <param name="share">Of the table's write capacity, above 0 and up to 1: more than that is not asked of it. A table billed on demand has no such limit.</param>
public sealed class DynamoDbWriter(IAmazonDynamoDB client, DynamoDbTable table, double share, TimeProvider time)
{
    private const int LargestBatch = 25;

    /// <summary>Writes all of the items, or throws.</summary>
    /// <param name="items">No two with one key, none larger than <see cref="DynamoDbItem.Largest"/>.</param>
    /// <exception cref="AmazonDynamoDBException">The table refuses, or has let nothing through for ten minutes.</exception>
    public async Task<DynamoDbWritten> WriteAsync(IEnumerable<DynamoDbItem> items, CancellationToken cancellation)
    {
        var capacity = await table.FindCapacityAsync(client, time, cancellation);
        var batches = new DynamoDbBatches(table.Name, share * (capacity?.WriteCapacityUnits ?? 0), time);
        var written = new DynamoDbWritten(0, 0, 0);
        foreach (var batch in items.Chunk(LargestBatch))
        {
            var units = batch.Sum(item => (long)item.WriteUnits);
            var returned = await batches.SendAsync([.. batch.Select(item => item.ToRequest())], SendAsync, cancellation);
            batches.Use(units);
            written = new(written.Items + batch.Length, written.Units + units, written.Returned + returned);
        }

        return written;

        async Task<List<WriteRequest>> SendAsync(List<WriteRequest> batch)
        {
            var answer = await client.BatchWriteItemAsync(new Dictionary<string, List<WriteRequest>> { [table.Name] = batch }, cancellation);
            return answer.UnprocessedItems?.GetValueOrDefault(table.Name) ?? [];
        }
    }
}
