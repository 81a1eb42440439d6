namespace Workflow.Data.Warehouse.Redshift;

/// <summary>The statements whose columns only the file knows, in Redshift's words; all names are quoted, no value is in them.</summary>
internal static class RedshiftSql
{
    private const string Staging = "load_stage";

    /// <summary>Staging columns go by number, so that no name of a file can be in their way.</summary>
    public static RedshiftStage Stage(LoadPlan plan) => new(Staging, [("_row", WarehouseKind.Bigint), .. plan.Columns.Select(column => (Staged(column), column.Type))]);

    public static string CreateTable(LoadPlan plan) =>
        $"create table {plan.Table.Quoted} ({Join(plan, column => $"{Name(column)} {column.Type}{(column.IsKey ? " not null" : "")}")}, primary key ({Name(plan.Key)}))";

    /// <summary>One statement each: Redshift adds one column at a time.</summary>
    public static IEnumerable<string> AddColumns(LoadPlan plan) =>
        plan.CreatesTable ? [] : plan.Added.Select(column => $"alter table {plan.Table.Quoted} add column {Name(column)} {column.Type}");

    /// <summary>Of the rows of one key the last counts; merge refuses a row that meets several.</summary>
    public static string DropDuplicates(LoadPlan plan) =>
        $"delete from {Staging} where _row not in (select max(_row) from {Staging} group by {Staged(plan.Key)})";

    public static string CountUpdates(LoadPlan plan) =>
        $"select count(*) from {Staging} join {plan.Table.Quoted} target on target.{Name(plan.Key)} = {Staging}.{Staged(plan.Key)}";

    /// <summary>Redshift's merge takes a table for a source, and no other name for the target than its own.</summary>
    public static string Merge(LoadPlan plan)
    {
        var others = plan.Columns.Where(column => !column.IsKey).DefaultIfEmpty(plan.Key);
        return $"""
            merge into {plan.Table.Quoted}
            using {Staging}
            on {SqlText.Identifier(plan.Table.Name)}.{Name(plan.Key)} = {Staging}.{Staged(plan.Key)}
            when matched then update set {string.Join(", ", others.Select(column => $"{Name(column)} = {Staging}.{Staged(column)}"))}
            when not matched then insert ({Join(plan, Name)}) values ({Join(plan, column => $"{Staging}.{Staged(column)}")})
            """;
    }

    private static string Name(LoadColumn column) => SqlText.Identifier(column.Name);

    private static string Staged(LoadColumn column) => $"c{column.FileIndex}";

    private static string Join(LoadPlan plan, Func<LoadColumn, string> write) => string.Join(", ", plan.Columns.Select(write));
}
