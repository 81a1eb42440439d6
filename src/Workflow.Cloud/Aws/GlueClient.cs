using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;

namespace Workflow.Cloud.Aws;

/// <summary>A run of a Glue job.</summary>
/// <param name="State">STARTING, WAITING, RUNNING, STOPPING, SUCCEEDED, FAILED, TIMEOUT, STOPPED, ERROR or EXPIRED.</param>
/// <param name="ErrorMessage">Why it failed, in the job's words.</param>
public sealed record GlueJobRun(string Id, string State, string? ErrorMessage, IReadOnlyDictionary<string, string> Arguments)
{
    public bool HasEnded() => State is "SUCCEEDED" or "FAILED" or "TIMEOUT" or "STOPPED" or "ERROR" or "EXPIRED";
}

/// <summary>AWS Glue: jobs and the Data Catalog.</summary>
public sealed class GlueClient(AwsEndpoints endpoints)
{
    private const int LargestBatch = 100;
    private const string NotFound = "EntityNotFoundException";
    private const string AlreadyExists = "AlreadyExistsException";

    private readonly AwsJsonClient _glue = new(new("Glue", "glue") { Api = "AWSGlue" }, endpoints);

    /// <summary>Starts a run and returns its id. It is sent once: where the answer is lost, <see cref="ListJobRunsAsync"/> says what became of it.</summary>
    public async Task<string> StartJobRunAsync(string job, IReadOnlyDictionary<string, string> arguments, CancellationToken cancellation)
    {
        var named = new JsonObject(arguments.Select(argument => KeyValuePair.Create(argument.Key, (JsonNode?)argument.Value)));
        var started = await _glue.CallOnceAsync("StartJobRun", new() { ["JobName"] = job, ["Arguments"] = named }, cancellation);
        return (string)started["JobRunId"]!;
    }

    public async Task<GlueJobRun> GetJobRunAsync(string job, string run, CancellationToken cancellation) =>
        GlueShapes.ReadRun((await _glue.CallAsync("GetJobRun", new() { ["JobName"] = job, ["RunId"] = run }, cancellation))["JobRun"]!);

    /// <returns>False where it had ended already.</returns>
    public async Task<bool> StopJobRunAsync(string job, string run, CancellationToken cancellation)
    {
        var answer = await _glue.CallAsync("BatchStopJobRun", new() { ["JobName"] = job, ["JobRunIds"] = new JsonArray(run) }, cancellation);
        return answer["SuccessfulSubmissions"] is JsonArray { Count: > 0 };
    }

    /// <summary>The runs of a job, newest first.</summary>
    public IAsyncEnumerable<GlueJobRun> ListJobRunsAsync(string job, CancellationToken cancellation) =>
        ListAsync("GetJobRuns", "JobRuns", new() { ["JobName"] = job }, cancellation).Select(GlueShapes.ReadRun);

    /// <summary>Null where there is none.</summary>
    public async Task<JsonObject?> FindDatabaseAsync(string database, CancellationToken cancellation) =>
        (await FindAsync("GetDatabase", new() { ["Name"] = database }, cancellation))?["Database"] as JsonObject;

    /// <summary>One that is there already is no error.</summary>
    public Task CreateDatabaseAsync(string database, CancellationToken cancellation) =>
        CreateAsync("CreateDatabase", new() { ["DatabaseInput"] = new JsonObject { ["Name"] = database } }, cancellation);

    /// <summary>Null where there is none.</summary>
    public async Task<GlueTable?> FindTableAsync(string database, string table, CancellationToken cancellation) =>
        (await FindAsync("GetTable", new() { ["DatabaseName"] = database, ["Name"] = table }, cancellation))?["Table"] is JsonObject found ? GlueShapes.ReadTable(database, found) : null;

    /// <returns>False where it is there already.</returns>
    public Task<bool> CreateTableAsync(GlueTable table, CancellationToken cancellation) =>
        CreateAsync("CreateTable", new() { ["DatabaseName"] = table.Database, ["TableInput"] = GlueShapes.Input(table) }, cancellation);

