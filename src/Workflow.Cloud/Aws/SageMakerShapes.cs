namespace Workflow.Cloud.Aws;

/// <summary>A training job to be started.</summary>
/// <param name="Name">1 to 63 of a-z, A-Z, 0-9 and -, not at its ends.</param>
/// <param name="Role">The ARN of the role that the job reads and writes by.</param>
/// <param name="Image">The registry path of the algorithm.</param>
/// <param name="Input">The address of the data, <c>s3://bucket/key</c>.</param>
/// <param name="Output">The prefix that the model's artifacts are written under.</param>
public sealed record SageMakerTraining(string Name, string Role, string Image, string Input, string Output)
{
    public string ContentType { get; init; } = "text/csv;label_size=0";

    public string InstanceType { get; init; } = "ml.m5.large";

    public int VolumeGigabytes { get; init; } = 10;

    /// <summary>SageMaker stops the job after it.</summary>
    public TimeSpan MaxRuntime { get; init; } = TimeSpan.FromHours(1);

    public IReadOnlyDictionary<string, string> HyperParameters { get; init; } = new Dictionary<string, string>();
}

/// <summary>A batch transform job to be started: a model's answer to each line of a file.</summary>
/// <param name="Input">The address of a CSV file without a header.</param>
/// <param name="Output">The prefix that the answers are written under, as JSON lines: the input's name with <c>.out</c> after it.</param>
public sealed record SageMakerTransform(string Name, string Model, string Input, string Output)
{
    public string InstanceType { get; init; } = "ml.m5.large";
}

/// <summary>A job as it is now.</summary>
/// <param name="Status">InProgress, Completed, Failed, Stopping or Stopped.</param>
/// <param name="FailureReason">Why it failed, in SageMaker's words.</param>
/// <param name="Artifacts">Of a training job that completed: the address of the model's artifacts.</param>
public sealed record SageMakerJob(string Name, string Status, string? FailureReason, string? Artifacts)
{
    public bool HasEnded() => Status is "Completed" or "Failed" or "Stopped";
}
