using System.Net.Http.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Workflow.Cloud.Aws;
using Workflow.Cloud.Local;
using Workflow.Cloud.Secrets;
using Workflow.Testing;

namespace Workflow.Cloud.Tests.Aws;

/// <summary>A service with the stand-in for AWS in it, and the clients that find it there.</summary>
internal sealed class AwsStandIn : IAsyncDisposable
{
    public static readonly string Topic = LocalSns.TopicArn("runs");
    public static readonly string FifoTopic = LocalSns.TopicArn("runs.fifo");

    private readonly WebApplication _service;

    private AwsStandIn(WebApplication service)
    {
        _service = service;
        Http = new HttpClient { BaseAddress = new(service.Urls.Single()) };
    }

    public HttpClient Http { get; }

    public SnsClient Sns => _service.Services.GetRequiredService<SnsClient>();

    public DmsClient Dms => _service.Services.GetRequiredService<DmsClient>();

    public SageMakerClient SageMaker => _service.Services.GetRequiredService<SageMakerClient>();

    public AwsEndpoints Endpoints => _service.Services.GetRequiredService<AwsEndpoints>();

    public AwsSecretStore SecretStore => _service.Services.GetRequiredService<AwsSecretStore>();

    public GlueClient Glue => _service.Services.GetRequiredService<GlueClient>();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <param name="more">Services of the stand-in that need something to work with.</param>
    public static Task<AwsStandIn> StartAsync(TempFolder data, params ILocalAwsService[] more) => StartAsync(data, TimeProvider.System, more);

    /// <param name="sessions">The clock by which sessions end. Signatures are judged by the real one, because the SDK makes them by it.</param>
    public static async Task<AwsStandIn> StartAsync(TempFolder data, TimeProvider sessions, params ILocalAwsService[] more)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        WebApplication? service = null;
        builder.Services
            .AddSingleton(TimeProvider.System)
            .AddSingleton(new AwsEndpoints(AwsEndpoints.Services.ToDictionary(name => name, _ => AwsEndpoint.Local), () => new(service!.Urls.Single()), new([], () => [])))
            .AddAwsClients()
            .AddLocalAws(data.Path, new HashSet<string> { Topic, FifoTopic });
        builder.Services.AddSingleton(new LocalAwsSessions(data.Path, sessions));
        foreach (var local in more)
        {
            builder.Services.AddSingleton(local);
        }

        service = builder.Build();
        service.MapLocalAws(service.Services.GetRequiredService<LocalAws>());
        await service.StartAsync(Cancellation);
        return new(service);
    }

    public async Task FailAsync(LocalAwsFault fault)
    {
        using var response = await Http.PostAsJsonAsync("/local/aws/faults", fault, Cancellation);
        response.EnsureSuccessStatusCode();
    }

    public async Task<LocalSnsMessage[]> MessagesAsync() => (await Http.GetFromJsonAsync<LocalSnsMessage[]>("/local/aws/sns/messages", Cancellation))!;

    public async Task<LocalGlueRun[]> RunsAsync() => (await Http.GetFromJsonAsync<LocalGlueRun[]>("/local/aws/glue/runs", Cancellation))!;

    /// <summary>Makes a secret, or its next version.</summary>
    /// <returns>The version's id.</returns>
    public async Task<string> RotateAsync(LocalSecretVersion version)
    {
        using var response = await Http.PostAsJsonAsync("/local/aws/secretsmanager/secrets", version, Cancellation);
        return await response.EnsureSuccessStatusCode().Content.ReadAsStringAsync(Cancellation);
    }

    public async Task<Dictionary<string, int>> SecretReadsAsync() => (await Http.GetFromJsonAsync<Dictionary<string, int>>("/local/aws/secretsmanager/reads", Cancellation))!;

    public Task PutRoleAsync(LocalRole role) => PostAsync("sts/roles", role);

    public Task PutProviderAsync(LocalIdentityProvider provider) => PostAsync("sts/providers", provider);

    public async Task PutJobAsync(LocalGlueJob job)
    {
        using var response = await Http.PostAsJsonAsync("/local/aws/glue/jobs", job, Cancellation);
        response.EnsureSuccessStatusCode();
    }

    private async Task PostAsync<T>(string path, T content)
    {
        using var response = await Http.PostAsJsonAsync($"/local/aws/{path}", content, Cancellation);
        response.EnsureSuccessStatusCode();
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _service.DisposeAsync();
    }
}
