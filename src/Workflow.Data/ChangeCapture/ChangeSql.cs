using Workflow.Data.Warehouse;

namespace Workflow.Data.ChangeCapture;

/// <summary>The statements whose columns only the files know; all names are quoted, no value is in them.</summary>
/// <param name="key">The columns as the table has them.</param>
internal sealed class ChangeSql(TableName table, IReadOnlyList<string> key, bool softDelete)
{
    public const string DeletedColumn = "_deleted";

    /// <summary>
    /// Where each key's last applied change stands, and the one its values are of: a softly deleted row takes later values that came late. It
    /// outlives the row, so that nothing older brings a deleted row back.
    /// </summary>
    public TableName Positions { get; } = new(table.Schema, $"{table.Name}_positions");

    /// <param name="columns">Names and types.</param>
    public string CreateTable(IEnumerable<(string Name, string Type)> columns)
    {
        var definitions = columns.Select(column => $"{SqlText.Identifier(column.Name)} {column.Type}").Append($"primary key ({Keys("")})");
        return $"create table {table.Quoted} ({string.Join(", ", definitions)})";
    }

    public string AddColumns(IEnumerable<(string Name, string Type)> columns) =>
        $"alter table {table.Quoted} {string.Join(", ", columns.Select(column => $"add column {SqlText.Identifier(column.Name)} {column.Type}"))}";

    public string AddDeletedColumn => $"alter table {table.Quoted} add column if not exists {DeletedColumn} boolean not null default false";

    public string CreatePositions(TargetTable target) =>
        $"""
        create table if not exists {Positions.Quoted} (
            {string.Join(", ", target.Columns.Where(column => key.Contains(column.Name)).Select(column => $"{SqlText.Identifier(column.Name)} {column.TypeName}"))},
            _position text collate "C" not null,
            _is_deleted boolean not null,
            _values_position text collate "C" not null,
            primary key ({Keys("")}))
        """;

    public string StartOver => $"delete from {table.Quoted}; delete from {Positions.Quoted}";

    public static string CreateStage(ChangeLayout layout) =>
        $"""
        drop table if exists pg_temp.change_stage, pg_temp.change_last;
        create temporary table change_stage (
            _op text not null,
            _position text collate "C" not null,
            {string.Join(", ", layout.Columns.Select(column => $"{column.Staged} {column.StageType}"))}) on commit drop
        """;

    public static string CopyStage(ChangeLayout layout) =>
        $"copy change_stage (_op, _position, {string.Join(", ", layout.Columns.Select(column => column.Staged))}) from stdin (format binary)";

    /// <summary>
    /// Of each key the last change that says values, or the delete where there is none, and whether the row ends deleted; only what is newer
    /// than what was applied. A row is begun anew where a delete lies between what was applied and it: then it keeps nothing of what it was.
    /// </summary>
    public string KeepLast(ChangeLayout layout) =>
        $"""
        create temporary table change_last on commit drop as
        select newer.*, coalesce(_deleted_at > _written_at, _written_at is null) as _is_deleted
        from (
            select distinct on ({Keys("s.")}) s.*,
                   greatest(max(s._position) filter (where s._op = 'D') over same, applied._deleted_at) as _deleted_at,
                   max(s._position) filter (where s._op <> 'D') over same as _written_at,
                   applied._values_position as _applied_at,
                   coalesce(least(min(s._position) filter (where s._op = 'D') over same, applied._deleted_at) < s._position, false) as _begins_anew,
                   count(*) over () as _newer
            from (select _op, _position, {string.Join(", ", layout.Columns.Select(column => $"{column.Expression} as {SqlText.Identifier(column.Name)}"))} from change_stage) s
            left join (select *, case when _is_deleted then _position end as _deleted_at from {Positions.Quoted}) applied on {Match("applied.", "s.")}
            where applied._position is null or s._position > case when s._op = 'D' then applied._position else applied._values_position end
            window same as (partition by {Keys("s.")})
            order by {Keys("s.")}, s._op = 'D', s._position desc) newer
        """;

    public string Count =>
        $"""
        select count(*),
               coalesce(max(s._newer), 0),
               count(*) filter (where not s._is_deleted and t.{SqlText.Identifier(key[0])} is null),
               count(*) filter (where not s._is_deleted and t.{SqlText.Identifier(key[0])} is not null),
               count(*) filter (where s._is_deleted and t.{SqlText.Identifier(key[0])} is not null)
        from change_last s
        left join {table.Quoted} t on {Match("t.", "s.")}
        """;

    public string Delete => softDelete
        ? $"update {table.Quoted} t set {DeletedColumn} = true from change_last s where s._is_deleted and {Match("t.", "s.")}"
        : $"delete from {table.Quoted} t using change_last s where s._is_deleted and {Match("t.", "s.")}";

    /// <summary>Writes the values of what is not deleted; where deletes are soft, of what is, too.</summary>
    public string Merge(ChangeLayout layout, TargetTable target)
    {
        var columns = layout.Columns.Select(column => column.Name).ToList();
        var untold = target.Columns.Select(column => column.Name).Except(columns).Where(name => name != DeletedColumn);
        var updates = columns.Where(name => !key.Contains(name)).Select(name => Set(name, $"s.{SqlText.Identifier(name)}"))
            .Concat(untold.Select(name => Set(name, $"case when s._begins_anew then null else t.{SqlText.Identifier(name)} end")))
            .Concat(softDelete ? [Set(DeletedColumn, "s._is_deleted")] : Array.Empty<string>())
            .DefaultIfEmpty(Set(key[0], $"s.{SqlText.Identifier(key[0])}"));
        var inserted = columns.Select(SqlText.Identifier).Concat(softDelete ? [DeletedColumn] : Array.Empty<string>());
        var values = columns.Select(name => $"s.{SqlText.Identifier(name)}").Concat(softDelete ? ["s._is_deleted"] : Array.Empty<string>());
        return $"""
            merge into {table.Quoted} t
            using (select * from change_last where _op <> 'D'{(softDelete ? "" : " and not _is_deleted")}) s
            on {Match("t.", "s.")}
            when matched then update set {string.Join(", ", updates)}
            when not matched then insert ({string.Join(", ", inserted)}) values ({string.Join(", ", values)})
            """;

        static string Set(string name, string value) => $"{SqlText.Identifier(name)} = {value}";
    }

    /// <summary>Of a row that is not there any more no values are kept, and so none are late for it.</summary>
    public string Remember =>
        $"""
        insert into {Positions.Quoted} ({Keys("")}, _position, _is_deleted, _values_position)
        select {Keys("")}, greatest(_deleted_at, _written_at), _is_deleted, {(softDelete ? "coalesce(_written_at, _applied_at, '')" : "greatest(_deleted_at, _written_at)")} from change_last
        on conflict ({Keys("")}) do update set _position = excluded._position, _is_deleted = excluded._is_deleted, _values_position = excluded._values_position
        """;

    private string Keys(string prefix) => string.Join(", ", key.Select(name => prefix + SqlText.Identifier(name)));

    private string Match(string one, string other) => string.Join(" and ", key.Select(name => $"{one}{SqlText.Identifier(name)} = {other}{SqlText.Identifier(name)}"));
}
