using Workflow.Cloud.Aws;
using Workflow.Cloud.Local;
using Workflow.Testing;

namespace Workflow.Cloud.Tests.Aws;

/// <summary>The clients against the stand-in, over HTTP.</summary>
public sealed class AwsClientTests : IAsyncLifetime
{
    private static readonly Dictionary<string, string> NoAttributes = [];

    private readonly TempFolder _data = new();
    private AwsStandIn _aws = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _aws = await AwsStandIn.StartAsync(_data);

    public async ValueTask DisposeAsync()
    {
        await _aws.DisposeAsync();
        _data.Dispose();
    }

    [Fact]
    public async Task A_message_arrives_with_its_subject_and_attributes()
    {
        var id = await _aws.Sns.PublishAsync(new(AwsStandIn.Topic, "Glue Job Status", "it failed: a=b&c", new Dictionary<string, string> { ["pipeline"] = "json-to-parquet", ["key"] = "1/2" }), Cancellation);

        var message = Assert.Single(await _aws.MessagesAsync());
        Assert.Equal((id, AwsStandIn.Topic, "Glue Job Status", "it failed: a=b&c"), (message.MessageId, message.Topic, message.Subject, message.Text));
        Assert.Equal("json-to-parquet 1/2", $"{message.Attributes["pipeline"]} {message.Attributes["key"]}");
    }

    [Theory]
    [InlineData("arn:aws:sns:us-east-1:000000000000:nobody", "s", "t", "NotFound")]
    [InlineData("runs", "s", "t", "InvalidParameter")]
    [InlineData("arn:aws:sns:us-east-1:000000000000:runs", "línea", "t", "InvalidParameter")]
    [InlineData("arn:aws:sns:us-east-1:000000000000:runs", "two\nlines", "t", "InvalidParameter")]
    [InlineData("arn:aws:sns:us-east-1:000000000000:runs", "s", "", "InvalidParameter")]
    [InlineData("arn:aws:sns:us-east-1:000000000000:runs.fifo", "s", "t", "InvalidParameter")]
    public async Task A_message_that_SNS_refuses_is_refused(string topic, string subject, string text, string code)
    {
        var refused = await Assert.ThrowsAsync<AwsRefusedException>(() => _aws.Sns.PublishAsync(new(topic, subject, text, NoAttributes), Cancellation));

        Assert.Equal(("SNS", "Publish", code), (refused.Service, refused.Operation, refused.Code));
        Assert.Empty(await _aws.MessagesAsync());
    }

    [Fact]
    public async Task A_subject_beyond_a_hundred_characters_is_refused() =>
        Assert.Equal("InvalidParameter", (await Assert.ThrowsAsync<AwsRefusedException>(() => _aws.Sns.PublishAsync(new(AwsStandIn.Topic, new('x', 101), "t", NoAttributes), Cancellation))).Code);

    [Fact]
    public async Task Only_a_fifo_topic_leaves_out_what_comes_again()
    {
        for (var time = 0; time < 2; time++)
        {
            await _aws.Sns.PublishAsync(new(AwsStandIn.Topic, null, "again", NoAttributes), Cancellation);
            await _aws.Sns.PublishAsync(new(AwsStandIn.FifoTopic, null, "again", NoAttributes) { DeduplicationId = "1", Group = "g" }, Cancellation);
        }

        Assert.Equal([AwsStandIn.Topic, AwsStandIn.FifoTopic, AwsStandIn.Topic], (await _aws.MessagesAsync()).Select(message => message.Topic));
    }

    [Theory]
    [InlineData("Throttling", 400)]
    [InlineData("ThrottlingException", 400)]
    [InlineData("InternalFailure", 500)]
    public async Task What_passes_by_itself_is_tried_again(string code, int status)
    {
        await _aws.FailAsync(new(Times: 2, Code: code, Status: status));

        await _aws.Sns.PublishAsync(new(AwsStandIn.Topic, null, "t", NoAttributes), Cancellation);

        Assert.Single(await _aws.MessagesAsync());
    }

    [Fact]
    public async Task What_does_not_pass_is_said_to_be_worth_another_try()
    {
        await _aws.FailAsync(new(Times: 10, Operation: "GetDatabase", Code: "ThrottlingException"));

        var failed = await Assert.ThrowsAsync<AwsException>(() => _aws.Glue.FindDatabaseAsync("sales", Cancellation));

        Assert.Equal("Glue GetDatabase failed: ThrottlingException, fault on command", failed.Message);
    }

