using Npgsql;
using Workflow.App.Hosting;
using Workflow.Cloud.Objects;
using Workflow.Data.ChangeCapture;
using Workflow.Data.SchemaConversion;
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
internal sealed record TableChanges(string Schema, string Table, IReadOnlyList<FoundFile> Files)
{
    private const long Megabyte = 1 << 20;

    public TableName Target(OracleToWarehouseInput input) => new(input.Schema, Table);

    public bool StartsWithFullLoad() => Files[0].Read().IsFullLoad;

    public IEnumerable<IReadOnlyList<FoundFile>> Batches(OracleToWarehouseInput input)
    {
        var batch = new List<FoundFile>();
        var size = 0L;
        foreach (var file in Files)
        {
            if (batch.Count > 0 && (batch.Count == input.BatchFiles || size + file.Size > input.BatchMegabytes * Megabyte))
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
internal sealed record FoundChanges(IReadOnlyList<TableChanges> Tables, bool HasMore);

/// <param name="StartsOver">The full load counts as new, whatever was applied before.</param>
internal sealed record FindChangesInput(OracleToWarehouseInput Settings, bool StartsOver);

/// <summary>The files of changes at an address, or under a prefix, that were not applied yet.</summary>
internal sealed class FindChanges(ObjectStores stores, Warehouse warehouse) : TaskActivity<FindChangesInput, FoundChanges>
{
    // They must fit into one payload of the history.
    private const int MostFiles = 2_000;

    public override async Task<FoundChanges> RunAsync(TaskActivityContext context, FindChangesInput input)
    {
        var cancellation = context.CancellationToken;
        var found = await FindAsync(input, cancellation);
        if (input.StartsOver && found.Count > MostFiles)
        {
            throw new NonRetriableException($"There are more than {MostFiles} files under {input.Settings.Object} to start over with. Reload narrower prefixes.");
        }

        var tables = found.GroupBy(change => (change.File.Schema, change.File.Table)).OrderBy(table => table.Key).ToList();
        await CheckAsync([.. tables.Select(table => table.Key)], input.Settings, cancellation);
        return new(Take(tables), found.Count > MostFiles);
    }

    private async Task<List<(ChangeFile File, FoundFile Found)>> FindAsync(FindChangesInput input, CancellationToken cancellation)
    {
        var found = new List<(ChangeFile File, FoundFile Found)>();
        await foreach (var info in ListAsync(ObjectAddress.Parse(input.Settings.Object!), cancellation))
        {
            if (ChangeFile.TryParse(info.Address.Key, out var file))
            {
                found.Add((file, new(info.Address.ToString(), info.Size, info.ETag)));
            }
        }

        var applied = await warehouse.ChangeAsync(changes => changes.FindAppliedAsync(input.Settings.Schema, found.Select(change => change.Found.Address), cancellation), cancellation);
        found.RemoveAll(change => !(input.StartsOver && change.File.IsFullLoad) && applied.Contains((change.Found.Address, change.Found.ETag)));
        return found;
    }

    /// <summary>Of each table its first files, as many as there is room for.</summary>
    private static List<TableChanges> Take(IEnumerable<IGrouping<(string Schema, string Table), (ChangeFile File, FoundFile Found)>> tables)
    {
        var room = MostFiles;
        var taken = new List<TableChanges>();
        foreach (var table in tables.TakeWhile(_ => room > 0))
        {
            var files = table.OrderBy(change => change.File.Sequence, StringComparer.Ordinal).ThenBy(change => change.Found.Address, StringComparer.Ordinal).Select(change => change.Found).Take(room).ToList();
            taken.Add(new(table.Key.Schema, table.Key.Table, files));
            room -= files.Count;
        }

        return taken;
    }

    private async Task CheckAsync(IReadOnlyList<(string Schema, string Table)> tables, OracleToWarehouseInput settings, CancellationToken cancellation)
    {
        foreach (var same in tables.GroupBy(table => new TableName(settings.Schema, table.Table)).Where(group => group.Count() > 1))
        {
            throw new NonRetriableException($"{string.Join(" and ", same.Select(table => $"{table.Schema}.{table.Table}"))} would both be {same.Key}. Run each schema by itself, into a Schema of its own.");
        }

        var known = await TableKnowledge.ReadAsync(stores, warehouse, settings, cancellation);
        if (tables.FirstOrDefault(table => known.KeyOf(table.Schema, table.Table).Count == 0) is { Table: not null } keyless)
        {
            throw new NonRetriableException($"The key of {keyless.Schema}.{keyless.Table} is not known. Add {{\"Name\": \"{keyless.Schema}.{keyless.Table}\", \"Key\": [\"…\"]}} to Tables, or name the script that creates it as Ddl.");
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

/// <summary>Keys and types of the tables, from the settings and, where they say nothing, from the Oracle script.</summary>
internal sealed class TableKnowledge(IReadOnlyList<OracleTableOptions> options, IReadOnlyList<ConvertedTable> script)
{
    public static async Task<TableKnowledge> ReadAsync(ObjectStores stores, Warehouse warehouse, OracleToWarehouseInput settings, CancellationToken cancellation)
    {
        if (settings.Ddl is not { } ddl)
        {
            return new(settings.Tables, []);
        }

        var address = ObjectAddress.Parse(ddl);
        using var reader = new StreamReader(await stores.For(address).OpenReadAsync(address, cancellation));
        return new(settings.Tables, SchemaConverter.ReadTables(await reader.ReadToEndAsync(cancellation), warehouse.Dialect));
    }

    public OracleTableOptions? OptionsOf(string schema, string table) => options.FirstOrDefault(option => option.Is(schema, table));

    public IReadOnlyList<string> KeyOf(string schema, string table) =>
        OptionsOf(schema, table) is { Key.Count: > 0 } option ? option.Key : FindInScript(schema, table)?.Key ?? [];

    public Dictionary<string, string> TypesOf(string schema, string table)
    {
        var types = new Dictionary<string, string>();
        var scripted = (FindInScript(schema, table)?.Columns ?? []).Select(column => (column.Name, column.Type));
        foreach (var (column, type) in scripted.Concat(OptionsOf(schema, table)?.ReadTypes() ?? []))
        {
            types[column.ToLowerInvariant()] = type;
        }

        return types;
    }

    private ConvertedTable? FindInScript(string schema, string table) => script.FirstOrDefault(created =>
        created.Name.Equals(table, StringComparison.OrdinalIgnoreCase) && (created.Schema ?? schema).Equals(schema, StringComparison.OrdinalIgnoreCase));
}

/// <param name="LoadKey">One for all attempts at this batch: the ledger answers one it has seen.</param>
internal sealed record ApplyChangesInput(OracleToWarehouseInput Settings, TableChanges Changes, Guid LoadKey, bool StartsOver);

/// <summary>Applies a batch of files to a table, in one transaction together with its ledger row.</summary>
/// <remarks>
/// The refused rows are put where they are kept before the rows are committed: a crash in between leaves a quarantine file that the next
/// attempt writes again, the same.
/// </remarks>
internal sealed class ApplyChanges(ObjectStores stores, Warehouse warehouse, Scratch scratch) : TaskActivity<ApplyChangesInput, AppliedTable>
{
    public override async Task<AppliedTable> RunAsync(TaskActivityContext context, ApplyChangesInput input)
    {
        var (settings, changes, cancellation) = (input.Settings, input.Changes, context.CancellationToken);
        using var folder = scratch.CreateFolder();
        var known = await TableKnowledge.ReadAsync(stores, warehouse, settings, cancellation);
        var quarantine = QuarantineOf(input);
        try
        {
            var batch = new ChangeBatch
            {
                Table = changes.Target(settings),
                Key = known.KeyOf(changes.Schema, changes.Table),
                Types = known.TypesOf(changes.Schema, changes.Table),
                Files = await FetchAsync(changes.Files, folder, cancellation),
                Options = settings.OptionsFor(known.OptionsOf(changes.Schema, changes.Table)),
                LoadKey = input.LoadKey.ToString("N"),
                StartsOver = input.StartsOver,
                ScratchFolder = Path.GetDirectoryName(folder.File("made", "x"))!,
                QuarantineFile = folder.File("quarantine.csv"),
                PublishQuarantine = (refused, token) => stores.UploadAsync(refused, quarantine, WriteCondition.Always, token),
            };
            var result = await warehouse.ChangeAsync(applier => applier.ApplyAsync(batch, cancellation), cancellation);
            return new(
                changes.Target(settings).ToString(), result.RowsIn, result.Loaded, result.Quarantined, result.Skipped, result.Inserted, result.Updated, result.Deleted,
                result.Late, result.LobsCut, result.Files, result.CreatedTable, result.AddedColumns, result.Watermark, result.Quarantined == 0 ? [] : [quarantine.ToString()]);
        }
        catch (PostgresException refused) when (DatabaseRefusal.IsFinal(refused))
        {
            throw DatabaseRefusal.Explain($"The warehouse refused the changes of {changes.Target(settings)}", refused);
        }
    }

    private async Task<IReadOnlyList<ChangeSource>> FetchAsync(IReadOnlyList<FoundFile> files, ScratchFolder folder, CancellationToken cancellation)
    {
        var sources = new List<ChangeSource>();
        foreach (var (index, found) in files.Index())
        {
            var address = ObjectAddress.Parse(found.Address);
            var path = folder.File($"{index}", address.Name);
            await stores.DownloadAsync(address, path, cancellation);
            if ((await stores.For(address).FindAsync(address, cancellation))?.ETag != found.ETag)
            {
                throw new NonRetriableException($"{address} was replaced while it was being read. Run the pipeline again.");
            }

            sources.Add(new(path, found.Address, found.ETag, found.Read()));
        }

        return sources;
    }

    /// <summary>Beside the table's files, under a name that DMS never gives.</summary>
    private static ObjectAddress QuarantineOf(ApplyChangesInput input)
    {
        var first = ObjectAddress.Parse(input.Changes.Files[0].Address);
        var refused = first.WithKey($"{first.Key[..^first.Name.Length]}refused-{input.LoadKey.ToString("N")[..8]}.csv");
        return Areas.In(Areas.Quarantine, refused);
    }
}
