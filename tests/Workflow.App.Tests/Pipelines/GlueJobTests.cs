using System.Text;
using System.Text.Json;
using Amazon.DynamoDBv2.Model;
using Workflow.App.Configuration;
using Workflow.App.Pipelines.JsonToParquet;
using Workflow.App.Tests.Faults;
using Workflow.Cloud.Local;
using Workflow.Durable;
using Workflow.Testing;

namespace Workflow.App.Tests.Pipelines;

/// <summary>json-to-parquet by a Glue job of the stand-in, and its runs one at a time.</summary>
[TakesLong]
public sealed class GlueJobTests(PostgresFixture postgres, DynamoDbFixture dynamo)
{
    private const string Topic = "arn:aws:sns:us-east-1:000000000000:etl";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_job_is_started_with_its_arguments_and_watched_to_its_end()
    {
        await using var installation = await StartAsync(new("to-parquet", Seconds: 0.5));

        var run = await installation.RunAsync("orders", new { });

        Assert.Equal(OrchestrationRuntimeStatus.Completed, run.Status);
        var started = Assert.Single(await RunsAsync(installation));
        Assert.Equal(started.Id, run.Output!.Value.GetProperty("jobRun").GetString());
        Assert.Equal(("lake", "orders", "s3://lake/orders/"), (started.Arguments["--dbname"], started.Arguments["--table"], started.Arguments["--outputpath"]));
    }

    [Theory]
    [InlineData("FAILED")]
    [InlineData("TIMEOUT")]
    public async Task A_job_that_fails_is_tried_three_times_without_growth_and_told_with_its_message(string state)
    {
        await using var installation = await StartAsync(new("to-parquet", state, "AnalysisException: no such column", Seconds: 0));

        var run = await installation.RunAsync("orders", new { tryEvery = "00:00:00.5000000" });

        Assert.Equal(OrchestrationRuntimeStatus.Failed, run.Status);
        Assert.Contains($"ended {state}: AnalysisException: no such column", run.Failure!.Message, StringComparison.Ordinal);
        var starts = (await RunsAsync(installation)).Select(started => started.StartedOn).ToList();
        Assert.Equal(3, starts.Count);
        Assert.All(starts.Zip(starts.Skip(1)), pair => Assert.True(pair.Second - pair.First >= TimeSpan.FromSeconds(0.4)));
        var message = Assert.Single(await new LocalSns(installation.Data.Path, new HashSet<string>(), TimeProvider.System).ReadAsync(Cancellation));
        Assert.Equal("Glue Job Status", message.Subject);
        Assert.Contains("AnalysisException", message.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_try_that_fails_is_recorded_as_failed()
    {
        var statuses = DynamoDbFixture.TableName();
        await using var installation = await Configure(await Installation.CreateAsync(postgres), "to-parquet").WithAsync(dynamo);
        installation.Settings["StatusTable"] = statuses;
        await installation.StartServiceAsync();
        await new LocalGlue(installation.Data.Path, TimeProvider.System).PutJobAsync(new("to-parquet", "FAILED", "no such column", Seconds: 0), Cancellation);

        await installation.RunAsync("orders", new { attempts = 2 });

        using var client = await dynamo.CreateClientAsync(Cancellation);
        var history = Assert.Single((await client.ScanAsync(new ScanRequest(statuses), Cancellation)).Items)["history"].L;
        Assert.Equal(["turn success", "job fail", "job fail"], history.Select(entry => $"{entry.M["state"].S} {entry.M["status"].S}"));
    }

    [Fact]
    public async Task Killed_after_each_activity_it_has_started_the_job_once()
    {
        await using var installation = Configure(await Installation.CreateAsync(postgres), "to-parquet");
        await new LocalGlue(installation.Data.Path, TimeProvider.System).PutJobAsync(new("to-parquet", Seconds: 0, MaxConcurrentRuns: 10), Cancellation);

        var killed = await KilledRun.CompleteAsync(installation, "orders", new { });

        Assert.Equal(OrchestrationRuntimeStatus.Completed, killed.Run.Status);
        Assert.Contains(killed.Kills, kill => kill.EndsWith("StartGlueJob", StringComparison.Ordinal));
        Assert.Single(await RunsAsync(installation));
    }

    [Fact]
    public async Task A_Glue_that_cannot_be_asked_for_a_while_fails_no_run()
    {
        await using var installation = await StartAsync(new("to-parquet", Seconds: 0));
        await FailAsync(installation, new(Times: 12, Operation: "GetJobRun", Code: "InternalServiceException", Status: 500));

        Assert.Equal(OrchestrationRuntimeStatus.Completed, (await installation.RunAsync("orders", new { })).Status);
        Assert.Single(await RunsAsync(installation));
    }

    [Fact]
    public void By_default_it_runs_at_minute_20_of_every_hour()
    {
        using var data = new TempFolder();
        var schedule = Settings.Load(Settings.Sources(new(data.Path))).Find("json-to-parquet").Schedule!;

        var tick = schedule.Schedule.Next(new(2024, 3, 3, 10, 21, 0, TimeSpan.Zero));

        Assert.Equal(new(2024, 3, 3, 11, 20, 0, TimeSpan.Zero), tick);
    }

    [Fact]
    public void Three_tries_ten_seconds_apart_and_two_hours_in_all_are_the_default()
    {
        var settings = new JsonToParquetInput();

        Assert.Equal((3, TimeSpan.FromSeconds(10), TimeSpan.FromHours(2)), (settings.Attempts, settings.TryEvery, settings.Timeout));
    }

    [Fact]
    public async Task A_job_that_takes_too_long_fails_the_run_and_is_stopped()
    {
        await using var installation = await StartAsync(new("to-parquet", Seconds: 600));

        var run = await installation.RunAsync("orders", new { timeout = "00:00:01" });

        Assert.Equal(OrchestrationRuntimeStatus.Failed, run.Status);
        Assert.Contains("did not end within 00:00:01", run.Failure!.Message, StringComparison.Ordinal);
        Assert.Equal("STOPPED", Assert.Single(await RunsAsync(installation)).StateAt(TimeProvider.System.GetUtcNow()));
    }

    [Fact]
    public async Task A_job_that_was_being_started_when_the_time_was_over_is_stopped_too()
    {
        await using var installation = await StartAsync(new("to-parquet", Seconds: 600));
        await FailAsync(installation, new(Times: 1, Operation: "StartJobRun", AfterEffect: true, DelayMilliseconds: 3000));

        var run = await installation.RunAsync("orders", new { timeout = "00:00:01" });

        Assert.Equal(OrchestrationRuntimeStatus.Failed, run.Status);
        Assert.Contains("did not end within 00:00:01", run.Failure!.Message, StringComparison.Ordinal);
        Assert.Equal("STOPPED", Assert.Single(await RunsAsync(installation)).StateAt(TimeProvider.System.GetUtcNow()));
    }

    [Fact]
    public async Task A_start_whose_answer_was_lost_is_found_again_and_not_repeated()
    {
        await using var installation = await StartAsync(new("to-parquet", Seconds: 0, MaxConcurrentRuns: 10));
        await FailAsync(installation, new(Times: 1, Operation: "StartJobRun", Code: "InternalServiceException", Status: 500, AfterEffect: true));

        var run = await installation.RunAsync("orders", new { });

        Assert.Equal(OrchestrationRuntimeStatus.Completed, run.Status);
        Assert.Single(await RunsAsync(installation));
    }

    [Fact]
    public async Task Runs_that_overlap_wait_and_work_one_after_the_other()
    {
        await using var installation = await StartAsync(new("to-parquet", Seconds: 0.7, MaxConcurrentRuns: 10));
        var started = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => installation.Client.StartAsync("orders", null, null, Cancellation)));

        foreach (var one in started)
        {
            Assert.Equal(OrchestrationRuntimeStatus.Completed, (await installation.Client.WaitAsync(one.Instance, Cancellation)).Status);
        }

        var runs = (await RunsAsync(installation)).OrderBy(run => run.StartedOn).ToList();
        Assert.Equal(3, runs.Count);
        Assert.All(runs.Zip(runs.Skip(1)), pair => Assert.True(pair.Second.StartedOn >= pair.First.StartedOn.AddSeconds(pair.First.Job.Seconds), "Two runs were at work at one time."));
    }

