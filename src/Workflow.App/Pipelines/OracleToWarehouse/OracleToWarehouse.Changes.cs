using Npgsql;
using Workflow.App.Hosting;
using Workflow.Cloud.Objects;
using Workflow.Data.ChangeCapture;
using Workflow.Data.SchemaConversion;
using Workflow.Data.Warehouse;
using Workflow.Durable;

namespace Workflow.App.Pipelines.OracleToWarehouse;

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
internal sealed record ApplyChangesInput(OracleToWarehouseInput Settings, TableChanges Changes, Guid LoadKey);

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
                StartsOver = changes.StartsOver,
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
