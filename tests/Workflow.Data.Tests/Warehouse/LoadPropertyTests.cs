using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using Workflow.Data.Warehouse;

namespace Workflow.Data.Tests.Warehouse;

public sealed class LoadPropertyTests(TestWarehouse warehouse) : IClassFixture<TestWarehouse>
{
    private static readonly Config Runs = Config.QuickThrowOnFailure.WithMaxTest(40);

    private static Arbitrary<List<string>> Lines()
    {
        var key = Gen.Frequency((8, Gen.Choose(1, 12).Select(number => number.ToString(CultureInfo.InvariantCulture))), (1, Gen.Constant("")));
        var value = Gen.Elements("1", "2.5", "x", "", "\"q\"\"q\"", "\"two\nlines\"", "\"2024-01-01\"");
        var line = Gen.Frequency(
            (10, from k in key from a in value from b in value select $"{k},{a},{b}"),
            (1, Gen.Elements("ragged", "1,2,3,4", "3,\"open,x", "4,a\"b,c", "5,a\0b,c")));
        return line.ListOf().ToArbitrary();
    }

    [Fact]
    public void Rows_balance_and_what_is_loaded_is_in_the_table() => Prop.ForAll(Lines(), lines => Run(async () =>
    {
        var schema = warehouse.NewSchema();
        LoadRequest? request = null;
        var result = await warehouse.LoadAsync(schema, Text(lines), made => request = made);

        Assert.Equal(result.RowsIn, result.Loaded + result.Quarantined + result.Skipped);
        Assert.Equal(result.Quarantined, File.Exists(request!.QuarantineFile) ? TestWarehouse.ReadCsv(request.QuarantineFile).Count : 0);
        Assert.Equal(result.Inserted, result.Loaded);
        Assert.Equal([$"{result.RowsIn}|{result.Loaded}"], await warehouse.QueryAsync($"select rows_in, loaded from {schema}.load_ledger"));
        if (result.Loaded > 0)
        {
            Assert.Equal([$"{result.Loaded}|{result.Loaded}"], await warehouse.QueryAsync($"select count(*), count(distinct user_id) from {schema}.people"));
        }
    })).Check(Runs);

    [Fact]
    public void Run_twice_is_run_once() => Prop.ForAll(Lines(), Lines(), (first, second) => Run(async () =>
    {
        var (once, twice) = (warehouse.NewSchema(), warehouse.NewSchema());
        foreach (var text in new[] { Text(first), Text(second) })
        {
            await warehouse.LoadAsync(once, text, request => request with { LoadKey = Key(text), AllowWideningToText = true });
            for (var run = 0; run < 2; run++)
            {
                await warehouse.LoadAsync(twice, text, request => request with { LoadKey = $"{Key(text)}/{run}", AllowWideningToText = true });
            }
        }

        Assert.Equal(await TableAsync(once), await TableAsync(twice));
    })).Check(Runs);

    [Fact]
    public void A_load_cut_off_anywhere_and_tried_again_gives_the_same_result() => Prop.ForAll(Gen.Choose(0, 60).NonEmptyListOf().ToArbitrary(), cuts => Run(async () =>
    {
        var text = "user_id,n\nbroken\n" + string.Concat(Enumerable.Range(1, 3_000).Select(id => $"{id % 2_500},{id}\n"));
        var (clean, cut) = (warehouse.NewSchema(), warehouse.NewSchema());
        var expected = await warehouse.LoadAsync(clean, text);

        var request = await warehouse.RequestAsync(cut, warehouse.NewFile(text));
        foreach (var milliseconds in cuts)
        {
            using var source = new CancellationTokenSource(TimeSpan.FromMilliseconds(milliseconds));
            try
            {
                await new WarehouseLoader(warehouse.Source).LoadAsync(request, source.Token);
            }
            catch (OperationCanceledException)
            {
                // The crash.
            }
        }

        var result = await new WarehouseLoader(warehouse.Source).LoadAsync(request, TestContext.Current.CancellationToken);
        Assert.Equivalent(expected, result, strict: true);
        Assert.Equal(await warehouse.PeopleAsync(clean), await warehouse.PeopleAsync(cut));
        Assert.Equal(["1"], await warehouse.QueryAsync($"select count(*) from {cut}.load_ledger"));
    })).Check(Runs.WithMaxTest(20));

    private async Task<string[]> TableAsync(string schema) =>
        await warehouse.QueryAsync($"select to_regclass('{schema}.people') is null") is ["True"] ? [] : await warehouse.PeopleAsync(schema, "user_id, a::text, b::text");

    private static string Text(IEnumerable<string> lines) => "user_id,a,b\n" + string.Concat(lines.Select(line => line + "\n"));

    // A NUL, which the lines may hold, is no part of a key.
    private static string Key(string text) => Convert.ToHexString(System.Text.Encoding.UTF8.GetBytes(text));

    // FsCheck asks on a thread of its own and takes no task.
    private static void Run(Func<Task> test) => Task.Run(test).GetAwaiter().GetResult();
}
