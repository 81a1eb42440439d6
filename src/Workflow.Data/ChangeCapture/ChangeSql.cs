using System.Security.Cryptography;
using System.Text;
using Workflow.Data.Warehouse;

namespace Workflow.Data.ChangeCapture;

/// <summary>
/// The statements whose columns only the files know, in words that every warehouse has, and the places for those that each has of its own;
/// all names are quoted, no value is in them.
/// </summary>
/// <param name="key">The columns as the table has them.</param>
internal abstract class ChangeSql(TableName table, IReadOnlyList<string> key, bool softDelete, ChangeTypes types)
{
    public const string DeletedColumn = "_deleted";

    /// <summary>No name of Oracle's begins with an underscore, unless in quotes.</summary>
    public const string PositionsPrefix = "_positions_";

    /// <summary>
    /// Where each key's last applied change stands, and the one its values are of: a softly deleted row takes later values that came late. It
    /// outlives the row, so that nothing older brings a deleted row back.
    /// </summary>
    protected TableName Positions { get; } = PositionsOf(table);

    /// <param name="columns">Names and types.</param>
    public string CreateTable(IEnumerable<(string Name, string Type)> columns)
    {
        var definitions = columns.Select(column => $"{SqlText.Identifier(column.Name)} {column.Type}{(key.Contains(column.Name) ? " not null" : "")}").Append($"primary key ({Keys("")})");
        return $"create table {table.Quoted} ({string.Join(", ", definitions)})";
    }

    public string AddColumn(string name, string type) => $"alter table {table.Quoted} add column {SqlText.Identifier(name)} {type}";

    public string AddDeletedColumn => $"alter table {table.Quoted} add column {DeletedColumn} boolean not null default false";

    public string CreatePositions(TargetTable target) =>
        $"""
        create table if not exists {Positions.Quoted} (
            {string.Join(", ", target.Columns.Where(column => key.Contains(column.Name)).Select(column => $"{SqlText.Identifier(column.Name)} {column.TypeName} not null"))},
            _position {types.Position} not null,
            _is_deleted boolean not null,
            _values_position {types.Position} not null,
            primary key ({Keys("")}))
        """;

    public string StartOver => $"delete from {table.Quoted}; delete from {Positions.Quoted}";

    /// <summary>
    /// Of each key the last change that says values, or the delete where there is none, and whether the row ends deleted; only what is newer
    /// than what was applied. A row is begun anew where a delete lies between what was applied and it: then it keeps nothing of what it was.
    /// </summary>
    public string KeepLast(ChangeLayout layout) =>
        $"""
        {CreateLast} as
        select newer.*, case when _written_at is null or _deleted_at > _written_at then true else false end as _is_deleted
        from (
            select s.*,
                   greatest(max(case when s._op = 'D' then s._position end) over ({Same}), applied._deleted_at) as _deleted_at,
                   max(case when s._op <> 'D' then s._position end) over ({Same}) as _written_at,
                   applied._values_position as _applied_at,
                   case when least(min(case when s._op = 'D' then s._position end) over ({Same}), applied._deleted_at) < s._position then true else false end as _begins_anew,
                   row_number() over ({Same} order by case when s._op = 'D' then 1 else 0 end, s._position desc) as _nth,
                   count(*) over () as _newer
            from (select _op, _position, {string.Join(", ", layout.Columns.Select(column => $"{column.Expression} as {SqlText.Identifier(column.Name)}"))} from change_stage) s
            left join (select {Keys("")}, _position, _values_position, case when _is_deleted then _position end as _deleted_at from {Positions.Quoted}) applied on {Match("applied.", "s.")}
            where applied._position is null or s._position > case when s._op = 'D' then applied._position else applied._values_position end) newer
        where _nth = 1
        """;

