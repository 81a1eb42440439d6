using System.Text.RegularExpressions;
using Workflow.App.Configuration;
using Workflow.Cloud.Aws;
using Workflow.Data.ChangeCapture;
using Workflow.Data.Warehouse;

namespace Workflow.App.Pipelines.OracleToWarehouse;

/// <summary>What becomes of a row that Oracle deleted.</summary>
internal enum DeleteMode
{
    Hard,

    /// <summary>It stays, with <c>_deleted</c> set.</summary>
    Soft,
}

/// <summary>What a run does with the replication task.</summary>
internal enum ReplicationMode
{
    /// <summary>Starts it, resumes it, or leaves it alone where it runs or has finished.</summary>
    Continue,

    /// <summary>Has it load everything once more, in the place of what is there.</summary>
    Reload,
}

/// <summary>Which files of DMS to apply, and where and how; see docs/pipelines/oracle-to-warehouse.md.</summary>
internal sealed partial record OracleToWarehouseInput : PipelineInput
{
    private const int MostAtOnce = 64;
    private const int MostFiles = 1_000;
    private const int MostMegabytes = 10_000;

    /// <summary>The schema that the tables are in.</summary>
    public string Schema { get; init; } = "dms_stage";

    /// <summary>The address of an Oracle script that creates the tables: what their keys and types are is taken from there.</summary>
    public string? Ddl { get; init; }

    /// <summary>What the script does not say, or says otherwise.</summary>
    public IReadOnlyList<OracleTableOptions> Tables { get; init; } = [];

    /// <summary>The column that orders changes: <c>AR_H_CHANGE_SEQ</c>, or a commit timestamp; null goes by the files' times.</summary>
    public string? OrderColumn { get; init; }

    public DeleteMode Deletes { get; init; }

    /// <summary>Kilobytes that are kept of a longer value; 0 keeps all.</summary>
    public int LobLimitKb { get; init; } = 32;

    /// <summary>What CSV files write for null (DMS: CsvNullValue).</summary>
    public string NullText { get; init; } = "NULL";

    public string Delimiter { get; init; } = ",";

    /// <summary>Of files without a header: the full load has the column Op, too (DMS: IncludeOpForFullLoad).</summary>
    public bool OpInFullLoad { get; init; }

    /// <summary>Tables in work at one time.</summary>
    public int AtOnce { get; init; } = 4;

    /// <summary>Of one table, files that are applied in one transaction; fewer where they are large.</summary>
    public int BatchFiles { get; init; } = 50;

    public int BatchMegabytes { get; init; } = 512;

    /// <summary>The ARN of the replication task that writes the files; null leaves DMS alone.</summary>
    public string? ReplicationTask { get; init; }

    public ReplicationMode Replication { get; init; }

    /// <summary>How often the task is asked how far it is.</summary>
    public TimeSpan PollEvery { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long the task may take.</summary>
    public TimeSpan ReplicateWithin { get; init; } = TimeSpan.FromHours(24);

    public ChangeOptions OptionsFor(OracleTableOptions? table) => new()
    {
        OrderColumn = OrderColumn,
        SoftDelete = Deletes == DeleteMode.Soft,
        LobLimit = LobLimitKb == 0 ? null : LobLimitKb << 10,
        NullText = NullText,
        Delimiter = Delimiter[0],
        Columns = table?.Columns ?? [],
        OpInFullLoad = OpInFullLoad,
    };

    public override void Check(Func<string, string> key, SettingErrors errors)
    {
        base.Check(key, errors);
        Inputs.CheckName(nameof(Schema), Schema, "the schema of the tables", key, errors);
        Inputs.CheckAddress(nameof(Ddl), Ddl, "local://oracle/hr.sql", key, errors);
        Inputs.CheckRange(nameof(AtOnce), AtOnce, MostAtOnce, key, errors);
        Inputs.CheckRange(nameof(BatchFiles), BatchFiles, MostFiles, key, errors);
        Inputs.CheckRange(nameof(BatchMegabytes), BatchMegabytes, MostMegabytes, key, errors);
        foreach (var (index, table) in Tables.Index())
        {
            table.Check(name => key($"{nameof(Tables)}:{index}:{name}"), errors);
        }

        if (LobLimitKb is < 0 or > 1 << 20)
        {
            errors.Add(key(nameof(LobLimitKb)), $"{LobLimitKb}", $"write a number from 0, which keeps all, to {1 << 20}");
        }

        if (Delimiter.Length != 1 || !char.IsAscii(Delimiter[0]) || Delimiter[0] is '"' or '\r' or '\n' or '\0')
        {
            errors.Add(key(nameof(Delimiter)), Delimiter, "write one ASCII character, not a quote or a line end");
        }

        if (ReplicationTask is not null && !TaskArn().IsMatch(ReplicationTask))
        {
            errors.Add(key(nameof(ReplicationTask)), ReplicationTask, "write the ARN of a replication task, arn:aws:dms:REGION:ACCOUNT:task:ID");
        }

        CheckSpan(nameof(PollEvery), PollEvery, TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1));
        CheckSpan(nameof(ReplicateWithin), ReplicateWithin, TimeSpan.FromSeconds(1), TimeSpan.FromDays(30));

        void CheckSpan(string name, TimeSpan value, TimeSpan least, TimeSpan most)
        {
            if (value < least || value > most)
            {
                errors.Add(key(name), $"{value}", $"write a time span from {least} to {most}");
            }
        }
    }

