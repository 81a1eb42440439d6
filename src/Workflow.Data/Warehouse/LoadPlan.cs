using Workflow.Data.Schema;

namespace Workflow.Data.Warehouse;

/// <summary>A column of the file on its way into the table.</summary>
/// <param name="FileIndex">Its place in a record.</param>
/// <param name="Name">As the table has it.</param>
internal sealed record LoadColumn(int FileIndex, string Name, WarehouseType Type, bool IsRequired, bool IsKey);

/// <summary>How a file's columns go into a table, and what has to become of the table for that.</summary>
internal sealed record LoadPlan(
    TableName Table, bool CreatesTable, IReadOnlyList<LoadColumn> Columns, IReadOnlyList<LoadColumn> Added, IReadOnlyList<WidenedColumn> Widened)
{
    private static readonly HashSet<string> SystemColumns = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];

    public LoadColumn Key => Columns.Single(column => column.IsKey);

    /// <exception cref="WarehouseException">A name or a type of the file has no place in the table.</exception>
    public static LoadPlan Make(LoadRequest request, TargetTable? target) => Make(request, target, WarehouseType.For);

    /// <param name="typeOf">The type that a new column gets.</param>
    public static LoadPlan Make(LoadRequest request, TargetTable? target, Func<ColumnType, WarehouseType> typeOf)
    {
        if (request.Table.Name == LoadLedger.Table)
        {
            throw new WarehouseException($"{request.Table} is the ledger of loads. Load into another table.");
        }

        var names = Fold(request.Schema);
        var key = TableName.Fold(request.Key);
        if (!names.Contains(key))
        {
            throw new WarehouseException($"The file has no key column '{key}'. It has: {string.Join(", ", names)}.");
        }

        List<LoadColumn> columns = [], added = [];
        List<WidenedColumn> widened = [];
        for (var index = 0; index < names.Length; index++)
        {
            var isKey = names[index] == key;
            var inFile = request.Schema.Columns[index];
            if (target?.Find(names[index]) is { } existing)
            {
                var type = Reconcile(request, existing, inFile, widened);
                if (isKey && !existing.IsUnique)
                {
                    throw new WarehouseException(
                        $"{request.Table} has no primary key or unique index on {existing.Name} alone, by which rows are matched. " +
                        $"Add one: alter table {request.Table.Quoted} add primary key ({SqlText.Identifier(existing.Name)}).");
                }

                columns.Add(new(index, existing.Name, type, existing.IsRequired || isKey, isKey));
                continue;
            }

            if (SystemColumns.Contains(names[index]))
            {
                throw new WarehouseException($"The warehouse keeps the name '{names[index]}' for itself. Rename the file's column.");
            }

            if (target is not null && isKey)
            {
                throw new WarehouseException($"{request.Table} has no column '{key}' to match rows by. Name its key, or another table.");
            }

            added.Add(new(index, names[index], typeOf(inFile.Type), isKey, isKey));
            columns.Add(added[^1]);
        }

        return new(request.Table, target is null, columns, added, widened);
    }

    private static WarehouseType Reconcile(LoadRequest request, TargetColumn existing, InferredColumn inFile, List<WidenedColumn> widened)
    {
        if (existing.Type is not { } type)
        {
            throw new WarehouseException(
                $"Column {existing.Name} of {request.Table} is {existing.TypeName}, which a load does not write. Give it a plain type, or leave it out of the file.");
        }

        if (TypeFit.Widen(type, inFile) is { } fitting)
        {
            return fitting == type ? type : Report(fitting);
        }

        return request.AllowWideningToText ? Report(WarehouseKind.Text) : throw new WarehouseException(
            $"Column {existing.Name} of {request.Table} is {type}, but the file makes it {inFile.Type}: row {inFile.Evidence!.Row}, {inFile.Evidence.Reason}. " +
            "Correct the file, or allow the column to become text.");

        WarehouseType Report(WarehouseType wider)
        {
            widened.Add(new(existing.Name, type.ToString(), wider.ToString(), inFile.Evidence!.Reason));
            return wider;
        }
    }

    private static string[] Fold(InferredSchema schema)
    {
        var names = schema.Columns.Select(column => TableName.Fold(column.Name)).ToArray();
        var twice = schema.Columns.GroupBy(column => TableName.Fold(column.Name)).FirstOrDefault(group => group.Count() > 1);
        return twice is null ? names : throw new WarehouseException(
            $"The file's columns {string.Join(" and ", twice.Select(column => $"'{column.Name}'"))} are one to the warehouse, {twice.Key}. Rename all but one.");
    }
}
