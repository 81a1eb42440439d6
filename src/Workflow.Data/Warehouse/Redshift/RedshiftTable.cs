using Npgsql;

namespace Workflow.Data.Warehouse.Redshift;

/// <summary>Tables of Redshift, as its catalog has them.</summary>
internal static class RedshiftTable
{
    /// <summary>Makes a table of our own where it is missing. Looks first: who may not create schemas is refused one that is there, too.</summary>
    /// <param name="file">The statements that create it, in their <c>{schema}</c>.</param>
    public static async Task EnsureAsync(NpgsqlConnection connection, TableName table, string file, CancellationToken cancellation)
    {
        if (await FindAsync(connection, table, cancellation) is null)
        {
            await using var create = new NpgsqlCommand(SqlText.Read(file, ("schema", SqlText.Identifier(table.Schema))), connection);
            await create.ExecuteNonQueryAsync(cancellation);
        }
    }

    /// <returns>Null where there is no such table.</returns>
    public static async Task<TargetTable?> FindAsync(NpgsqlConnection connection, TableName table, CancellationToken cancellation)
    {
        await using var find = new NpgsqlCommand(SqlText.Read("Warehouse/Redshift/find_table.sql"), connection)
        {
            Parameters = { new() { Value = table.Schema }, new() { Value = table.Name } },
        };
        await using var rows = await find.ExecuteReaderAsync(cancellation);
        var columns = new List<TargetColumn>();
        while (await rows.ReadAsync(cancellation))
        {
            var type = RedshiftTypes.FromCatalog(rows.GetString(1), Number(2), Number(3), Number(4));
            // Redshift enforces no key, and loads need none.
            columns.Add(new(rows.GetString(0), type?.ToString() ?? rows.GetString(1), type, rows.GetString(5) == "NO", IsUnique: true));
        }

        return columns.Count > 0 ? new(0, columns) : null;

        int? Number(int column) => rows.IsDBNull(column) ? null : rows.GetInt32(column);
    }
}
