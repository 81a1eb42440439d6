using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;

namespace Workflow.Cloud.DynamoDb;

/// <summary>The end of one state of a run.</summary>
/// <param name="IngestedId">The run.</param>
/// <param name="IngestedTable">What the run loads.</param>
/// <param name="Number">Counts the states of the run; with the time the same for each attempt to record this one, and of no other.</param>
/// <param name="Reason">Why the state failed; null where it did not.</param>
public sealed record StateRecord(string IngestedId, string IngestedTable, int Number, string State, string? Reason, string Pipeline, string Instance, DateTime Time)
{
    public string Status => Reason is null ? "success" : "fail";
}

/// <summary>
/// A DynamoDB table with an item per run: key <c>ingestedID</c> and <c>ingestedTable</c>, the latest state in its attributes,
/// and every state in the list <c>history</c>.
/// </summary>
public sealed class StatusTable(IAmazonDynamoDB client, TimeProvider time)
{
    private const string HashKey = "ingestedID";
    private const string RangeKey = "ingestedTable";
    private const int LongestReason = 2_000;

    /// <summary>Records a state, exactly once however often it is told. The table is created if it is not there.</summary>
    /// <returns>False where it was recorded already.</returns>
    public async Task<bool> RecordAsync(string table, StateRecord state, CancellationToken cancellation)
    {
        var update = Update(table, state);
        try
        {
            await new DynamoDbTable(table, HashKey, RangeKey).UseAsync(client, () => client.UpdateItemAsync(update, cancellation), time, cancellation);
            return true;
        }
        catch (ConditionalCheckFailedException)
        {
            return false;
        }
    }

    /// <summary>One request, so that the latest state and the history never disagree.</summary>
    private static UpdateItemRequest Update(string table, StateRecord state)
    {
        var entry = new Dictionary<string, AttributeValue>
        {
            ["state"] = new(state.State),
            ["status"] = new(state.Status),
            ["time"] = new($"{state.Time:yyyy-MM-ddTHH:mm:ss.fffZ}"),
        };
        if (state.Reason is { } reason)
        {
            entry["reason"] = new(reason.Length <= LongestReason ? reason : $"{reason[..LongestReason]}…");
        }

        return new UpdateItemRequest
        {
            TableName = table,
            Key = new() { [HashKey] = new(state.IngestedId), [RangeKey] = new(state.IngestedTable) },
            ConditionExpression = "attribute_not_exists(#recorded) OR NOT contains(#recorded, :key)",
            UpdateExpression = "SET #state = :state, #status = :status, #time = :time, #pipeline = :pipeline, #instance = :instance, "
                + $"#history = list_append(if_not_exists(#history, :none), :entry){(state.Reason is null ? " REMOVE #reason" : ", #reason = :reason")} ADD #recorded :keys",
            ExpressionAttributeNames = new()
            {
                ["#state"] = "state",
                ["#status"] = "status",
                ["#time"] = "time",
                ["#pipeline"] = "pipeline",
                ["#instance"] = "instance",
                ["#history"] = "history",
                ["#reason"] = "reason",
                ["#recorded"] = "recorded",
            },
            ExpressionAttributeValues = Values(state, entry),
        };
    }

    private static Dictionary<string, AttributeValue> Values(StateRecord state, Dictionary<string, AttributeValue> entry)
    {
        var values = entry.ToDictionary(attribute => $":{attribute.Key}", attribute => attribute.Value);
        values[":pipeline"] = new(state.Pipeline);
        values[":instance"] = new(state.Instance);
        var key = $"{state.Number} {state.Time:O}";  // a run that was rewound counts on from where it was rewound to
        values[":key"] = new(key);
        values[":keys"] = new() { SS = [key] };
        values[":none"] = new() { L = [], IsLSet = true };
        values[":entry"] = new() { L = [new() { M = entry }] };
        return values;
    }
}
