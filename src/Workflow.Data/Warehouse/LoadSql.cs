namespace Workflow.Data.Warehouse;

/// <summary>The statements whose columns only the file knows; all names are quoted, no value is in them.</summary>
internal static class LoadSql
{
    private const string Stage = "load_stage";

    /// <summary>Staging columns go by number, so that no name of a file can be in their way.</summary>
    public static string CreateStage(LoadPlan plan) =>
        $"create temporary table {Stage} (_row bigint, {Join(plan.Columns, column => $"{Staged(column)} {column.Type}")}) on commit drop";

    public static string CopyStage(LoadPlan plan) =>
        $"copy {Stage} (_row, {Join(plan.Columns, Staged)}) from stdin (format binary)";

    public static string CreateTable(LoadPlan plan) =>
        $"create table {plan.Table.Quoted} ({Join(plan.Columns, column => $"{Name(column)} {column.Type}")}, primary key ({Name(plan.Key)}))";

    /// <summary>Null where the table is as it has to be.</summary>
    public static string? AlterTable(LoadPlan plan)
    {
        var changes = plan.Added.Select(column => $"add column {Name(column)} {column.Type}")
            .Concat(plan.Widened.Select(column => $"alter column {SqlText.Identifier(column.Name)} type {column.To} using {SqlText.Identifier(column.Name)}::{column.To}"))
            .ToList();
        return changes.Count == 0 ? null : $"alter table {plan.Table.Quoted} {string.Join(", ", changes)}";
    }

    /// <summary>
    /// One statement, because two would join twice. Where keys repeat the last row of each is taken, and rows come in the order of
    /// the key, which the index likes; a file that is in that order already is spared the sort.
    /// </summary>
    public static string Merge(LoadPlan plan, bool keysAscend)
    {
        var key = Staged(plan.Key);
        var source = keysAscend ? Stage : $"(select distinct on ({key}) * from {Stage} order by {key}, _row desc)";
        var others = plan.Columns.Where(column => !column.IsKey).DefaultIfEmpty(plan.Key);
        return $"""
            merge into {plan.Table.Quoted} as target
            using {source} as stage
            on target.{Name(plan.Key)} = stage.{key}
            when matched then update set {Join(others, column => $"{Name(column)} = stage.{Staged(column)}")}
            when not matched then insert ({Join(plan.Columns, Name)}) values ({Join(plan.Columns, column => $"stage.{Staged(column)}")})
            """;
    }

    private static string Name(LoadColumn column) => SqlText.Identifier(column.Name);

    private static string Staged(LoadColumn column) => $"c{column.FileIndex}";

    private static string Join(IEnumerable<LoadColumn> columns, Func<LoadColumn, string> write) => string.Join(", ", columns.Select(write));
}
