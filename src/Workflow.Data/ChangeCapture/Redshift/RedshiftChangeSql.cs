using Workflow.Data.Warehouse;
using Workflow.Data.Warehouse.Redshift;

namespace Workflow.Data.ChangeCapture.Redshift;

/// <summary>The statements that Redshift has of its own.</summary>
internal sealed class RedshiftChangeSql(TableName table, IReadOnlyList<string> key, bool softDelete) : ChangeSql(table, key, softDelete, Types)
{
    private const int LongestPosition = 128;

    /// <summary>Bytes come as hexadecimal digits in a text, and so half as many as that is long. Redshift compares texts by their bytes.</summary>
    public static ChangeTypes Types { get; } = new()
    {
        Text = RedshiftTypes.Text,
        Position = RedshiftTypes.Varchar(LongestPosition).ToString(),
        Number = "numeric(38,0)",
        Binary = $"varbyte({RedshiftTypes.Text.MaxLength / 2})",
        BinaryNames = ["binary varying", "varbyte"],
        FromHex = digits => $"from_hex({digits})",
    };

    private readonly string _table = table.Quoted;

    public static RedshiftStage Stage(ChangeLayout layout) => new(
        "change_stage", [("_op", RedshiftTypes.Varchar(1)), ("_position", RedshiftTypes.Varchar(LongestPosition)), .. layout.Columns.Select(column => (column.Staged, column.StageType))]);

    /// <summary>What MERGE does, too, which takes a whole table for its source and does not say that an update may read the row that is there.</summary>
    public override string Merge(ChangeLayout layout, TargetTable target)
    {
        var (columns, values) = Insert(layout, "s.");
        return $"""
            update {_table} set {Updates(layout, target, There, "change_last.")}
            from change_last
            where {Written("change_last.")} and {Match(There, "change_last.")};
            insert into {_table} ({columns})
            select {values}
            from change_last s
            left join {_table} t on {Match("t.", "s.")}
            where {Written("s.")} and {First("t.")} is null
            """;
    }

    public override string Remember =>
        $"""
        delete from {Positions.Quoted} using change_last where {Match($"{SqlText.Identifier(Positions.Name)}.", "change_last.")};
        insert into {Positions.Quoted} ({Remembered})
        {ToRemember}
        """;

    protected override string CreateLast => "drop table if exists change_last; create temporary table change_last";
}
