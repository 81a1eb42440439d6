using Npgsql;

namespace Workflow.Data.Warehouse;

/// <summary>The table a load goes to, as the catalog has it now.</summary>
internal sealed record TargetTable(uint Oid, IReadOnlyList<TargetColumn> Columns)
{
    /// <returns>Null where there is no such table.</returns>
    public static async Task<TargetTable?> FindAsync(NpgsqlConnection connection, TableName table, CancellationToken cancellation)
    {
        await using var find = new NpgsqlCommand(SqlText.Read("Warehouse/find_table.sql"), connection)
        {
            Parameters = { new() { Value = table.Schema }, new() { Value = table.Name } },
        };
        await using var rows = await find.ExecuteReaderAsync(cancellation);
        uint? oid = null;
        var columns = new List<TargetColumn>();
        while (await rows.ReadAsync(cancellation))
        {
            var kind = rows.GetChar(1);
            if (kind is not ('r' or 'p'))
            {
                throw new WarehouseException($"{table} is not a table that rows can be loaded into (it is of kind '{kind}' in pg_class). Name a table.");
            }

            oid = rows.GetFieldValue<uint>(0);
            if (!rows.IsDBNull(2))
            {
                columns.Add(new(rows.GetString(2), rows.GetString(3), WarehouseType.FromCatalog(rows.GetString(4), rows.GetInt32(5)), rows.GetBoolean(6), rows.GetBoolean(7)));
            }
        }

        return oid is { } found ? new(found, columns) : null;
    }

    /// <summary>The column a folded name means: one of exactly that name, else the only one that folds to it.</summary>
    public TargetColumn? Find(string folded) =>
        Columns.FirstOrDefault(column => column.Name == folded)
        ?? Columns.Where(column => TableName.Fold(column.Name) == folded).Take(2).ToList() switch
        {
            [var only] => only,
            [var one, var other] => throw new WarehouseException($"The table has two columns, \"{one.Name}\" and \"{other.Name}\", that the file's {folded} may mean. Rename one."),
            _ => null,
        };
}

/// <param name="TypeName">As messages show it.</param>
/// <param name="Type">Null where a load does not write the type.</param>
/// <param name="IsUnique">A unique index, without condition, on this column alone.</param>
internal sealed record TargetColumn(string Name, string TypeName, WarehouseType? Type, bool IsRequired, bool IsUnique);