    public string Count =>
        $"""
        select count(*),
               coalesce(max(s._newer), 0),
               count(case when not s._is_deleted and {First("t.")} is null then 1 end),
               count(case when not s._is_deleted and {First("t.")} is not null then 1 end),
               count(case when s._is_deleted and {First("t.")} is not null then 1 end)
        from change_last s
        left join {table.Quoted} t on {Match("t.", "s.")}
        """;

    public string Delete => softDelete
        ? $"update {table.Quoted} set {DeletedColumn} = true from change_last where change_last._is_deleted and {Match(There, "change_last.")}"
        : $"delete from {table.Quoted} using change_last where change_last._is_deleted and {Match(There, "change_last.")}";

    /// <summary>Writes the values of what is not deleted; where deletes are soft, of what is, too.</summary>
    public abstract string Merge(ChangeLayout layout, TargetTable target);

    /// <summary>Of a row that is not there any more no values are kept, and so none are late for it.</summary>
    public abstract string Remember { get; }

    /// <summary>Begins the table <c>change_last</c>, which goes with the transaction or is replaced by the next.</summary>
    protected abstract string CreateLast { get; }

    /// <summary>The table itself, before a column, in a statement that knows it by no other name.</summary>
    protected string There => $"{SqlText.Identifier(table.Name)}.";

    /// <summary>What of <c>change_last</c> a merge writes.</summary>
    protected string Written(string last) => $"{last}_op <> 'D'{(softDelete ? "" : $" and not {last}_is_deleted")}";

    /// <summary>What becomes of a row that is there.</summary>
    protected string Updates(ChangeLayout layout, TargetTable target, string there, string last)
    {
        var columns = layout.Columns.Select(column => column.Name).ToList();
        var untold = target.Columns.Select(column => column.Name).Except(columns).Where(name => name != DeletedColumn);
        return string.Join(", ", columns.Where(name => !key.Contains(name)).Select(name => Set(name, last + SqlText.Identifier(name)))
            .Concat(untold.Select(name => Set(name, $"case when {last}_begins_anew then null else {there}{SqlText.Identifier(name)} end")))
            .Concat(softDelete ? [Set(DeletedColumn, $"{last}_is_deleted")] : Array.Empty<string>())
            .DefaultIfEmpty(Set(key[0], First(last))));

        static string Set(string name, string value) => $"{SqlText.Identifier(name)} = {value}";
    }

    /// <summary>The columns of a row that was not there, and their values.</summary>
    protected (string Columns, string Values) Insert(ChangeLayout layout, string last)
    {
        var columns = layout.Columns.Select(column => SqlText.Identifier(column.Name)).ToList();
        return softDelete
            ? (string.Join(", ", [.. columns, DeletedColumn]), string.Join(", ", columns.Append("_is_deleted").Select(column => last + column)))
            : (string.Join(", ", columns), string.Join(", ", columns.Select(column => last + column)));
    }

    protected string Remembered => $"{Keys("")}, _position, _is_deleted, _values_position";

    protected string ToRemember =>
        $"select {Keys("")}, greatest(_deleted_at, _written_at), _is_deleted, {(softDelete ? "coalesce(_written_at, _applied_at, '')" : "greatest(_deleted_at, _written_at)")} from change_last";

    protected string Keys(string prefix) => string.Join(", ", key.Select(name => prefix + SqlText.Identifier(name)));

    protected string First(string prefix) => prefix + SqlText.Identifier(key[0]);

    protected string Match(string one, string other) => string.Join(" and ", key.Select(name => $"{one}{SqlText.Identifier(name)} = {other}{SqlText.Identifier(name)}"));

    /// <summary>Of a name that is too long for a prefix, a digest.</summary>
    private static TableName PositionsOf(TableName table) => Encoding.UTF8.GetByteCount(PositionsPrefix + table.Name) <= TableName.LongestIdentifier
        ? new(table.Schema, PositionsPrefix + table.Name)
        : new(table.Schema, PositionsPrefix + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(table.Name)))[..32]);

    private string Same => $"partition by {Keys("s.")}";
}
