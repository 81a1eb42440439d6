using System.Net;
using Amazon.DynamoDBv2.Model;
using Amazon.Runtime;

namespace Workflow.Cloud.DynamoDb;

/// <summary>
/// Sends requests in batches. What comes back unprocessed is sent again, less and less often while nothing gets through, until nothing is
/// left.
/// </summary>
/// <param name="unitsPerSecond">Capacity units that are used at most; 0 for as many as get through.</param>
internal sealed class DynamoDbBatches(string table, double unitsPerSecond, TimeProvider time)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    private readonly long _start = time.GetTimestamp();
    private double _used;

    /// <summary>Tells what capacity a batch has used; the next one waits until that is within the limit.</summary>
    public void Use(long units) => _used += units;

    /// <param name="send">Returns what came back unprocessed.</param>
    /// <returns>How many requests had to be sent again, counted each time.</returns>
    /// <exception cref="ProvisionedThroughputExceededException">Nothing has got through for ten minutes.</exception>
    public async Task<long> SendAsync<T>(List<T> batch, Func<List<T>, Task<List<T>>> send, CancellationToken cancellation)
    {
        await PaceAsync(cancellation);
        var left = batch;
        var (returned, pause, progress) = (0L, FirstPause, time.GetTimestamp());
        while (true)
        {
            var before = left.Count;
            Exception? throttled = null;
            try
            {
                left = await send(left);
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
                throw new ProvisionedThroughputExceededException($"The DynamoDB table {table} has let none of {left.Count} items through for {Patience.TotalMinutes} min. Give it more capacity.", throttled);
            }

            // A random part of it, so that those that were turned away together do not come back together.
            await Task.Delay(pause * (0.5 + Random.Shared.NextDouble() / 2), time, cancellation);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    /// <summary>Waits until the units that were used before are within the limit.</summary>
    private async Task PaceAsync(CancellationToken cancellation)
    {
        if (unitsPerSecond > 0 && TimeSpan.FromSeconds(_used / unitsPerSecond) - time.GetElapsedTime(_start) is var due && due > TimeSpan.Zero)
        {
            await Task.Delay(due, time, cancellation);
        }
    }

    private static bool IsThrottling(AmazonServiceException refused) =>
        refused is ProvisionedThroughputExceededException or RequestLimitExceededException or ThrottlingException
        || refused.StatusCode is HttpStatusCode.ServiceUnavailable or HttpStatusCode.InternalServerError;
}
