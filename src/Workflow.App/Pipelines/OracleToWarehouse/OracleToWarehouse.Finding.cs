using System.Text.Json;
using Workflow.App.Hosting;
using Workflow.Cloud.Aws;
using Workflow.Cloud.Objects;
using Workflow.Data.ChangeCapture;
using Workflow.Data.Warehouse;
using Workflow.Durable;

namespace Workflow.App.Pipelines.OracleToWarehouse;

/// <summary>A file of changes as it was when the run found it.</summary>
internal sealed record FoundFile(string Address, long Size, string ETag)
{
    public ChangeFile Read() => ChangeFile.TryParse(ObjectAddress.Parse(Address).Key, out var file) ? file : throw new InvalidOperationException($"{Address} was found as a file of changes and is none.");
}

/// <summary>The new files of a table, in the order in which they are applied.</summary>
/// <param name="Schema">In Oracle.</param>
/// <param name="StartsOver">Its full load takes the place of what is in the table.</param>
internal sealed record TableChanges(string Schema, string Table, bool StartsOver, IReadOnlyList<FoundFile> Files)
{
    private const long Megabyte = 1 << 20;

    public string Name => $"{Schema}.{Table}";

    public TableName Target(OracleToWarehouseInput input) => new(input.Schema, Table);

    /// <summary>Each is one transaction. A full load that takes the place of rows is one, however large: nobody sees half of it.</summary>
    public IEnumerable<IReadOnlyList<FoundFile>> Batches(OracleToWarehouseInput input)
    {
        var anew = StartsOver ? Files.Count(file => file.Read().IsFullLoad) : 0;
        var batch = Files.Take(anew).ToList();
        var size = 0L;
        foreach (var (index, file) in Files.Index().Skip(anew))
        {
            if (batch.Count > 0 && (index == anew || batch.Count == input.BatchFiles || size + file.Size > input.BatchMegabytes * Megabyte))
            {
                yield return batch;
                (batch, size) = ([], 0);
            }

            batch.Add(file);
            size += file.Size;
        }

        if (batch.Count > 0)
        {
            yield return batch;
        }
    }
}

/// <param name="HasMore">There are more than go into one payload of the history.</param>
/// <param name="NotUnderstood">Files that look like DMS's, and are named as nothing that is known.</param>
/// <param name="FirstNotUnderstood">One of them; null where there is none.</param>
/// <param name="NotReloaded">Tables that DMS has loaded anew, of which no new full load is here.</param>
internal sealed record FoundChanges(IReadOnlyList<TableChanges> Tables, bool HasMore, int NotUnderstood, string? FirstNotUnderstood, IReadOnlyList<string> NotReloaded);

/// <param name="Replicated">Null where DMS was not asked.</param>
/// <param name="StartsOver">The tables that DMS has loaded anew are begun anew.</param>
internal sealed record FindChangesInput(OracleToWarehouseInput Settings, Replicated? Replicated, bool StartsOver);

/// <summary>The files of changes at an address, or under a prefix, that were not applied yet; of tables that failed in DMS, none.</summary>
internal sealed class FindChanges(ObjectStores stores, Warehouse warehouse) : TaskActivity<FindChangesInput, FoundChanges>
{
    // They must fit into one payload of the history, beside the settings.
    private const int MostBytes = 512 << 10;

    private const int LookAtOnce = 10_000;

    /// <param name="IsApplied">And written once more since the reload.</param>
    private sealed record Kept(ChangeFile File, FoundFile Found, bool IsApplied);

    public override async Task<FoundChanges> RunAsync(TaskActivityContext context, FindChangesInput input)
    {
        var cancellation = context.CancellationToken;
        var strange = new List<string>();
        var kept = await LookAsync(input, strange, cancellation);
        var tables = kept.GroupBy(file => (file.File.Schema, file.File.Table)).OrderBy(table => table.Key)
            .Where(table => input.Replicated?.Find(table.Key.Schema, table.Key.Table) is not { HasFailed: true })
            .Select(table => ChangesOf(table, input))
            .Where(table => table.Files.Count > 0)
            .ToList();
        await CheckAsync(tables, input.Settings, cancellation);
        var taken = Take(tables, out var all);
        var reload = input.StartsOver ? CheckReload(input, tables, all) : [];
        return new(taken, !all, strange.Count, strange.FirstOrDefault(), reload);
    }

