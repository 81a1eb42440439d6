using System.Net;
using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;
using Amazon.Runtime;

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
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    private double _unitsPerSecond;
    private long _paceStart;
    private double _paced;

    /// <summary>Writes all of the items, or throws.</summary>
    /// <param name="items">No two with one key, none larger than <see cref="DynamoDbItem.Largest"/>.</param>
    /// <exception cref="AmazonDynamoDBException">The table refuses, or has let nothing through for ten minutes.</exception>
    public async Task<DynamoDbWritten> WriteAsync(IEnumerable<DynamoDbItem> items, CancellationToken cancellation)
    {
        _unitsPerSecond = share * await FindCapacityAsync(cancellation);
        _paceStart = time.GetTimestamp();
        var written = new DynamoDbWritten(0, 0, 0);
        foreach (var batch in items.Chunk(LargestBatch))
        {
            var units = batch.Sum(item => (long)item.WriteUnits);
            await PaceAsync(units, cancellation);
            written = new(written.Items + batch.Length, written.Units + units, written.Returned + await WriteAsync(batch, cancellation));
        }

        return written;
    }

    /// <returns>How many had to be sent again, counted each time.</returns>
    private async Task<long> WriteAsync(DynamoDbItem[] batch, CancellationToken cancellation)
    {
        var left = batch.Select(item => item.ToRequest()).ToList();
        var (returned, pause, progress) = (0L, FirstPause, time.GetTimestamp());
        while (true)
        {
            var before = left.Count;
            Exception? throttled = null;
            try
            {
                var answer = await client.BatchWriteItemAsync(new Dictionary<string, List<WriteRequest>> { [table.Name] = left }, cancellation);
                left = answer.UnprocessedItems?.GetValueOrDefault(table.Name) ?? [];
            }
            catch (AmazonServiceException refused) when (IsThrottling(refused))
            {
                throttled = refused;
            }

            if (left.Count == 0)
            {
                return returned;
            }

            returned += left.Count;
            if (left.Count < before)
            {
                (pause, progress) = (FirstPause, time.GetTimestamp());
            }
            else if (time.GetElapsedTime(progress) > Patience)
            {
                throw new ProvisionedThroughputExceededException($"The DynamoDB table {table.Name} has taken none of {left.Count} items for {Patience.TotalMinutes} min. Give it more write capacity.", throttled);
            }

            // A random part of it, so that writers that were turned away together do not come back together.
            await Task.Delay(pause * (0.5 + Random.Shared.NextDouble() / 2), time, cancellation);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    /// <summary>Waits until the units that were used before are within the share.</summary>
    private async Task PaceAsync(long units, CancellationToken cancellation)
    {
        if (_unitsPerSecond <= 0)
        {
            return;
        }

        var due = TimeSpan.FromSeconds(_paced / _unitsPerSecond) - time.GetElapsedTime(_paceStart);
        _paced += units;
        if (due > TimeSpan.Zero)
        {
            await Task.Delay(due, time, cancellation);
        }
    }

    /// <returns>Write units per second; 0 for a table billed on demand.</returns>
    private async Task<long> FindCapacityAsync(CancellationToken cancellation)
    {
        var found = await table.UseAsync(client, () => client.DescribeTableAsync(table.Name, cancellation), time, cancellation);
        return found.Table.ProvisionedThroughput?.WriteCapacityUnits ?? 0;
    }

    private static bool IsThrottling(AmazonServiceException refused) =>
        refused is ProvisionedThroughputExceededException or RequestLimitExceededException or ThrottlingException
        || refused.StatusCode is HttpStatusCode.ServiceUnavailable or HttpStatusCode.InternalServerError;
}
