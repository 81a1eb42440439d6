using Workflow.App.Configuration;
using Workflow.Cloud.Objects;
using Workflow.Data.Warehouse;
using Workflow.Durable;

namespace Workflow.App.Pipelines.CsvToWarehouse;

/// <summary>What to load, and where and how; see docs/pipelines/csv-to-warehouse.md.</summary>
internal sealed record CsvToWarehouseInput : PipelineInput
{
    private const int MostAtOnce = 64;

    public string Table { get; init; } = "";

    public string Schema { get; init; } = "public";

    /// <summary>The column by which a row of a file is the same as one of the table.</summary>
    public string Key { get; init; } = "user_id";

    /// <summary>One character; null finds it out from the header.</summary>
    public string? Delimiter { get; init; }

    /// <summary>A column whose types have nothing else in common becomes text, instead of failing the run.</summary>
    public bool AllowWideningToText { get; init; }

    /// <summary>Of a prefix: files in work at one time.</summary>
    public int AtOnce { get; init; } = 4;

    /// <summary>The object is a prefix (it ends in <c>/</c>) whose files are loaded each by itself.</summary>
    public bool IsPrefix() => ObjectAddress.Parse(Object!).Name.Length == 0;

    public TableName Target() => new(Schema, Table);

    public override void Check(Func<string, string> key, SettingErrors errors)
    {
        base.Check(key, errors);
        Inputs.CheckName(nameof(Table), Table, "the table to load into", key, errors);
        Inputs.CheckName(nameof(Schema), Schema, "the table's schema", key, errors);
        Inputs.CheckName(nameof(Key), Key, "the column that rows are matched by", key, errors);
        Inputs.CheckRange(nameof(AtOnce), AtOnce, MostAtOnce, key, errors);
        if (Delimiter is not null && (Delimiter.Length != 1 || !char.IsAscii(Delimiter[0]) || Delimiter[0] is '"' or '\r' or '\n'))
        {
            errors.Add(key(nameof(Delimiter)), Delimiter, "write one ASCII character, not a quote or a line end");
        }
    }
}

/// <summary>What became of the rows, and of the table.</summary>
internal sealed record CsvToWarehouseResult : PipelineResult
{
    public long Inserted { get; init; }

    public long Updated { get; init; }

    /// <summary>Of the skipped: rows whose key a later row of the file has.</summary>
    public long Duplicates { get; init; }

    /// <summary>The file was the last one loaded into the table.</summary>
    public bool SameContent { get; init; }

    public bool CreatedTable { get; init; }

    public IReadOnlyList<WidenedColumn> WidenedColumns { get; init; } = [];

    public IReadOnlyList<LoadedColumn> Columns { get; init; } = [];

    /// <summary>Where the file lies now.</summary>
    public string? Object { get; init; }

    /// <summary>Of a prefix: the files that were loaded.</summary>
    public int? Files { get; init; }

    /// <summary>Of a prefix: files that runs of their own were working on already.</summary>
    public int? FilesUnderWay { get; init; }

    public static CsvToWarehouseResult Sum(IEnumerable<CsvToWarehouseResult> files, int underWay)
    {
        var sum = new CsvToWarehouseResult { Files = 0, FilesUnderWay = underWay };
        foreach (var file in files)
        {
            sum = sum with
            {
                Files = sum.Files + 1,
                RowsIn = sum.RowsIn + file.RowsIn,
                Loaded = sum.Loaded + file.Loaded,
                Quarantined = sum.Quarantined + file.Quarantined,
                Skipped = sum.Skipped + file.Skipped,
                Inserted = sum.Inserted + file.Inserted,
                Updated = sum.Updated + file.Updated,
                Duplicates = sum.Duplicates + file.Duplicates,
                Table = file.Table,
                CreatedTable = sum.CreatedTable || file.CreatedTable,
                AddedColumns = [.. sum.AddedColumns, .. file.AddedColumns],
                WidenedColumns = [.. sum.WidenedColumns, .. file.WidenedColumns],
            };
        }

        return sum;
    }
}

/// <summary>Some objects of a prefix could not be loaded; the others were.</summary>
internal sealed class ObjectsFailedException(int failed, int all, TaskFailedException first)
    : RunFailedException($"{failed} of {all} objects failed; each has a run of its own that says why. The first: {first.FailureDetails.ErrorMessage}");