    [Fact]
    public async Task A_run_that_finds_another_at_work_is_skipped_where_asked_for()
    {
        await using var installation = await StartAsync(new("to-parquet", Seconds: 600));
        var first = await installation.Client.StartAsync("orders", null, null, Cancellation);
        await Eventually.TrueAsync(async () => (await RunsAsync(installation)).Count == 1, cancellation: Cancellation);

        var second = await installation.RunAsync("orders", new { overlap = "Skip" });

        Assert.Equal(OrchestrationRuntimeStatus.Completed, second.Status);
        Assert.Equal(first.Instance, second.Output!.Value.GetProperty("skippedFor").GetString());
        Assert.Single(await RunsAsync(installation));
    }

    private static Task<IReadOnlyList<LocalGlueRun>> RunsAsync(Installation installation) =>
        new LocalGlue(installation.Data.Path, TimeProvider.System).ReadRunsAsync(Cancellation);

    private async Task<Installation> StartAsync(LocalGlueJob job)
    {
        var installation = await Configure(await Installation.CreateAsync(postgres), job.Name).StartServiceAsync();
        await new LocalGlue(installation.Data.Path, TimeProvider.System).PutJobAsync(job, Cancellation);
        return installation;
    }

    private static Installation Configure(Installation installation, string job) => installation.With("orders", "json-to-parquet", new
    {
        Engine = "Glue", Job = job, Object = "s3://landing/json/", Output = "s3://lake/orders/", Database = "lake", Table = "orders", Topic,
        TryEvery = "00:00:00.1000000", LookEvery = "00:00:00.1000000",
    });

    private static async Task FailAsync(Installation installation, LocalAwsFault fault)
    {
        using var http = new HttpClient { BaseAddress = installation.Address };
        using var content = new StringContent(JsonSerializer.Serialize(fault, JsonSerializerOptions.Web), Encoding.UTF8, "application/json");
        (await http.PostAsync("/local/aws/faults", content, Cancellation)).EnsureSuccessStatusCode();
    }
}
