using System.Data;
using System.Globalization;
using Npgsql;
using Workflow.Data.DuckDb;

namespace Workflow.Data.Postgres;

/// <summary>Rows of a query, read into DuckDB. A plain query reads several tables as of one moment, and Redshift, which has no COPY to the client, too.</summary>
public static class PostgresQuery
{
    /// <param name="table">It is there, with the query's columns in their order; of type varchar, double, boolean or date.</param>
    /// <returns>Rows read.</returns>
    /// <exception cref="NpgsqlException">The database is out of reach or refuses.</exception>
    public static async Task<long> LoadAsync(DuckDbConnection to, string table, NpgsqlDataSource from, string sql, CancellationToken cancellation)
    {
        using var appender = to.Append(table);
        await using var connection = await from.OpenConnectionAsync(cancellation);
        await using var query = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await using var reader = await query.ExecuteReaderAsync(CommandBehavior.SequentialAccess, cancellation);
        long rows = 0;
        for (; await reader.ReadAsync(cancellation); rows++)
        {
            for (var column = 0; column < reader.FieldCount; column++)
            {
                Append(appender, appender.ColumnTypes[column].Id, reader, column);
            }

            appender.EndRow();
        }

        appender.Complete();
        return rows;
    }

    private static void Append(DuckDbAppender appender, DuckDbTypeId type, NpgsqlDataReader reader, int column)
    {
        if (reader.IsDBNull(column))
        {
            appender.AppendNull();
            return;
        }

        switch (type)
        {
            case DuckDbTypeId.Varchar: appender.Append(reader.GetFieldType(column) == typeof(string) ? reader.GetString(column) : Convert.ToString(reader.GetValue(column), CultureInfo.InvariantCulture)!); break;
            case DuckDbTypeId.Double: appender.Append(reader.GetDouble(column)); break;
            case DuckDbTypeId.Boolean: appender.Append(reader.GetBoolean(column)); break;
            case DuckDbTypeId.Date: appender.Append(reader.GetFieldValue<DateOnly>(column)); break;
            default: throw new NotSupportedException($"A column of type {type} is not read from PostgreSQL by a query: add it here.");
        }
    }
}
