using System.Text.Json.Nodes;

namespace Workflow.Cloud.Local;

/// <summary>A job of the stand-in for AWS Glue, and what its runs come to. It runs nothing: it takes its time and ends as it is told.</summary>
/// <param name="State">SUCCEEDED, FAILED, TIMEOUT or STOPPED.</param>
/// <param name="Seconds">How long a run takes.</param>
public sealed record LocalGlueJob(string Name, string State = "SUCCEEDED", string? ErrorMessage = null, double Seconds = 1, int MaxConcurrentRuns = 1);

/// <summary>A run of a job. How it ends is settled when it starts.</summary>
public sealed record LocalGlueRun(string Id, LocalGlueJob Job, IReadOnlyDictionary<string, string> Arguments, DateTimeOffset StartedOn)
{
    public string StateAt(DateTimeOffset now) => now < EndsAt() ? "RUNNING" : Job.State;

    internal DateTimeOffset EndsAt() => StartedOn.AddSeconds(Job.Seconds);
}

internal sealed class LocalGlueJobs
{
    private const int MostResults = 200;

    public Dictionary<string, LocalGlueJob> Jobs { get; init; } = [];

    /// <summary>Oldest first.</summary>
    public List<LocalGlueRun> Runs { get; init; } = [];

    public JsonObject? Call(string operation, JsonObject input, DateTimeOffset now) => operation switch
    {
        "StartJobRun" => Start(Find(input), input, now),
        "GetJobRun" => new() { ["JobRun"] = Describe(FindRun(input), now) },
        "BatchStopJobRun" => Stop(input, now),
        "GetJobRuns" => List(Find(input), input, now),
        _ => null,
    };

    private JsonObject Start(LocalGlueJob job, JsonObject input, DateTimeOffset now)
    {
        if (Runs.Count(run => run.Job.Name == job.Name && now < run.EndsAt()) >= job.MaxConcurrentRuns)
        {
            throw new LocalAwsException("ConcurrentRunsExceededException", $"Concurrent runs exceeded for {job.Name}");
        }

        var arguments = (input["Arguments"] as JsonObject ?? []).ToDictionary(argument => argument.Key, argument => (string)argument.Value!);
        var run = new LocalGlueRun($"jr_{Guid.NewGuid():N}", job, arguments, now);
        Runs.Add(run);
        return new() { ["JobRunId"] = run.Id };
    }

    private JsonObject Stop(JsonObject input, DateTimeOffset now)
    {
        var job = LocalAwsInput.Text(input, "JobName");
        var ids = (input["JobRunIds"] as JsonArray ?? []).Select(id => (string?)id).ToList();
        var (stopped, errors) = (new JsonArray(), new JsonArray());
        foreach (var id in ids)
        {
            var index = Runs.FindIndex(run => run.Job.Name == job && run.Id == id);
            if (index >= 0 && now < Runs[index].EndsAt())
            {
                Runs[index] = Runs[index] with { Job = Runs[index].Job with { State = "STOPPED", ErrorMessage = null, Seconds = (now - Runs[index].StartedOn).TotalSeconds } };
                stopped.Add(new JsonObject { ["JobName"] = job, ["JobRunId"] = id });
            }
            else
            {
                errors.Add(new JsonObject { ["JobName"] = job, ["JobRunId"] = id, ["ErrorDetail"] = new JsonObject { ["ErrorCode"] = "InvalidInputException", ["ErrorMessage"] = "The job run cannot be stopped." } });
            }
        }

        return new() { ["SuccessfulSubmissions"] = stopped, ["Errors"] = errors };
    }

    private JsonObject List(LocalGlueJob job, JsonObject input, DateTimeOffset now)
    {
        var newestFirst = Runs.Where(run => run.Job.Name == job.Name).Reverse().ToList();
        var page = LocalAwsInput.Page(newestFirst, input, MostResults, out var next);
        return new() { ["JobRuns"] = new JsonArray([.. page.Select(run => Describe(run, now))]), ["NextToken"] = next };
    }

    private LocalGlueJob Find(JsonObject input) =>
        Jobs.GetValueOrDefault(LocalAwsInput.Text(input, "JobName")) ?? throw new LocalAwsException("EntityNotFoundException", "Failed to start job run due to missing metadata");

    private LocalGlueRun FindRun(JsonObject input)
    {
        var (job, id) = (LocalAwsInput.Text(input, "JobName"), LocalAwsInput.Text(input, "RunId"));
        return Runs.Find(run => run.Job.Name == job && run.Id == id) ?? throw new LocalAwsException("EntityNotFoundException", $"Job Run : {id} for JobName {job} not found.");
    }

    private static JsonObject Describe(LocalGlueRun run, DateTimeOffset now)
    {
        var state = run.StateAt(now);
        return new()
        {
            ["Id"] = run.Id,
            ["JobName"] = run.Job.Name,
            ["JobRunState"] = state,
            ["ErrorMessage"] = state is "RUNNING" or "SUCCEEDED" ? null : run.Job.ErrorMessage,
            ["Arguments"] = new JsonObject(run.Arguments.Select(argument => KeyValuePair.Create(argument.Key, (JsonNode?)argument.Value))),
            ["StartedOn"] = run.StartedOn.ToUnixTimeMilliseconds() / 1000.0,
            ["ExecutionTime"] = (int)((now < run.EndsAt() ? now : run.EndsAt()) - run.StartedOn).TotalSeconds,
        };
    }
}
