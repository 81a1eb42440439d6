using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Amazon.Runtime;
using Microsoft.Extensions.Logging.Abstractions;
using Workflow.Cloud.Aws;
using Workflow.Cloud.Local;
using Workflow.Cloud.Notifications;
using Workflow.Cloud.Secrets;
using Workflow.Testing;

namespace Workflow.Cloud.Tests.Aws;

/// <summary>Each client of AWS under each fault: whatever it is, the caller is told that another try may help.</summary>
public sealed class AwsFaultTests : IAsyncLifetime
{
    private const string Role = "arn:aws:iam::000000000000:role/workflow";
    private const string Queue = "http://sqs.us-east-1.localhost/000000000000/faults";
    private static readonly Dictionary<string, string> Nothing = [];

    /// <summary>What the stand-in is told, and the proxy that SQS is called through: it has no stand-in.</summary>
    private static readonly Dictionary<string, (LocalAwsFault Local, Fault Proxy)> Faults = new()
    {
        ["throttles"] = (new(1, Code: "ThrottlingException"), new Fault.Answer(400, """{"__type":"ThrottlingException"}""", "application/x-amz-json-1.0")),
        ["fails"] = (new(1, Code: "InternalFailure", Status: 500), new Fault.Answer(500, "<html>", "text/html")),
        ["breaks off"] = (new(1, CutBody: true), new Fault.CutAnswer(1)),
        ["hangs"] = (new(1, DelayMilliseconds: int.MaxValue), new Fault.Hold(new TaskCompletionSource().Task)),
    };

    private readonly TempFolder _data = new();
    private AwsStandIn _aws = null!;
    private FaultProxy _sqs = null!;

