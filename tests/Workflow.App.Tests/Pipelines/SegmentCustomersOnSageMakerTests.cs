using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Workflow.App.Api;
using Workflow.App.Tests.Faults;
using Workflow.Cloud.Local;
using Workflow.Durable;
using Workflow.Testing;

namespace Workflow.App.Tests.Pipelines;

/// <summary>segment-customers with its jobs at the stand-in for SageMaker.</summary>
[TakesLong]
public sealed class SegmentCustomersOnSageMakerTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Jobs_train_and_predict_and_their_answers_are_joined_back_to_the_customers()
    {
        await using var installation = await StartAsync();
        var inProcess = await installation.RunAsync("segments", new { engine = "InProcess" });

        var run = await installation.RunAsync("segments", new { });

        Assert.Equal(OrchestrationRuntimeStatus.Completed, run.Status);
        Assert.NotEqual(Text(inProcess, "model"), Text(run, "model"));
        Assert.Equal(SegmentsIn(installation, inProcess), SegmentsIn(installation, run));
        Assert.Equal(Number(inProcess, "inertia"), Number(run, "inertia"), 1e-6);
        Assert.Equal(Number(inProcess, "silhouette"), Number(run, "silhouette"), 1e-9);
    }

    [Fact]
    public async Task Jobs_have_the_instance_the_time_and_the_number_of_clusters_that_were_asked_for()
    {
        await using var installation = await StartAsync();

        await installation.RunAsync("segments", new { });

        var jobs = await JobsAsync(installation);
        Assert.Equal(["Completed", "Completed"], jobs.Select(job => job.Status));
        Assert.Single(jobs.Select(job => job.Name).Distinct());
        Assert.Equal(("ml.m5.large", 3_600), ((string?)jobs[0].Input["ResourceConfig"]!["InstanceType"], (int?)jobs[0].Input["StoppingCondition"]!["MaxRuntimeInSeconds"]));
        Assert.Equal("""{"k":"3","feature_dim":"8","mini_batch_size":"120","init_method":"kmeans\u002B\u002B"}""", jobs[0].Input["HyperParameters"]!.ToJsonString());
        Assert.Equal("ml.m5.large", (string?)jobs[1].Input["TransformResources"]!["InstanceType"]);
    }

    [Fact]
    public async Task A_stored_model_is_asked_without_training_and_keeps_its_numbering()
    {
        await using var installation = await StartAsync();
        var trained = await installation.RunAsync("segments", new { });

        // Those of segment 1 now spend more than those of segment 2, and are still of segment 1 in everything else.
        await installation.ExecuteAsync("delete from users where user_id::int > 30; update crm set total_spend = 1200 where user_id % 3 = 0");

        var run = await installation.RunAsync("segments", new { model = "latest", date = "2026-02-01" });

        Assert.Equal(Text(trained, "model"), Text(run, "model"));
        Assert.Equal([1, 1], (await JobsAsync(installation)).GroupBy(job => job.Name).Select(jobs => jobs.Count() - (jobs.Any(job => job.Input.ContainsKey("HyperParameters")) ? 1 : 0)));
        Assert.Equal(SegmentsIn(installation, trained).Take(30), SegmentsIn(installation, run));
    }

    [Theory]
    [InlineData("CreateTrainingJob", "train", "Training job")]
    [InlineData("CreateTransformJob", "predict", "Transform job")]
    public async Task A_job_that_fails_fails_the_run_with_its_reason(string operation, string state, string says)
    {
        await using var installation = await StartAsync();
        using var http = new HttpClient { BaseAddress = installation.Address };
        using var told = await http.PostAsJsonAsync("/local/aws/sagemaker/failures", new LocalSageMakerFailure(operation, "CapacityError: no instances"), TestContext.Current.CancellationToken);

        var run = await installation.RunAsync("segments", new { });

        Assert.Equal(OrchestrationRuntimeStatus.Failed, run.Status);
        Assert.Contains(says, run.Failure!.Message, StringComparison.Ordinal);
        Assert.Contains("ended as Failed: CapacityError: no instances", run.Failure.Message, StringComparison.Ordinal);
        Assert.Contains($"failed at {state}", Assert.Single(await installation.SlackAsync()).Text, StringComparison.Ordinal);
        Assert.DoesNotContain(installation.Objects("segments"), name => name.StartsWith("predictions/", StringComparison.Ordinal) || name.StartsWith("models/", StringComparison.Ordinal));
        Assert.Equal(OrchestrationRuntimeStatus.Completed, (await installation.RunAsync("segments", new { })).Status);
    }

    [Fact]
    public async Task A_job_that_takes_too_long_is_stopped_and_fails_the_run()
    {
        await using var installation = await StartAsync();
        var hasty = new { role = "arn:aws:iam::000000000000:role/segments", image = "kmeans:1", maxStart = "00:00:01", maxRuntime = "00:00:01", pollEvery = "00:00:03" };

        var run = await installation.RunAsync("segments", new { sageMaker = hasty });

        Assert.Contains("ended as Stopped: it took longer than 00:00:01", run.Failure!.Message, StringComparison.Ordinal);
        Assert.Equal("Stopped", Assert.Single(await JobsAsync(installation)).Status);
    }

    [Fact]
    public async Task A_model_of_the_other_engine_is_refused()
    {
        await using var installation = await StartAsync();
        await installation.RunAsync("segments", new { });

        var run = await installation.RunAsync("segments", new { engine = "InProcess", model = "latest" });

        Assert.Contains("is one of engine SageMaker, and the run is told to use InProcess", run.Failure!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Killed_after_each_activity_it_has_started_each_job_once_and_ends_with_the_same_segments()
    {
        await using var installation = (await Installation.CreateAsync(postgres)).With("segments", "segment-customers", Options(slack: null));
        await SegmentCustomersWarehouse.FillAsync(installation);

        var killed = await KilledRun.CompleteAsync(installation, "segments", new { });

        Assert.Equal(OrchestrationRuntimeStatus.Completed, killed.Run.Status);
        Assert.Equal(
            [
                "activity:PrepareCustomers", "activity:StartSageMakerTraining", "activity:LookAtSageMakerJob", "activity:CreateSageMakerModel",
                "activity:StartSageMakerTransform", "activity:CollectSegments",
            ],
            killed.Kills.Select(kill => kill.Split(' ')[1]).Distinct());
        await installation.StartServiceAsync();
        Assert.Equal(2, (await JobsAsync(installation)).Count);
        Assert.Equal([40, 40, 40], killed.Run.Output!.Value.GetProperty("segments").EnumerateArray().Select(count => count.GetInt32()));
        Assert.All(SegmentsIn(installation, killed.Run), row => Assert.Equal((int.Parse(row.Split(',')[0]) % 3) + 1, int.Parse(row.Split(',')[1])));
    }

    [Fact]
    public async Task What_SageMaker_needs_is_asked_for_at_start()
    {
        await using var installation = (await Installation.CreateAsync(postgres))
            .With("segments", "segment-customers", new { users = "users", crm = "crm", output = "s3://bucket", engine = "SageMaker", searchTo = 9, sageMaker = new { maxRuntime = "00:00:00" } });

        var refused = await Assert.ThrowsAsync<Workflow.App.Configuration.SettingsException>(() => installation.StartServiceAsync());

        Assert.All(
            ["Options:SageMaker:Role", "Options:SageMaker:Image", "Options:SageMaker:MaxRuntime is '00:00:00'", "Options:SearchTo is '9'", "Options:Output is 's3://bucket'"],
            part => Assert.Contains(part, refused.Message, StringComparison.Ordinal));
    }

    private async Task<Installation> StartAsync()
    {
        var installation = await (await Installation.CreateAsync(postgres)).With("segments", "segment-customers", Options("local:etl")).StartServiceAsync();
        await SegmentCustomersWarehouse.FillAsync(installation);
        return installation;
    }

    private static object Options(string? slack) => new
    {
        users = "users",
        crm = "crm",
        output = "local://segments/",
        clusters = 3,
        date = "2026-01-31",
        engine = "SageMaker",
        sageMaker = new { role = "arn:aws:iam::000000000000:role/segments", image = "kmeans:1", pollEvery = "00:00:01" },
        slack,
    };

    private static async Task<IReadOnlyList<LocalSageMakerJob>> JobsAsync(Installation installation)
    {
        using var http = new HttpClient { BaseAddress = installation.Address };
        return (await http.GetFromJsonAsync<LocalSageMakerJob[]>("/local/aws/sagemaker/jobs", TestContext.Current.CancellationToken))!;
    }

    /// <summary>user_id and segment of each customer.</summary>
    private static List<string> SegmentsIn(Installation installation, Run run) =>
        [.. installation.Read(Text(run, "written")).TrimEnd('\n').Split('\n').Skip(1).Select(line => line[..line.LastIndexOf(',')])];

    private static double Number(Run run, string name) => run.Output!.Value.GetProperty(name).GetDouble();

    private static string Text(Run run, string name) => run.Output!.Value.GetProperty(name).GetString()!;
}