    [GeneratedRegex("^arn:aws[a-z-]*:dms:[a-z0-9-]+:[0-9]{12}:task:[A-Za-z0-9-]+$")]
    private static partial Regex TaskArn();
}

/// <summary>What is to be known of one table.</summary>
internal sealed partial record OracleTableOptions
{
    /// <summary>As Oracle has it, <c>SCHEMA.TABLE</c>.</summary>
    public string Name { get; init; } = "";

    /// <summary>The columns that its rows are the same by.</summary>
    public IReadOnlyList<string> Key { get; init; } = [];

    /// <summary>Columns with their types in the warehouse: <c>SALARY numeric(8,2)</c>. What is not said becomes text.</summary>
    public IReadOnlyList<string> Types { get; init; } = [];

    /// <summary>All columns in their order, where its CSV files have no header (DMS: AddColumnName).</summary>
    public IReadOnlyList<string> Columns { get; init; } = [];

    public IEnumerable<(string Column, string Type)> ReadTypes() => Types.Select(text => ColumnType().Match(text)).Select(match => (match.Groups["column"].Value, match.Groups["type"].Value));

    public bool Is(string schema, string table) => Name.Equals($"{schema}.{table}", StringComparison.OrdinalIgnoreCase);

    public void Check(Func<string, string> key, SettingErrors errors)
    {
        if (Name.Split('.') is not [{ Length: > 0 }, { Length: > 0 }])
        {
            errors.Add(key(nameof(Name)), Name, "name a table of Oracle, SCHEMA.TABLE");
        }

        foreach (var text in Types.Where(text => !ColumnType().IsMatch(text)))
        {
            errors.Add(key(nameof(Types)), text, "write a column and its type, for example SALARY numeric(8,2)");
        }
    }

    [GeneratedRegex(@"^(?<column>\S+)\s+(?<type>[a-z][a-z0-9 ]*(\([0-9]+(\s*,\s*[0-9]+)?\))?( with(out)? time zone)?)$", RegexOptions.IgnoreCase)]
    private static partial Regex ColumnType();
}

/// <summary>What became of the changes. Loaded are those that took effect; skipped, those superseded in their file or older than what was applied.</summary>
internal sealed record OracleToWarehouseResult : PipelineResult
{
    public long Inserted { get; init; }

    public long Updated { get; init; }

    public long Deleted { get; init; }

    /// <summary>Of the skipped: changes not newer than what was applied.</summary>
    public long Late { get; init; }

    /// <summary>Values that were longer than the limit.</summary>
    public long LobsCut { get; init; }

    public int Files { get; init; }

    /// <summary>The time of the last change file applied to any of the tables.</summary>
    public string? Watermark { get; init; }

    public IReadOnlyList<AppliedTable> Tables { get; init; } = [];

