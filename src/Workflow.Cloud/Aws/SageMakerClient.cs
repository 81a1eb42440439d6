using System.Text.Json.Nodes;

namespace Workflow.Cloud.Aws;

/// <summary>
/// Amazon SageMaker: training jobs, models and batch transform jobs. What is started has a name of the caller's, so to start it again is
/// to find it there: that is no error.
/// </summary>
public sealed class SageMakerClient(AwsEndpoints endpoints)
{
    private const string InUse = "ResourceInUse";
    private const string Invalid = "ValidationException";

    private readonly AwsJsonClient _sageMaker = new(new("SageMaker", "sagemaker") { EndpointPrefix = "api.sagemaker", Api = "SageMaker" }, endpoints);

    public Task StartTrainingAsync(SageMakerTraining job, CancellationToken cancellation) => StartAsync(
        "CreateTrainingJob",
        new()
        {
            ["TrainingJobName"] = job.Name,
            ["RoleArn"] = job.Role,
            ["AlgorithmSpecification"] = new JsonObject { ["TrainingImage"] = job.Image, ["TrainingInputMode"] = "File" },
            ["InputDataConfig"] = new JsonArray(new JsonObject
            {
                ["ChannelName"] = "train",
                ["ContentType"] = job.ContentType,
                ["DataSource"] = new JsonObject
                {
                    ["S3DataSource"] = new JsonObject { ["S3DataType"] = "S3Prefix", ["S3Uri"] = job.Input, ["S3DataDistributionType"] = "FullyReplicated" },
                },
            }),
            ["OutputDataConfig"] = new JsonObject { ["S3OutputPath"] = job.Output },
            ["ResourceConfig"] = new JsonObject { ["InstanceType"] = job.InstanceType, ["InstanceCount"] = 1, ["VolumeSizeInGB"] = job.VolumeGigabytes },
            ["StoppingCondition"] = new JsonObject { ["MaxRuntimeInSeconds"] = (int)job.MaxRuntime.TotalSeconds },
            ["HyperParameters"] = new JsonObject(job.HyperParameters.Select(parameter => KeyValuePair.Create(parameter.Key, (JsonNode?)parameter.Value))),
        },
        cancellation);

    public async Task<SageMakerJob> DescribeTrainingAsync(string name, CancellationToken cancellation)
    {
        var job = await _sageMaker.CallAsync("DescribeTrainingJob", new() { ["TrainingJobName"] = name }, cancellation);
        return new(name, (string)job["TrainingJobStatus"]!, (string?)job["FailureReason"], (string?)job["ModelArtifacts"]?["S3ModelArtifacts"]);
    }

    public Task StopTrainingAsync(string name, CancellationToken cancellation) =>
        StopAsync("StopTrainingJob", new() { ["TrainingJobName"] = name }, cancellation);

    /// <param name="artifacts">Of a training job.</param>
    public async Task CreateModelAsync(string name, string role, string image, string artifacts, CancellationToken cancellation)
    {
        try
        {
            var container = new JsonObject { ["Image"] = image, ["ModelDataUrl"] = artifacts };
            await _sageMaker.CallAsync("CreateModel", new() { ["ModelName"] = name, ["ExecutionRoleArn"] = role, ["PrimaryContainer"] = container }, cancellation);
        }
        catch (AwsRefusedException refused) when (refused.Code == Invalid && refused.Reason.Contains("already existing", StringComparison.Ordinal))
        {
            // Models have no error of their own for it; the one of that name is that of the attempt before.
        }
    }

    public Task StartTransformAsync(SageMakerTransform job, CancellationToken cancellation) => StartAsync(
        "CreateTransformJob",
        new()
        {
            ["TransformJobName"] = job.Name,
            ["ModelName"] = job.Model,
            ["BatchStrategy"] = "MultiRecord",
            ["TransformInput"] = new JsonObject
            {
                ["ContentType"] = "text/csv",
                ["SplitType"] = "Line",
                ["DataSource"] = new JsonObject { ["S3DataSource"] = new JsonObject { ["S3DataType"] = "S3Prefix", ["S3Uri"] = job.Input } },
            },
            ["TransformOutput"] = new JsonObject { ["S3OutputPath"] = job.Output, ["Accept"] = "application/jsonlines", ["AssembleWith"] = "Line" },
            ["TransformResources"] = new JsonObject { ["InstanceType"] = job.InstanceType, ["InstanceCount"] = 1 },
        },
        cancellation);

    public async Task<SageMakerJob> DescribeTransformAsync(string name, CancellationToken cancellation)
    {
        var job = await _sageMaker.CallAsync("DescribeTransformJob", new() { ["TransformJobName"] = name }, cancellation);
        return new(name, (string)job["TransformJobStatus"]!, (string?)job["FailureReason"], null);
    }

    public Task StopTransformAsync(string name, CancellationToken cancellation) =>
        StopAsync("StopTransformJob", new() { ["TransformJobName"] = name }, cancellation);

    private async Task StartAsync(string operation, JsonObject input, CancellationToken cancellation)
    {
        try
        {
            await _sageMaker.CallAsync(operation, input, cancellation);
        }
        catch (AwsRefusedException there) when (there.Code == InUse)
        {
            // An attempt before has started it.
        }
    }

    /// <summary>A job that has ended cannot be stopped, which SageMaker says as an error.</summary>
    private async Task StopAsync(string operation, JsonObject input, CancellationToken cancellation)
    {
        try
        {
            await _sageMaker.CallAsync(operation, input, cancellation);
        }
        catch (AwsRefusedException ended) when (ended.Code == Invalid)
        {
            // What it came to is for the next description to say.
        }
    }
}
