using FsCheck;
using FsCheck.Fluent;
using Workflow.Data.Tests.Warehouse;

namespace Workflow.Data.Tests.ChangeCapture;

/// <summary>Whatever order files come in, how often, and in which batches: the table ends as if each change had come once, in order.</summary>
public abstract class ChangePropertyTests(TestWarehouse warehouse) : IClassFixture<TestWarehouse>
{
    private static readonly Config Runs = Config.QuickThrowOnFailure.WithMaxTest(15);

    /// <summary>Null for PostgreSQL.</summary>
    private protected virtual TestCluster? Cluster => null;

    private sealed record Change(char Op, int Id, string Name)
    {
        public override string ToString() => $"{Op}{Id}{Name}";
    }

    /// <param name="Files">Changes in the order in which they happened.</param>
    /// <param name="Deliveries">Batches of file numbers, in the order in which they come: shuffled, repeated.</param>
    private sealed record Scenario(bool SoftDelete, bool IsOrdered, List<int> Loaded, List<List<Change>> Files, List<List<int>> Deliveries)
    {
        public override string ToString() => $"soft {SoftDelete}, ordered {IsOrdered}, load [{string.Join(' ', Loaded)}], files [{string.Join(" / ", Files.Select(file => string.Join(' ', file)))}], deliveries [{string.Join(" / ", Deliveries.Select(batch => string.Join(' ', batch)))}]";
    }

    private static Arbitrary<Scenario> Scenarios()
    {
        // A delete says its whole row, or only the key.
        var change = from op in Gen.Elements('I', 'U', 'D') from id in Gen.Choose(1, 5) from name in Gen.Elements("a", "b", "c", "d") from bare in ArbMap.Default.GeneratorFor<bool>() select new Change(op, id, op == 'D' && bare ? "" : name);
        var scenario =
            from soft in ArbMap.Default.GeneratorFor<bool>()
            from ordered in ArbMap.Default.GeneratorFor<bool>()
            from loaded in Gen.Choose(1, 5).ListOf()
            from files in Gen.NonEmptyListOf(Gen.NonEmptyListOf(change).Select(list => list.Take(6).ToList())).Select(list => list.Take(6).ToList())
            from again in Gen.Choose(0, files.Count).ListOf().Select(list => list.Take(4))
            from order in Gen.Shuffle(Enumerable.Range(0, files.Count + 1).Concat(again).ToArray())
            from sizes in Gen.Choose(1, 4).ListOf(order.Length)
            select new Scenario(soft, ordered, [.. loaded.Distinct()], files, Batches(order, [.. sizes]));
        return scenario.ToArbitrary();
    }

    [Fact]
    public void Files_that_are_shuffled_repeated_and_late_end_in_the_right_state() => Prop.ForAll(Scenarios(), scenario => Run(async () =>
    {
        var stage = new ChangeStage(warehouse, Cluster) { Options = new() { OrderColumn = scenario.IsOrdered ? "AR_H_CHANGE_SEQ" : null, SoftDelete = scenario.SoftDelete } };
        foreach (var (delivery, batch) in scenario.Deliveries.Index())
        {
            // A file that comes again comes as another object now and then.
            var sources = batch.Distinct().Select(number => stage.Source(Name(number), System.Text.Encoding.UTF8.GetBytes(Text(scenario, number) + new string('\n', delivery % 3))));
            var result = await stage.ApplyAsync(null, [.. sources]);
            Assert.Equal(result.RowsIn, result.Loaded + result.Quarantined + result.Skipped);
        }

        Assert.Equal(Expected(scenario), await stage.RowsAsync(scenario.SoftDelete ? "id, name, _deleted" : "id, name"));
    })).Check(Runs);

    /// <summary>The load, then each change once, in the order in which they happened.</summary>
    private static string[] Expected(Scenario scenario)
    {
        var rows = scenario.Loaded.ToDictionary(id => id, _ => (Name: "load", Deleted: false));
        foreach (var change in scenario.Files.SelectMany(file => file))
        {
            if (change.Op != 'D')
            {
                rows[change.Id] = (change.Name, false);
            }
            else if (rows.Remove(change.Id, out var last) && scenario.SoftDelete)
            {
                rows[change.Id] = (last.Name, true);
            }
        }

        return [.. rows.OrderBy(row => row.Key).Select(row => scenario.SoftDelete ? $"{row.Key}|{row.Value.Name}|{row.Value.Deleted}" : $"{row.Key}|{row.Value.Name}")];
    }

    /// <summary>File 0 is the full load.</summary>
    private static string Name(int number) => number == 0 ? "LOAD00000001.csv" : ChangeStage.Changes(number);

    private static string Text(Scenario scenario, int number)
    {
        if (number == 0)
        {
            return "ID,NAME\n" + string.Concat(scenario.Loaded.Select(id => $"{id},load\n"));
        }

        var before = scenario.Files.Take(number - 1).Sum(file => file.Count);
        return "Op,AR_H_CHANGE_SEQ,ID,NAME\n" + string.Concat(scenario.Files[number - 1].Select((change, index) => $"{change.Op},{before + index + 1},{change.Id},{change.Name}\n"));
    }

    private static List<List<int>> Batches(int[] order, List<int> sizes)
    {
        var batches = new List<List<int>>();
        for (var (at, index) = (0, 0); at < order.Length; at += sizes[index++])
        {
            batches.Add([.. order.Skip(at).Take(sizes[index])]);
        }

        return batches;
    }

    // FsCheck asks on a thread of its own and takes no task.
    private static void Run(Func<Task> test) => Task.Run(test).GetAwaiter().GetResult();
}

public sealed class PostgresChangePropertyTests(TestWarehouse warehouse) : ChangePropertyTests(warehouse);

public sealed class RedshiftChangePropertyTests(TestWarehouse warehouse) : ChangePropertyTests(warehouse), IAsyncDisposable
{
    private readonly TestCluster _cluster = new(warehouse);

    private protected override TestCluster? Cluster => _cluster;

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();
}
