using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Builder;

namespace Workflow.Cloud.Local;

/// <summary>
/// A stand-in for Amazon SageMaker: training jobs, models, and batch transform jobs that really train and answer, by an algorithm that it
/// is given (its jobs are shown at <c>/local/aws/sagemaker/jobs</c>; POST a <see cref="LocalSageMakerFailure"/> to <c>failures</c>). It
/// takes addresses on <c>local://</c> as SageMaker takes those on <c>s3://</c>.
/// </summary>
/// <remarks>A job goes on when it is looked at: the first look finds it starting, the second one lets it do its work.</remarks>
public sealed class LocalSageMaker(string dataFolder, LocalAlgorithm algorithm, TimeProvider time) : ILocalAwsService
{
    private const int LooksToWork = 2;

    private readonly LocalAwsState<LocalSageMakerState> _state = new(dataFolder, "sagemaker", time);

    public string SigningName => "sagemaker";

    public string? TargetPrefix => "SageMaker";

    public void Map(IEndpointRouteBuilder local)
    {
        local.MapGet("/jobs", ReadJobsAsync);
        local.MapPost("/failures", FailAsync);
    }

    /// <summary>All jobs, oldest first.</summary>
    public Task<IReadOnlyList<LocalSageMakerJob>> ReadJobsAsync(CancellationToken cancellation) =>
        _state.ReadAsync(IReadOnlyList<LocalSageMakerJob> (state) => [.. state.Training.Values.Concat(state.Transforms.Values).OrderBy(job => job.CreatedOn)], cancellation);

    public Task FailAsync(LocalSageMakerFailure failure, CancellationToken cancellation) =>
        _state.UpdateAsync(state => state.Failures[failure.Operation] = failure.Reason, cancellation);

    public Task<JsonObject> CallAsync(string operation, JsonObject input, CancellationToken cancellation) => operation switch
    {
        "DescribeTrainingJob" => DescribeAsync(state => state.Training, LocalAwsInput.Text(input, "TrainingJobName"), TrainAsync, LocalSageMakerState.DescribeTraining, cancellation),
        "DescribeTransformJob" => DescribeAsync(state => state.Transforms, LocalAwsInput.Text(input, "TransformJobName"), TransformAsync, LocalSageMakerState.DescribeTransform, cancellation),
        _ => _state.UpdateAsync(state => state.Call(operation, input, time.GetUtcNow()), cancellation),
    };

    private async Task<JsonObject> DescribeAsync(
        Func<LocalSageMakerState, Dictionary<string, LocalSageMakerJob>> kind, string name, Func<LocalSageMakerJob, CancellationToken, Task> work,
        Func<LocalSageMakerJob, JsonObject> describe, CancellationToken cancellation)
    {
        var job = await _state.UpdateAsync(
            state =>
            {
                var found = LocalSageMakerState.Find(kind(state), name);
                return kind(state)[name] = found with { Looks = found.Looks + 1, Status = found.Status == "Stopping" ? "Stopped" : found.Status };
            },
            cancellation);
        return describe(job.HasEnded() || job.Looks < LooksToWork ? job : await EndAsync(kind, job, work, cancellation));
    }

    /// <summary>The work is done outside of the state's lock. A job that is looked at twice at once does it twice, to the same end.</summary>
    private async Task<LocalSageMakerJob> EndAsync(
        Func<LocalSageMakerState, Dictionary<string, LocalSageMakerJob>> kind, LocalSageMakerJob job, Func<LocalSageMakerJob, CancellationToken, Task> work, CancellationToken cancellation)
    {
        var reason = job.FailureReason;
        if (reason is null)
        {
            try
            {
                await work(job, cancellation);
            }
            catch (Exception failed) when (failed is not OperationCanceledException)
            {
                reason = $"AlgorithmError: {failed.Message}";
            }
        }

        return await _state.UpdateAsync(state => kind(state)[job.Name] = job with { Status = reason is null ? "Completed" : "Failed", FailureReason = reason }, cancellation);
    }

    private Task TrainAsync(LocalSageMakerJob job, CancellationToken cancellation)
    {
        var parameters = (job.Input["HyperParameters"] as JsonObject ?? []).ToDictionary(parameter => parameter.Key, parameter => (string)parameter.Value!);
        return algorithm.TrainAsync(new(LocalSageMakerState.TrainingInput(job), LocalSageMakerState.Artifacts(job), parameters), cancellation);
    }

    private async Task TransformAsync(LocalSageMakerJob job, CancellationToken cancellation)
    {
        var artifacts = await _state.ReadAsync(state => state.Models[(string)job.Input["ModelName"]!], cancellation);
        var input = LocalSageMakerState.TransformInput(job);
        var output = $"{((string)job.Input["TransformOutput"]!["S3OutputPath"]!).TrimEnd('/')}/{input[(input.LastIndexOf('/') + 1)..]}.out";
        await algorithm.TransformAsync(new(artifacts, input, output), cancellation);
    }
}