    /// <summary>What DMS says it has done.</summary>
    public IReadOnlyList<DmsTableStatistics> Statistics { get; init; } = [];

    /// <summary>Files under the prefix that look like DMS's and are named as nothing that is known: they were passed over.</summary>
    public int NotUnderstood { get; init; }

    public string? FirstNotUnderstood { get; init; }

    /// <summary>After a reload: tables that DMS has loaded anew, of which no new full load was found. They are as they were.</summary>
    public IReadOnlyList<string> NotReloaded { get; init; } = [];

    public static OracleToWarehouseResult Of(AppliedChanges applied, IReadOnlyList<DmsTableStatistics> statistics) => Of(applied.Tables, statistics) with
    {
        NotUnderstood = applied.NotUnderstood,
        FirstNotUnderstood = applied.FirstNotUnderstood,
        NotReloaded = applied.NotReloaded,
    };

    private static OracleToWarehouseResult Of(IReadOnlyList<AppliedTable> tables, IReadOnlyList<DmsTableStatistics> statistics) => new()
    {
        RowsIn = tables.Sum(table => table.RowsIn),
        Loaded = tables.Sum(table => table.Loaded),
        Quarantined = tables.Sum(table => table.Quarantined),
        Skipped = tables.Sum(table => table.Skipped),
        Inserted = tables.Sum(table => table.Inserted),
        Updated = tables.Sum(table => table.Updated),
        Deleted = tables.Sum(table => table.Deleted),
        Late = tables.Sum(table => table.Late),
        LobsCut = tables.Sum(table => table.LobsCut),
        Files = tables.Sum(table => table.Files),
        Watermark = tables.Select(table => table.Watermark).Max(StringComparer.Ordinal),
        Table = tables.Count == 0 ? null : string.Join(", ", tables.Select(table => table.Table)),
        AddedColumns = [.. tables.SelectMany(table => table.AddedColumns.Select(column => $"{table.Table}.{column}"))],
        QuarantineObject = tables.SelectMany(table => table.QuarantineObjects).Take(2).ToList() is [var one] ? one : null,
        Tables = tables,
        Statistics = statistics,
    };
}

/// <summary>What became of the changes that were found.</summary>
/// <param name="Tables">By their names.</param>
/// <param name="NotUnderstood">In the last listing.</param>
internal sealed record AppliedChanges(IReadOnlyList<AppliedTable> Tables, int NotUnderstood, string? FirstNotUnderstood, IReadOnlyList<string> NotReloaded)
{
    public static AppliedChanges None { get; } = new([], 0, null, []);

    public AppliedChanges Add(AppliedChanges next) => new(
        [.. Tables.Concat(next.Tables).GroupBy(table => table.Table).OrderBy(table => table.Key, StringComparer.Ordinal).Select(table => table.Aggregate((sum, more) => sum.Add(more)))],
        next.NotUnderstood,
        next.FirstNotUnderstood,
        [.. NotReloaded, .. next.NotReloaded]);
}

/// <summary>What became of the changes of one table.</summary>
/// <param name="Table">In the warehouse.</param>
/// <param name="Watermark">The time of the last change file applied to it.</param>
internal sealed record AppliedTable(
    string Table, long RowsIn, long Loaded, long Quarantined, long Skipped, long Inserted, long Updated, long Deleted, long Late, long LobsCut, int Files,
    bool CreatedTable, IReadOnlyList<string> AddedColumns, string? Watermark, IReadOnlyList<string> QuarantineObjects)
{
    public static AppliedTable None(TableName table) => new(table.ToString(), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, false, [], null, []);

    public AppliedTable Add(AppliedTable next) => new(
        Table, RowsIn + next.RowsIn, Loaded + next.Loaded, Quarantined + next.Quarantined, Skipped + next.Skipped, Inserted + next.Inserted, Updated + next.Updated,
        Deleted + next.Deleted, Late + next.Late, LobsCut + next.LobsCut, Files + next.Files, CreatedTable || next.CreatedTable, [.. AddedColumns, .. next.AddedColumns],
        next.Watermark ?? Watermark, [.. QuarantineObjects, .. next.QuarantineObjects]);
}