    [Fact]
    public async Task A_service_that_is_not_there_is_worth_another_try_and_names_the_settings()
    {
        var nowhere = new GlueClient(new(new Dictionary<string, AwsEndpoint> { ["Glue"] = AwsEndpoint.Local }, () => new($"http://127.0.0.1:{FreePort.Next()}"), new([], () => [])));

        var failed = await Assert.ThrowsAsync<AwsException>(() => nowhere.FindDatabaseAsync("sales", Cancellation));

        Assert.Contains("Aws:Endpoints:Glue (local)", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_whose_start_lost_its_answer_is_started_once_and_found_by_its_arguments()
    {
        await _aws.PutJobAsync(new("to-parquet", Seconds: 0));
        await _aws.FailAsync(new(Times: 1, Operation: "StartJobRun", Code: "InternalServiceException", Status: 500, AfterEffect: true));

        await Assert.ThrowsAsync<AwsException>(() => _aws.Glue.StartJobRunAsync("to-parquet", new Dictionary<string, string> { ["--run"] = "r1" }, Cancellation));

        var started = Assert.Single(await _aws.Glue.ListJobRunsAsync("to-parquet", Cancellation).ToListAsync(Cancellation));
        Assert.Equal(("r1", "SUCCEEDED"), (started.Arguments["--run"], started.State));
    }

    [Fact]
    public async Task A_job_run_ends_as_its_job_does()
    {
        await _aws.PutJobAsync(new("to-parquet", State: "FAILED", ErrorMessage: "AnalysisException: no such column", Seconds: 0));
        var id = await _aws.Glue.StartJobRunAsync("to-parquet", new Dictionary<string, string>(), Cancellation);

        var run = await _aws.Glue.GetJobRunAsync("to-parquet", id, Cancellation);

        Assert.Equal(("FAILED", "AnalysisException: no such column", true), (run.State, run.ErrorMessage, run.HasEnded()));
        Assert.Equal("EntityNotFoundException", (await Assert.ThrowsAsync<AwsRefusedException>(() => _aws.Glue.GetJobRunAsync("to-parquet", "jr_0", Cancellation))).Code);
        Assert.Equal("EntityNotFoundException", (await Assert.ThrowsAsync<AwsRefusedException>(() => _aws.Glue.StartJobRunAsync("nobody", new Dictionary<string, string>(), Cancellation))).Code);
    }

    [Fact]
    public async Task A_second_run_of_a_job_that_takes_one_is_worth_another_try()
    {
        await _aws.PutJobAsync(new("to-parquet", Seconds: 60));
        await _aws.Glue.StartJobRunAsync("to-parquet", new Dictionary<string, string>(), Cancellation);

        var failed = await Assert.ThrowsAsync<AwsException>(() => _aws.Glue.StartJobRunAsync("to-parquet", new Dictionary<string, string>(), Cancellation));

        Assert.Equal("ConcurrentRunsExceededException", failed.Code);
    }

    [Fact]
    public async Task What_the_stand_in_has_is_there_after_a_restart()
    {
        await _aws.Sns.PublishAsync(new(AwsStandIn.Topic, "before", "t", NoAttributes), Cancellation);
        await _aws.Glue.CreateDatabaseAsync("sales", Cancellation);
        await _aws.DisposeAsync();

        _aws = await AwsStandIn.StartAsync(_data);

        Assert.Equal("before", Assert.Single(await _aws.MessagesAsync()).Subject);
        Assert.NotNull(await _aws.Glue.FindDatabaseAsync("sales", Cancellation));
    }

    [Theory]
    [InlineData(null, "aws")]
    [InlineData("AWS", "aws")]
    [InlineData("local", "local")]
    [InlineData("http://127.0.0.1:4566", "http://127.0.0.1:4566/")]
    public void An_endpoint_is_local_aws_or_an_address(string? setting, string means)
    {
        Assert.True(AwsEndpoint.TryParse(setting, out var endpoint));
        Assert.Equal(means, endpoint.ToString());
        Assert.False(AwsEndpoint.TryParse("nowhere", out _));
        Assert.False(AwsEndpoint.TryParse("ftp://example.com", out _));
    }

    [Theory]
    [InlineData("eu-west-1", "https://api.sagemaker.eu-west-1.amazonaws.com")]
    [InlineData("cn-north-1", "https://api.sagemaker.cn-north-1.amazonaws.com.cn")]
    public void At_AWS_a_service_is_in_its_region(string region, string address)
    {
        var config = new SignedClientConfig(new("SageMaker", "sagemaker") { EndpointPrefix = "api.sagemaker", Api = "SageMaker" }) { RegionEndpoint = Amazon.RegionEndpoint.GetBySystemName(region) };

        Assert.Equal(address, config.ResolveEndpoint(new()).URL);
    }

    [Fact]
    public void The_standard_variable_for_an_endpoint_is_obeyed()
    {
        Environment.SetEnvironmentVariable("AWS_ENDPOINT_URL_NOBODYS_SERVICE", "http://127.0.0.1:4566");
        var config = new SignedClientConfig(new("Nobody", "nobody") { ServiceId = "Nobodys Service", Api = "Nobody" });

        Assert.Equal("http://127.0.0.1:4566/", config.ResolveEndpoint(new()).URL);
    }
}
