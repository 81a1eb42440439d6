using Workflow.Cloud.Objects;
using Workflow.Cloud.Objects.Local;
using Workflow.Data.DuckDb;
using Workflow.Data.Parquet;
using Workflow.Testing;

namespace Workflow.Data.Tests.Parquet;

/// <summary>Versions of a dataset on a real object store, and what a reader sees between the steps.</summary>
public sealed class ParquetDatasetTests : IDisposable
{
    private const long Large = 1 << 30;

    private readonly TempFolder _folder = new();
    private readonly DuckDbDatabase _database = DuckDbDatabase.Open(new());
    private readonly DuckDbConnection _connection;
    private readonly LocalObjectStore _store;
    private readonly ParquetDataset _dataset;

    public ParquetDatasetTests()
    {
        _connection = _database.Connect();
        _store = new LocalObjectStore(_folder.File("objects"), TimeProvider.System);
        _dataset = new ParquetDataset(new([_store]), ObjectAddress.Parse("local://lake/orders"), writer: "orders");
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _connection.Dispose();
        _database.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task What_is_staged_is_not_seen_until_it_is_published_and_then_all_of_it()
    {
        await StageAsync("v1", "values (1, 'a'), (2, 'b'), (3, 'b')");
        Assert.Empty(await RowsAsync());

        await _dataset.PublishAsync("v1", Cancellation);
        Assert.Equal(["1 a", "2 b", "3 b"], await RowsAsync());
    }

    [Fact]
    public async Task A_version_takes_the_place_of_its_partitions_and_leaves_the_others()
    {
        await ReplaceAsync("v1", "values (1, 'a'), (2, 'b'), (3, 'c')");
        await StageAsync("v2", "values (20, 'b'), (30, 'c'), (40, 'd')");
        Assert.Equal(["1 a", "2 b", "3 c"], await RowsAsync());

        await _dataset.PublishAsync("v2", Cancellation);
        Assert.Equal(["1 a", "20 b", "30 c", "40 d"], await RowsAsync());
        await _dataset.CleanAsync("v2", Cancellation);

        Assert.Equal(["1 a", "20 b", "30 c", "40 d"], await RowsAsync());
        Assert.Equal(["p=a/v1/", "p=b/v2/", "p=c/v2/", "p=d/v2/"], await FoldersAsync());
    }

    [Fact]
    public async Task Without_partitions_a_version_replaces_all()
    {
        await ReplaceAsync("v1", "values (1, 'a'), (2, 'b')", []);
        await ReplaceAsync("v2", "values (3, 'c')", []);

        Assert.Equal(["3 c"], await RowsAsync());
        Assert.Equal(["v2/"], await FoldersAsync());
    }

    [Fact]
    public async Task Each_step_may_be_done_again()
    {
        await ReplaceAsync("v1", "values (1, 'a')");
        for (var time = 0; time < 2; time++)
        {
            await StageAsync("v2", "values (2, 'a')");
        }

        for (var time = 0; time < 2; time++)
        {
            await _dataset.PublishAsync("v2", Cancellation);
        }

        for (var time = 0; time < 2; time++)
        {
            await _dataset.CleanAsync("v2", Cancellation);
        }

        Assert.Equal(["2 a"], await RowsAsync());
        Assert.Equal(["p=a/v2/"], await FoldersAsync());
    }

    [Fact]
    public async Task An_attempt_that_cut_its_files_elsewhere_leaves_none_behind()
    {
        var folder = _folder.File("first");
        var first = _connection.ExportParquet("select i, hash(i)::varchar h from range(100000) r(i)", folder, [], 500_000, Cancellation);
        await _dataset.StageAsync("v1", folder, first, Cancellation);
        Assert.True(first.Count > 1);

        await StageAsync("v1", "values (1, 'a')", []);
        await _dataset.PublishAsync("v1", Cancellation);

        Assert.Equal(["1 a"], await RowsAsync());
        Assert.Single(await ParquetKeysAsync());
    }

    [Fact]
    public async Task What_is_taken_back_leaves_the_dataset_as_it_was()
    {
        await ReplaceAsync("v1", "values (1, 'a'), (2, 'b')");
        await StageAsync("v2", "values (10, 'a'), (30, 'c')");
        await _dataset.PublishAsync("v2", Cancellation);

        for (var time = 0; time < 2; time++)
        {
            await _dataset.DiscardAsync("v2", Cancellation);
        }

        Assert.Equal(["1 a", "2 b"], await RowsAsync());
        Assert.Equal(["p=a/v1/", "p=b/v1/"], await FoldersAsync());
    }

    [Fact]
    public async Task What_was_not_cleaned_up_after_is_found_and_cleaned_up_later()
    {
        await ReplaceAsync("v1", "values (1, 'a'), (2, 'b')");
        await StageAsync("v2", "values (10, 'a'), (20, 'b')");
        await _dataset.PublishAsync("v2", Cancellation);
        await StageAsync("v3", "values (100, 'a')");
        await _dataset.PublishAsync("v3", Cancellation);

        Assert.Equal(["v2: p=b/", "v3: p=a/"], await UnfinishedAsync());
        Assert.Empty(await new ParquetDataset(new([_store]), ObjectAddress.Parse("local://lake/orders"), writer: "others").FindUnfinishedAsync(Cancellation));
        foreach (var version in await _dataset.FindUnfinishedAsync(Cancellation))
        {
            await _dataset.CleanAsync(version.Version, Cancellation);
        }

        Assert.Equal(["p=a/v3/", "p=b/v2/"], await FoldersAsync());
        Assert.Equal(["20 b", "100 a"], await RowsAsync());
        Assert.Empty(await UnfinishedAsync());
    }

    [Fact]
    public async Task What_is_taken_back_leaves_the_version_before_it_to_be_cleaned_up_after()
    {
        await ReplaceAsync("v1", "values (1, 'a')");
        await StageAsync("v2", "values (2, 'a')");
        await _dataset.PublishAsync("v2", Cancellation);
        await StageAsync("v3", "values (3, 'a')");
        await _dataset.PublishAsync("v3", Cancellation);
        await _dataset.DiscardAsync("v3", Cancellation);

        Assert.Equal(["v2: p=a/"], await UnfinishedAsync());
        await _dataset.CleanAsync("v2", Cancellation);

        Assert.Equal(["p=a/v2/"], await FoldersAsync());
        Assert.Equal(["2 a"], await RowsAsync());
    }

    private async Task<IEnumerable<string>> UnfinishedAsync() => (await _dataset.FindUnfinishedAsync(Cancellation))
        .Select(version => $"{version.Version}: {string.Join(", ", version.Partitions.Select(partition => partition.Folder))}");

    private async Task ReplaceAsync(string version, string values, IReadOnlyList<string>? partitionBy = null)
    {
        await StageAsync(version, values, partitionBy);
        await _dataset.PublishAsync(version, Cancellation);
        await _dataset.CleanAsync(version, Cancellation);
    }

    private async Task StageAsync(string version, string values, IReadOnlyList<string>? partitionBy = null)
    {
        var folder = _folder.File(Guid.NewGuid().ToString("N"));
        var files = _connection.ExportParquet($"select * from ({values}) t(i, p)", folder, partitionBy ?? ["p"], Large, Cancellation);
        await _dataset.StageAsync(version, folder, files, Cancellation);
    }

    /// <summary>What one who goes by the manifests reads.</summary>
    private async Task<IReadOnlyList<string>> RowsAsync()
    {
        var files = await _dataset.ListAsync(Cancellation);
        if (files.Count == 0)
        {
            return [];
        }

        var paths = string.Join(", ", files.Select(file => $"'{_folder.File("objects", file["local://".Length..])}'"));
        using var rows = _connection.Query($"select i || ' ' || p from read_parquet([{paths}], hive_partitioning = true) order by i", Cancellation);
        return [.. rows.Rows(Cancellation).Select(row => (string)row[0]!)];
    }

    private async Task<IReadOnlyList<string>> FoldersAsync() => [.. (await ParquetKeysAsync()).Select(key => key[..(key.LastIndexOf('/') + 1)]).Distinct()];

    private async Task<IReadOnlyList<string>> ParquetKeysAsync() =>
        await _store.ListAsync(ObjectAddress.Parse("local://lake/orders/"), Cancellation)
            .Select(found => found.Address.Key["orders/".Length..])
            .Where(key => key.EndsWith(".parquet", StringComparison.Ordinal))
            .ToListAsync(Cancellation);
}
