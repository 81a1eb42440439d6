using System.Text.Json.Nodes;

namespace Workflow.Cloud.Local;

/// <summary>What the stand-in is to train.</summary>
/// <param name="Input">The address of the data: CSV without a header.</param>
/// <param name="Artifacts">Where the model is to be written.</param>
public sealed record LocalTraining(string Input, string Artifacts, IReadOnlyDictionary<string, string> HyperParameters);

/// <summary>What the stand-in is to answer: a line of JSON for each line of the input.</summary>
/// <param name="Artifacts">Where the model was written.</param>
public sealed record LocalTransform(string Artifacts, string Input, string Output);

/// <summary>The algorithm in the image, as far as the stand-in needs one. What it throws is the reason for which the job fails.</summary>
public sealed record LocalAlgorithm(Func<LocalTraining, CancellationToken, Task> TrainAsync, Func<LocalTransform, CancellationToken, Task> TransformAsync);

/// <summary>A job of the stand-in for Amazon SageMaker.</summary>
/// <param name="Input">What it was started with.</param>
/// <param name="Looks">How often it was described: it starts at the first look and works at the second.</param>
public sealed record LocalSageMakerJob(string Name, JsonObject Input, DateTimeOffset CreatedOn, int Looks = 0, string Status = "InProgress", string? FailureReason = null)
{
    public bool HasEnded() => Status is "Completed" or "Failed" or "Stopped";
}

/// <summary>Lets the next job of a kind fail.</summary>
/// <param name="Operation">CreateTrainingJob or CreateTransformJob.</param>
public sealed record LocalSageMakerFailure(string Operation, string Reason);