    /// <summary>Changes a table's columns and location, and nothing else of what others have written about it.</summary>
    /// <exception cref="AwsRefusedException">There is no such table.</exception>
    public async Task UpdateTableAsync(GlueTable table, CancellationToken cancellation)
    {
        var there = (await _glue.CallAsync("GetTable", new() { ["DatabaseName"] = table.Database, ["Name"] = table.Name }, cancellation))["Table"]!;
        await _glue.CallAsync("UpdateTable", new() { ["DatabaseName"] = table.Database, ["TableInput"] = GlueShapes.Changed((JsonObject)there, table) }, cancellation);
    }

    /// <summary>Adds partitions, and points those that are there already to where they are now.</summary>
    public async Task PutPartitionsAsync(GlueTable table, IEnumerable<GluePartition> partitions, CancellationToken cancellation)
    {
        foreach (var batch in partitions.Chunk(LargestBatch))
        {
            var input = Named(table, "PartitionInputList", batch.Select(partition => GlueShapes.Input(table, partition)));
            var errors = Errors(await _glue.CallAsync("BatchCreatePartition", input, cancellation), "BatchCreatePartition", except: AlreadyExists);
            if (errors.Count > 0)
            {
                var there = errors.Select(error => error["PartitionValues"]!.ToJsonString()).ToHashSet();
                await UpdateAsync(table, batch.Where(partition => there.Contains(GlueShapes.Values(partition).ToJsonString())), cancellation);
            }
        }
    }

    public IAsyncEnumerable<GluePartition> ListPartitionsAsync(string database, string table, CancellationToken cancellation) =>
        ListAsync("GetPartitions", "Partitions", new() { ["DatabaseName"] = database, ["TableName"] = table }, cancellation).Select(GlueShapes.ReadPartition);

    private async Task UpdateAsync(GlueTable table, IEnumerable<GluePartition> partitions, CancellationToken cancellation)
    {
        var entries = partitions.Select(partition => new JsonObject { ["PartitionValueList"] = GlueShapes.Values(partition), ["PartitionInput"] = GlueShapes.Input(table, partition) });
        Errors(await _glue.CallAsync("BatchUpdatePartition", Named(table, "Entries", entries), cancellation), "BatchUpdatePartition", except: null);
    }

    private static JsonObject Named(GlueTable table, string list, IEnumerable<JsonObject> items) =>
        new() { ["DatabaseName"] = table.Database, ["TableName"] = table.Name, [list] = new JsonArray([.. items]) };

    /// <summary>Batches answer their errors one by one; any but the one expected fails the call.</summary>
    private static List<JsonObject> Errors(JsonObject answer, string operation, string? except)
    {
        var errors = (answer["Errors"] as JsonArray ?? []).OfType<JsonObject>().ToList();
        var refused = errors.Select(error => error["ErrorDetail"]).FirstOrDefault(detail => (string?)detail?["ErrorCode"] != except);
        return refused is null ? errors : throw new AwsException("Glue", operation, (string?)refused["ErrorCode"], (string?)refused["ErrorMessage"] ?? "without a reason", null);
    }

    private async Task<JsonObject?> FindAsync(string operation, JsonObject input, CancellationToken cancellation)
    {
        try
        {
            return await _glue.CallAsync(operation, input, cancellation);
        }
        catch (AwsRefusedException absent) when (absent.Code == NotFound)
        {
            return null;
        }
    }

    private async Task<bool> CreateAsync(string operation, JsonObject input, CancellationToken cancellation)
    {
        try
        {
            await _glue.CallAsync(operation, input, cancellation);
            return true;
        }
        catch (AwsRefusedException there) when (there.Code == AlreadyExists)
        {
            return false;
        }
    }

    private async IAsyncEnumerable<JsonNode> ListAsync(string operation, string list, JsonObject input, [EnumeratorCancellation] CancellationToken cancellation)
    {
        string? next;
        do
        {
            var page = await _glue.CallAsync(operation, input, cancellation);
            foreach (var item in page[list] as JsonArray ?? [])
            {
                yield return item!;
            }

            next = (string?)page["NextToken"];
            input["NextToken"] = next;
        }
        while (next is not null);
    }
}
