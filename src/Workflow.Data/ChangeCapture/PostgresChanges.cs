using Npgsql;
using Workflow.Data.Warehouse;

namespace Workflow.Data.ChangeCapture;

/// <summary>Changes into PostgreSQL: staged by binary COPY. Batches of one table wait for each other.</summary>
internal sealed class PostgresChanges(NpgsqlDataSource postgres) : IChangeWarehouse
{
    public ChangeTypes Types => PostgresChangeSql.Types;

    public async Task EnsureLogAsync(string schema, CancellationToken cancellation)
    {
        while (true)
        {
            await using (var find = postgres.CreateCommand("select to_regclass($1) is not null"))
            {
                find.Parameters.Add(new() { Value = new TableName(schema, ChangeLog.Table).Quoted });
                if (await find.ExecuteScalarAsync(cancellation) is true)
                {
                    return;
                }
            }

            await using var create = postgres.CreateCommand(SqlText.Read("ChangeCapture/create_change_files.sql", ("schema", SqlText.Identifier(TableName.Fold(schema)))));
            try
            {
                await create.ExecuteNonQueryAsync(cancellation);
            }
            catch (PostgresException raced) when (raced.SqlState is PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.DuplicateSchema
                or PostgresErrorCodes.DuplicateTable or PostgresErrorCodes.DuplicateObject)
            {
                // "if not exists" does not hold between sessions that create at once: another one has just done it.
            }
        }
    }

    public Task<ChangeResult> RunAsync(LoadIdentity identity, Func<NpgsqlConnection, Task<ChangeResult>> apply, CancellationToken cancellation) =>
        LoadTransaction.RunAsync(postgres, identity, async load =>
        {
            await ExecuteAsync(load.Connection, SqlText.Read("Warehouse/settings.sql"), cancellation);
            return await apply(load.Connection);
        }, cancellation);

    public Task<TargetTable?> FindAsync(NpgsqlConnection connection, TableName table, CancellationToken cancellation) => TargetTable.FindAsync(connection, table, cancellation);

    public async Task StageAsync(NpgsqlConnection connection, ChangeBatch batch, ChangeLayout layout, BinaryCopy.FillBuffer fill, CancellationToken cancellation)
    {
        await ExecuteAsync(connection, PostgresChangeSql.CreateStage(layout), cancellation);
        await BinaryCopy.RunAsync(connection, PostgresChangeSql.CopyStage(layout), fill, cancellation);
    }

    public ChangeSql SqlFor(TableName table, IReadOnlyList<string> key, bool softDelete) => new PostgresChangeSql(table, key, softDelete);

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellation);
    }
}