    /// <summary>What was not applied yet, and what DMS has written once more.</summary>
    private async Task<List<Kept>> LookAsync(FindChangesInput input, List<string> strange, CancellationToken cancellation)
    {
        var kept = new List<Kept>();
        var listed = new List<(ChangeFile File, ObjectInfo Info)>();
        await foreach (var info in ListAsync(ObjectAddress.Parse(input.Settings.Object!), cancellation))
        {
            if (ChangeFile.TryParse(info.Address.Key, out var file))
            {
                listed.Add((file, info));
            }
            else if (ChangeFile.LooksLikeOne(info.Address.Name))
            {
                strange.Add(info.Address.ToString());
            }

            if (listed.Count == LookAtOnce)
            {
                await KeepAsync();
            }
        }

        await KeepAsync();
        return kept;

        async Task KeepAsync()
        {
            var applied = await warehouse.ChangeAsync(changes => changes.FindAppliedAsync(input.Settings.Schema, listed.Select(change => change.Info.Address.ToString()), cancellation), cancellation);
            kept.AddRange(listed
                .Select(change => new Kept(change.File, new(change.Info.Address.ToString(), change.Info.Size, change.Info.ETag), applied.Contains((change.Info.Address.ToString(), change.Info.ETag))))
                .Where((change, index) => !change.IsApplied || (input.StartsOver && change.File.IsFullLoad && input.Replicated!.IsSince(listed[index].Info.LastModified))));
            listed.Clear();
        }
    }

    private static TableChanges ChangesOf(IGrouping<(string Schema, string Table), Kept> table, FindChangesInput input)
    {
        var startsOver = input.StartsOver && input.Replicated!.HasLoaded(table.Key.Schema, table.Key.Table) && table.Any(file => file.File.IsFullLoad);
        var files = table.Where(file => startsOver || !file.IsApplied)
            .OrderBy(file => file.File.Sequence, StringComparer.Ordinal)
            .ThenBy(file => file.Found.Address, StringComparer.Ordinal);
        return new(table.Key.Schema, table.Key.Table, startsOver, [.. files.Select(file => file.Found)]);
    }

    /// <summary>Of each table its first files, as many as there is room for.</summary>
    internal static IReadOnlyList<TableChanges> Take(IReadOnlyList<TableChanges> tables, out bool all)
    {
        var room = MostBytes;
        var taken = new List<TableChanges>();
        foreach (var table in tables.TakeWhile(_ => room > 0))
        {
            var files = table.Files.TakeWhile(file => (room -= JsonSerializer.SerializeToUtf8Bytes(file).Length) >= 0).ToList();
            taken.Add(table with { Files = files });
        }

        all = taken.Sum(table => table.Files.Count) == tables.Sum(table => table.Files.Count);
        return [.. taken.Where(table => table.Files.Count > 0)];
    }

    private static List<string> CheckReload(FindChangesInput input, IReadOnlyList<TableChanges> tables, bool all)
    {
        var loaded = input.Replicated!.Statistics.Where(table => input.Replicated.HasLoaded(table.Schema, table.Table)).ToList();
        var missing = loaded.Where(table => !tables.Any(found => found.StartsOver && table.Is(found.Schema, found.Table))).ToList();
        if (!all)
        {
            throw new NonRetriableException($"There are more new files under {input.Settings.Object} than one listing takes ({MostBytes >> 10} KiB of names), and a table is not begun anew in parts. Reload tasks of fewer tables.");
        }

        if (missing.Count == loaded.Count && missing.Find(table => table.FullLoadRows > 0) is { } lost)
        {
            throw new NonRetriableException($"DMS has loaded {lost.Schema}.{lost.Table} anew, but under {input.Settings.Object} is no full load of it that is new. Let Object be where the task writes, in folders named as the tables are in Oracle.");
        }

        return [.. missing.Select(table => $"{table.Schema}.{table.Table}")];
    }

    private async Task CheckAsync(IReadOnlyList<TableChanges> tables, OracleToWarehouseInput settings, CancellationToken cancellation)
    {
        foreach (var same in tables.GroupBy(table => table.Target(settings)).Where(group => group.Count() > 1))
        {
            throw new NonRetriableException($"{string.Join(" and ", same.Select(table => table.Name))} would both be {same.Key}. Run each schema by itself, into a Schema of its own.");
        }

        if (tables.FirstOrDefault(table => ChangeApplier.KeepsForItself(table.Target(settings))) is { } taken)
        {
            throw new NonRetriableException($"{taken.Name} would be {taken.Target(settings)}, which is kept for what was applied. Give it another name by a transformation rule of the task.");
        }

        var known = await TableKnowledge.ReadAsync(stores, warehouse, settings, cancellation);
        if (tables.FirstOrDefault(table => known.KeyOf(table.Schema, table.Table).Count == 0) is { } keyless)
        {
            throw new NonRetriableException($"The key of {keyless.Name} is not known. Add {{\"Name\": \"{keyless.Name}\", \"Key\": [\"…\"]}} to Tables, or name the script that creates it as Ddl.");
        }
    }

    private async IAsyncEnumerable<ObjectInfo> ListAsync(ObjectAddress address, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        var store = stores.For(address);
        if (address.Name.Length > 0)
        {
            yield return await store.FindAsync(address, cancellation) ?? throw new ObjectNotFoundException(address);
            yield break;
        }

        await foreach (var info in store.ListAsync(address, cancellation))
        {
            yield return info;
        }
    }
}
