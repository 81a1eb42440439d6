using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;

namespace Workflow.Cloud.DynamoDb;

/// <summary>A table by its name and its key, both parts of which are texts.</summary>
public sealed record DynamoDbTable(string Name, string HashKey, string RangeKey)
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan CreateDeadline = TimeSpan.FromMinutes(2);

    /// <summary>Does something with the table; where there is none, it is created first, billed on demand.</summary>
    public async Task<T> UseAsync<T>(IAmazonDynamoDB client, Func<Task<T>> use, TimeProvider time, CancellationToken cancellation)
    {
        try
        {
            return await use();
        }
        catch (ResourceNotFoundException)
        {
            await CreateAsync(client, time, cancellation);
            return await use();
        }
    }

    /// <returns>Units per second, 0 or null for a table billed on demand. Where there is no table, it is created.</returns>
    internal async Task<ProvisionedThroughputDescription?> FindCapacityAsync(IAmazonDynamoDB client, TimeProvider time, CancellationToken cancellation) =>
        (await UseAsync(client, () => client.DescribeTableAsync(Name, cancellation), time, cancellation)).Table.ProvisionedThroughput;

    /// <summary>Creates the table if it is not there, and waits until it can be used.</summary>
    public async Task CreateAsync(IAmazonDynamoDB client, TimeProvider time, CancellationToken cancellation)
    {
        try
        {
            await client.CreateTableAsync(
                new CreateTableRequest
                {
                    TableName = Name,
                    BillingMode = BillingMode.PAY_PER_REQUEST,
                    KeySchema = [new(HashKey, KeyType.HASH), new(RangeKey, KeyType.RANGE)],
                    AttributeDefinitions = [new(HashKey, ScalarAttributeType.S), new(RangeKey, ScalarAttributeType.S)],
                },
                cancellation);
        }
        catch (ResourceInUseException)
        {
            // There already, or somebody else's call came first.
        }

        var since = time.GetTimestamp();
        while ((await client.DescribeTableAsync(Name, cancellation)).Table.TableStatus != TableStatus.ACTIVE)
        {
            if (time.GetElapsedTime(since) > CreateDeadline)
            {
                throw new TimeoutException($"The DynamoDB table {Name} is not active after {CreateDeadline.TotalMinutes} min.");
            }

            await Task.Delay(LookEvery, time, cancellation);
        }
    }
}
