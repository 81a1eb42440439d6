using Workflow.Data.Warehouse;

namespace Workflow.Data.ChangeCapture;

/// <summary>The statements that PostgreSQL has of its own.</summary>
internal sealed class PostgresChangeSql(TableName table, IReadOnlyList<string> key, bool softDelete) : ChangeSql(table, key, softDelete, Types)
{
    public static ChangeTypes Types { get; } = new()
    {
        Text = WarehouseKind.Text,
        Position = "text collate \"C\"",
        Number = "numeric",
        Binary = "bytea",
        BinaryNames = ["bytea"],
        FromHex = digits => $"decode({digits}, 'hex')",
    };

    private readonly string _table = table.Quoted;

    public static string CreateStage(ChangeLayout layout) =>
        $"""
        drop table if exists pg_temp.change_stage;
        create temporary table change_stage (
            _op text not null,
            _position {Types.Position} not null,
            {string.Join(", ", layout.Columns.Select(column => $"{column.Staged} {column.StageType}"))}) on commit drop
        """;

    public static string CopyStage(ChangeLayout layout) =>
        $"copy change_stage (_op, _position, {string.Join(", ", layout.Columns.Select(column => column.Staged))}) from stdin (format binary)";

    /// <summary>One statement, because two would join twice.</summary>
    public override string Merge(ChangeLayout layout, TargetTable target)
    {
        var (columns, values) = Insert(layout, "s.");
        return $"""
            merge into {_table} t
            using (select * from change_last where {Written("")}) s
            on {Match("t.", "s.")}
            when matched then update set {Updates(layout, target, "t.", "s.")}
            when not matched then insert ({columns}) values ({values})
            """;
    }

    public override string Remember =>
        $"""
        insert into {Positions.Quoted} ({Remembered})
        {ToRemember}
        on conflict ({Keys("")}) do update set _position = excluded._position, _is_deleted = excluded._is_deleted, _values_position = excluded._values_position
        """;

    protected override string CreateLast => "drop table if exists pg_temp.change_last; create temporary table change_last on commit drop";
}
