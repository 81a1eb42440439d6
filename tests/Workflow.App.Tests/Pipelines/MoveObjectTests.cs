using System.Text;
using Workflow.App.Pipelines;
using Workflow.App.Pipelines.CsvToWarehouse;
using Workflow.Cloud.Objects;
using Workflow.Cloud.Objects.Local;
using Workflow.Durable;
using Workflow.Testing;

namespace Workflow.App.Tests.Pipelines;

public sealed class MoveObjectTests : IDisposable
{
    private static readonly ObjectAddress From = ObjectAddress.Parse("local://landing/csv/a/x.csv");
    private static readonly ObjectAddress To = ObjectAddress.Parse("local://landing/processed/a/x.csv");

    private readonly TempFolder _folder = new();
    private readonly LocalObjectStore _store;
    private readonly MoveObject _move;

    public MoveObjectTests()
    {
        _store = new(_folder.Path, TimeProvider.System);
        _move = new(new ObjectStores([_store]));
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task An_object_is_moved_and_the_move_can_be_repeated()
    {
        var found = await WriteAsync(From, "one");

        Assert.Equal(To.ToString(), await MoveAsync(found));
        Assert.Equal(To.ToString(), await MoveAsync(found));

        Assert.Null(await _store.FindAsync(From, default));
        Assert.Equal("one", await ReadAsync(To));
    }

    [Fact]
    public async Task A_copy_whose_original_was_not_deleted_yet_is_taken_for_the_moved_object()
    {
        var found = await WriteAsync(From, "one");
        await _store.CopyAsync(From, To, default);

        Assert.Equal(To.ToString(), await MoveAsync(found));

        Assert.Equal([To], await ListAsync());
    }

    [Fact]
    public async Task Other_content_under_the_name_is_never_replaced()
    {
        await WriteAsync(To, "earlier");
        var found = await WriteAsync(From, "later");

        var moved = await MoveAsync(found);
        var again = await MoveAsync(found);

        Assert.Matches(@"^local://landing/processed/a/x\.[0-9a-f]{8}\.csv$", moved);
        Assert.Equal(moved, again);
        Assert.Equal("earlier", await ReadAsync(To));
        Assert.Equal("later", await ReadAsync(ObjectAddress.Parse(moved)));
        Assert.Null(await _store.FindAsync(From, default));
    }

    [Fact]
    public async Task The_same_content_under_the_name_is_not_kept_twice()
    {
        await WriteAsync(To, "same");
        var found = await WriteAsync(From, "same");

        Assert.Equal(To.ToString(), await MoveAsync(found));

        Assert.Equal([To], await ListAsync());
    }

    [Fact]
    public async Task An_object_that_was_replaced_meanwhile_stays_for_a_run_of_its_own()
    {
        var found = await WriteAsync(From, "old");
        await WriteAsync(From, "new, not loaded yet");

        Assert.Equal(From.ToString(), await MoveAsync(found));

        Assert.Equal("new, not loaded yet", await ReadAsync(From));
        Assert.Equal([From], await ListAsync());
    }

    [Fact]
    public async Task An_object_that_is_nowhere_is_an_error() =>
        await Assert.ThrowsAsync<ObjectNotFoundException>(() => MoveAsync(new(From.ToString(), 3, "gone", "run")));

    [Fact]
    public async Task An_object_that_is_there_already_stays()
    {
        var error = ObjectAddress.Parse("local://landing/error/a/x.csv");
        var found = await WriteAsync(error, "still wrong");

        Assert.Equal(error.ToString(), await MoveAsync(found, Areas.Error));

        Assert.Equal("still wrong", await ReadAsync(error));
    }

    private Task<string> MoveAsync(FoundObject found, string area = Areas.Processed) =>
        _move.RunAsync(new TaskActivityContext(nameof(MoveObject), "run", "run/1", 1, TestContext.Current.CancellationToken), new(found, area));

    private async Task<FoundObject> WriteAsync(ObjectAddress address, string text)
    {
        var info = await _store.WriteAsync(address, new MemoryStream(Encoding.UTF8.GetBytes(text)), WriteCondition.Always, TestContext.Current.CancellationToken);
        return new(address.ToString(), info.Size, info.ETag, "run");
    }

    private async Task<string> ReadAsync(ObjectAddress address)
    {
        using var reader = new StreamReader(await _store.OpenReadAsync(address, TestContext.Current.CancellationToken));
        return await reader.ReadToEndAsync(TestContext.Current.CancellationToken);
    }

    private async Task<IReadOnlyList<ObjectAddress>> ListAsync() =>
        await _store.ListAsync(ObjectAddress.Parse("local://landing/"), TestContext.Current.CancellationToken).Select(info => info.Address).ToListAsync(TestContext.Current.CancellationToken);
}
