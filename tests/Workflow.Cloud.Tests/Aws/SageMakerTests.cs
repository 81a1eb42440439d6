using System.Net.Http.Json;
using Workflow.Cloud.Aws;
using Workflow.Cloud.Local;
using Workflow.Testing;

namespace Workflow.Cloud.Tests.Aws;

/// <summary>The client for SageMaker on the stand-in, whose algorithm notes what it is asked.</summary>
public sealed class SageMakerTests : IAsyncLifetime
{
    private const string Role = "arn:aws:iam::000000000000:role/segments";
    private const string Image = "382416733822.dkr.ecr.us-east-1.amazonaws.com/kmeans:1";
    private const string Artifacts = "s3://segments/training/job-1/output/model.tar.gz";

    private readonly TempFolder _data = new();
    private readonly List<LocalTraining> _trained = [];
    private readonly List<LocalTransform> _transformed = [];
    private AwsStandIn _aws = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static SageMakerTraining Training { get; } = new("job-1", Role, Image, "s3://segments/features.csv", "s3://segments/training/")
    {
        HyperParameters = new Dictionary<string, string> { ["k"] = "3" },
    };

    private SageMakerClient SageMaker => _aws.SageMaker;

    public async ValueTask InitializeAsync() => _aws = await AwsStandIn.StartAsync(_data, CreateStandIn());

    public async ValueTask DisposeAsync()
    {
        await _aws.DisposeAsync();
        _data.Dispose();
    }

    [Fact]
    public async Task A_job_is_trained_a_model_made_of_it_and_asked()
    {
        await SageMaker.StartTrainingAsync(Training, Cancellation);
        Assert.Equal(new SageMakerJob("job-1", "InProgress", null, null), await SageMaker.DescribeTrainingAsync("job-1", Cancellation));
        Assert.Equal(new SageMakerJob("job-1", "Completed", null, Artifacts), await SageMaker.DescribeTrainingAsync("job-1", Cancellation));
        await SageMaker.CreateModelAsync("model-1", Role, Image, Artifacts, Cancellation);
        await SageMaker.StartTransformAsync(new("job-2", "model-1", "s3://segments/features.csv", "s3://segments/answers"), Cancellation);
        Assert.Equal("InProgress", (await SageMaker.DescribeTransformAsync("job-2", Cancellation)).Status);
        Assert.Equal("Completed", (await SageMaker.DescribeTransformAsync("job-2", Cancellation)).Status);

        var trained = Assert.Single(_trained);
        Assert.Equal(("s3://segments/features.csv", Artifacts, "3"), (trained.Input, trained.Artifacts, trained.HyperParameters["k"]));
        Assert.Equal([new LocalTransform(Artifacts, "s3://segments/features.csv", "s3://segments/answers/features.csv.out")], _transformed);
    }

    [Fact]
    public async Task A_job_asks_for_the_instance_and_the_time_that_it_is_given()
    {
        await SageMaker.StartTrainingAsync(Training, Cancellation);

        var job = Assert.Single((await _aws.Http.GetFromJsonAsync<LocalSageMakerJob[]>("/local/aws/sagemaker/jobs", Cancellation))!);
        Assert.Equal("ml.m5.large", (string?)job.Input["ResourceConfig"]!["InstanceType"]);
        Assert.Equal(3_600, (int?)job.Input["StoppingCondition"]!["MaxRuntimeInSeconds"]);
        Assert.Equal((Role, Image), ((string?)job.Input["RoleArn"], (string?)job.Input["AlgorithmSpecification"]!["TrainingImage"]));
    }

    [Fact]
    public async Task What_is_started_or_made_again_is_found_there()
    {
        await SageMaker.StartTrainingAsync(Training, Cancellation);
        await SageMaker.StartTrainingAsync(Training, Cancellation);
        await TrainAsync();
        await SageMaker.CreateModelAsync("model-1", Role, Image, Artifacts, Cancellation);
        await SageMaker.CreateModelAsync("model-1", Role, Image, Artifacts, Cancellation);
        var transform = new SageMakerTransform("job-2", "model-1", "s3://segments/features.csv", "s3://segments/answers");
        await SageMaker.StartTransformAsync(transform, Cancellation);
        await SageMaker.StartTransformAsync(transform, Cancellation);

        Assert.Equal(2, (await _aws.Http.GetFromJsonAsync<LocalSageMakerJob[]>("/local/aws/sagemaker/jobs", Cancellation))!.Length);
    }

    [Fact]
    public async Task An_answer_that_was_lost_is_asked_for_again()
    {
        await _aws.FailAsync(new(1, "sagemaker", "CreateTrainingJob", "InternalFailure", 500, AfterEffect: true));

        await SageMaker.StartTrainingAsync(Training, Cancellation);

        Assert.Equal("InProgress", (await SageMaker.DescribeTrainingAsync("job-1", Cancellation)).Status);
    }