    public static TheoryData<string> AllFaults => [.. Faults.Keys];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _aws = await AwsStandIn.StartAsync(_data, new LocalSageMaker(_data.Path, new((_, _) => Task.CompletedTask, (_, _) => Task.CompletedTask), TimeProvider.System));
        _sqs = await FaultProxy.StartAsync(_aws.Http.BaseAddress!, Cancellation);
        await _aws.RotateAsync(new("orders/database", "{}"));
        await _aws.PutRoleAsync(new(Role, JsonNode.Parse("""{ "Statement": [{ "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "AWS": "arn:aws:iam::000000000000:root" } }] }""")!.AsObject()));
        await _aws.PutJobAsync(new("to-parquet", Seconds: 0));
        (await _aws.Http.PostAsJsonAsync("/local/aws/dms/tasks", new LocalDmsTask("hr"), Cancellation)).EnsureSuccessStatusCode();
    }

    public async ValueTask DisposeAsync()
    {
        await _sqs.DisposeAsync();
        await _aws.DisposeAsync();
        _data.Dispose();
    }

    [Theory]
    [MemberData(nameof(AllFaults))]
    public async Task A_service_in_trouble_is_worth_another_try(string fault)
    {
        var (local, proxy) = Faults[fault];
        var endpoints = EndpointsAt(_aws.Http.BaseAddress!, AnswerWithin(fault));
        await _aws.FailAsync(local with { Times = 1_000 });
        _sqs.Inject(proxy, times: 1_000);

        var table = new GlueTable("lake", "orders", "s3://lake/orders/", [new("id", "bigint")], [new("day", "date")]);
        var notifying = new SnsNotifier(new(endpoints)).SendAsync(AwsStandIn.Topic, new("subject", "text", "key"), Cancellation);
        var told = await Task.WhenAll(
            TellAsync("Secrets Manager", new AwsSecretStore(endpoints).GetAsync("orders/database", Cancellation)),
            TellAsync("STS", Session(endpoints)),
            TellAsync("SNS", new SnsClient(endpoints).PublishAsync(new(AwsStandIn.Topic, null, "text", Nothing), Cancellation)),
            TellAsync("Glue", new GlueClient(endpoints).GetJobRunAsync("to-parquet", "jr_1", Cancellation)),
            TellAsync("Glue, catalog", new GlueCatalog(new(endpoints)).RegisterAsync(table, [], Cancellation)),
            TellAsync("SageMaker", new SageMakerClient(endpoints).DescribeTrainingAsync("job", Cancellation)),
            TellAsync("DMS", new DmsClient(endpoints).FindTaskAsync(LocalDms.TaskArn("hr"), Cancellation)),
            TellAsync("SQS", new SqsClient(EndpointsAt(_sqs.Address, AnswerWithin(fault))).ReceiveAsync(Queue, 1, TimeSpan.Zero, TimeSpan.FromSeconds(1), Cancellation)));

        Assert.Equal("Secrets Manager: SecretUnavailableException", told[0]);
        Assert.All(told[1..], outcome => Assert.EndsWith(": AwsException", outcome, StringComparison.Ordinal));
        Assert.False((await notifying).Delivered);
        Assert.NotEmpty(_sqs.Requests);
    }

    [Theory]
    [MemberData(nameof(AllFaults))]
    public async Task What_must_not_be_done_twice_is_sent_once(string fault)
    {
        var endpoints = EndpointsAt(_aws.Http.BaseAddress!, AnswerWithin(fault));
        await _aws.FailAsync(Faults[fault].Local);
        Assert.Equal("Glue: AwsException", await TellAsync("Glue", new GlueClient(endpoints).StartJobRunAsync("to-parquet", Nothing, Cancellation)));
        await _aws.FailAsync(Faults[fault].Local);
        Assert.Equal("DMS: AwsException", await TellAsync("DMS", new DmsClient(endpoints).StartAsync(LocalDms.TaskArn("hr"), DmsStart.StartReplication, Cancellation)));

        Assert.Equal(fault == "breaks off" ? 1 : 0, (await _aws.RunsAsync()).Length);
    }

    [Theory]
    [InlineData("{\"JobRunId\":")]
    [InlineData("<AssumeRoleResponse><AssumeRoleResult>")]
    public async Task Half_an_answer_after_a_good_beginning_is_worth_another_try(string half)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var answering = AnswerAsync(listener, half, end.Token);
        var endpoints = EndpointsAt(new($"http://{listener.LocalEndpoint}"), TimeSpan.FromSeconds(30));

        var told = await Task.WhenAll(TellAsync("Glue", new GlueClient(endpoints).StartJobRunAsync("to-parquet", Nothing, Cancellation)), TellAsync("STS", Session(endpoints)));

        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => answering);
        Assert.Equal(["Glue: AwsException", "STS: AwsException"], told);
    }

    /// <summary>Nobody waits long for what hangs; anything else has its time on a loaded machine.</summary>
    private static TimeSpan AnswerWithin(string fault) => fault == "hangs" ? TimeSpan.FromMilliseconds(200) : TimeSpan.FromSeconds(30);

    private static AwsEndpoints EndpointsAt(Uri address, TimeSpan answerWithin) =>
        new(AwsEndpoints.Services.ToDictionary(name => name, _ => AwsEndpoint.Local), () => address, new([], () => [])) { AnswerWithin = answerWithin };

    private static Task<ImmutableCredentials> Session(AwsEndpoints endpoints) =>
        new AwsCredentials(new(null, null, [new(Role)]), endpoints, new(TimeProvider.System), TimeProvider.System, NullLogger<AwsCredentials>.Instance).Credentials!.GetCredentialsAsync();

    private static async Task<string> TellAsync(string service, Task call) => $"{service}: {(await Record.ExceptionAsync(() => call))?.GetType().Name ?? "done"}";

    /// <summary>Takes each request whole, begins to answer, and closes the connection in good order.</summary>
    private static async Task AnswerAsync(TcpListener listener, string half, CancellationToken cancellation)
    {
        while (true)
        {
            using var caller = await listener.AcceptTcpClientAsync(cancellation);
            using var reader = new StreamReader(caller.GetStream(), Encoding.ASCII);
            var length = 0;
            while (await reader.ReadLineAsync(cancellation) is { Length: > 0 } header)
            {
                length = header.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase) ? int.Parse(header[15..], System.Globalization.CultureInfo.InvariantCulture) : length;
            }

            await reader.ReadBlockAsync(new char[length], cancellation);
            await caller.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{half}"), cancellation);
        }
    }
}
