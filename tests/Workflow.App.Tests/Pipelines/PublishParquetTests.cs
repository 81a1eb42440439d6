using Workflow.App.Pipelines.JsonToParquet;
using Workflow.Cloud.Objects;
using Workflow.Cloud.Objects.Local;
using Workflow.Data.DuckDb;
using Workflow.Data.Parquet;
using Workflow.Durable;
using Workflow.Testing;

namespace Workflow.App.Tests.Pipelines;

/// <summary>The step of json-to-parquet that lets readers see what was staged, and the time of its run.</summary>
public sealed class PublishParquetTests : IDisposable
{
    private const string Output = "local://lake/orders/";

    private readonly TempFolder _folder = new();
    private readonly FakeTimeProvider _time = new();
    private readonly ObjectStores _stores;
    private readonly ParquetRun _run;

    public PublishParquetTests()
    {
        _stores = new([new LocalObjectStore(_folder.File("objects"), _time)]);
        _run = new(new() { Output = Output }, "v1", "orders", _time.GetUtcNow().UtcDateTime.AddHours(2));
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task In_time_it_publishes()
    {
        await StageAsync();
        _time.Advance(TimeSpan.FromHours(2) - TimeSpan.FromTicks(1));

        await PublishAsync();

        Assert.Single(await _run.Dataset(_stores).ListAsync(Cancellation));
    }

    [Fact]
    public async Task After_the_time_of_its_run_it_does_not_begin()
    {
        await StageAsync();
        _time.Advance(TimeSpan.FromHours(2));

        var late = await Assert.ThrowsAsync<NonRetriableException>(PublishAsync);

        Assert.Equal("it did not end within 02:00:00.", late.Message);
        Assert.Empty(await _run.Dataset(_stores).ListAsync(Cancellation));
        Assert.Empty(await _run.Dataset(_stores).FindUnfinishedAsync(Cancellation));
    }

    private Task<bool> PublishAsync() => new PublishParquet(_stores, _time).RunAsync(new TaskActivityContext(nameof(PublishParquet), "run", "run/1", 1, Cancellation), _run);

    private async Task StageAsync()
    {
        using var database = DuckDbDatabase.Open(new());
        using var connection = database.Connect();
        var files = connection.ExportParquet("select 1 as id", _folder.File("files"), [], 1 << 20, Cancellation);
        await _run.Dataset(_stores).StageAsync(_run.Version, _folder.File("files"), files, Cancellation);
    }
}