    [Fact]
    public async Task Why_a_job_failed_is_said_on_command_and_by_the_algorithm()
    {
        using (var told = await _aws.Http.PostAsJsonAsync("/local/aws/sagemaker/failures", new LocalSageMakerFailure("CreateTrainingJob", "CapacityError: no instances"), Cancellation))
        {
            told.EnsureSuccessStatusCode();
        }

        await SageMaker.StartTrainingAsync(Training, Cancellation);
        await SageMaker.StartTrainingAsync(Training with { Name = "job-2", HyperParameters = new Dictionary<string, string>() }, Cancellation);

        Assert.Equal(("Failed", "CapacityError: no instances"), await EndAsync("job-1"));
        Assert.Equal(("Failed", "AlgorithmError: k is missing"), await EndAsync("job-2"));

        async Task<(string, string?)> EndAsync(string name)
        {
            await SageMaker.DescribeTrainingAsync(name, Cancellation);
            var job = await SageMaker.DescribeTrainingAsync(name, Cancellation);
            return (job.Status, job.FailureReason);
        }
    }

    [Fact]
    public async Task A_job_is_stopped_and_stopping_one_that_has_ended_is_no_error()
    {
        await SageMaker.StartTrainingAsync(Training, Cancellation);
        await SageMaker.StopTrainingAsync("job-1", Cancellation);
        Assert.Equal("Stopped", (await SageMaker.DescribeTrainingAsync("job-1", Cancellation)).Status);

        await SageMaker.StopTrainingAsync("job-1", Cancellation);
        Assert.Empty(_trained);
    }

    [Fact]
    public async Task Jobs_outlive_the_stand_in()
    {
        await SageMaker.StartTrainingAsync(Training, Cancellation);
        await TrainAsync();
        await _aws.DisposeAsync();
        _aws = await AwsStandIn.StartAsync(_data, CreateStandIn());

        Assert.Equal("Completed", (await SageMaker.DescribeTrainingAsync("job-1", Cancellation)).Status);
    }

    [Fact]
    public async Task What_SageMaker_refuses_is_refused()
    {
        await RefusedAsync(() => SageMaker.StartTrainingAsync(Training with { Name = "job_1" }, Cancellation), "trainingJobName");
        await RefusedAsync(() => SageMaker.StartTrainingAsync(Training with { Name = new string('a', 64) }, Cancellation), "trainingJobName");
        await RefusedAsync(() => SageMaker.StartTrainingAsync(Training with { Role = "admin" }, Cancellation), "roleArn");
        await RefusedAsync(() => SageMaker.StartTrainingAsync(Training with { Input = "features.csv" }, Cancellation), "s3Uri");
        await RefusedAsync(() => SageMaker.StartTrainingAsync(Training with { InstanceType = "m5.large" }, Cancellation), "instanceType");
        await RefusedAsync(() => SageMaker.StartTrainingAsync(Training with { MaxRuntime = TimeSpan.FromDays(29) }, Cancellation), "MaxRuntimeInSeconds");
        await RefusedAsync(() => SageMaker.DescribeTrainingAsync("nobody", Cancellation), "not found");
        await RefusedAsync(() => SageMaker.CreateModelAsync("model-1", Role, Image, Artifacts, Cancellation), "model data");
        await RefusedAsync(() => SageMaker.StartTransformAsync(new("job-2", "nobody", "s3://a/b", "s3://a/c"), Cancellation), "Could not find model");

        static async Task RefusedAsync(Func<Task> call, string says)
        {
            var refused = await Assert.ThrowsAsync<AwsRefusedException>(call);
            Assert.Equal("ValidationException", refused.Code);
            Assert.Contains(says, refused.Reason, StringComparison.Ordinal);
        }
    }

    private LocalSageMaker CreateStandIn() => new(_data.Path, new(TrainAsync, TransformAsync), TimeProvider.System);

    private async Task TrainAsync()
    {
        await SageMaker.DescribeTrainingAsync("job-1", Cancellation);
        Assert.Equal("Completed", (await SageMaker.DescribeTrainingAsync("job-1", Cancellation)).Status);
    }

    private Task TrainAsync(LocalTraining training, CancellationToken cancellation)
    {
        _trained.Add(training);
        return training.HyperParameters.ContainsKey("k") ? Task.CompletedTask : throw new InvalidDataException("k is missing");
    }

    private Task TransformAsync(LocalTransform transform, CancellationToken cancellation)
    {
        _transformed.Add(transform);
        return Task.CompletedTask;
    }
}
