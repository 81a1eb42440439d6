using Npgsql;
using Workflow.Data.DuckDb;
using Workflow.Data.Warehouse;

namespace Workflow.Data.ContactSync;

/// <summary>A table that knows users' e-mail addresses.</summary>
public sealed record UserEmails(NpgsqlDataSource Database, TableName Table, string Key, string EmailColumn)
{
    /// <summary>Copies key and address of all users into a table <c>users</c>.</summary>
    internal async Task LoadAsync(DuckDbConnection into, CancellationToken cancellation)
    {
        into.Execute(SqlText.Read("ContactSync/create_users.sql"), cancellation);
        using var users = into.Append("users");
        var (key, email) = (SqlText.Identifier(Key), SqlText.Identifier(EmailColumn));
        await using var select = Database.CreateCommand($"select {key}::text, {email}::text from {Table.Quoted} where {key} is not null and {email} is not null");
        try
        {
            await using var reader = await select.ExecuteReaderAsync(cancellation);
            while (await reader.ReadAsync(cancellation))
            {
                users.Append(reader.GetString(0));
                users.Append(reader.GetString(1));
                users.EndRow();
            }
        }
        catch (PostgresException missing) when (missing.SqlState is PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedColumn or PostgresErrorCodes.InvalidSchemaName)
        {
            throw new BadInputException($"The addresses of users cannot be looked up in {Table}: {missing.MessageText}. Set UsersTable, Schema, Key and EmailColumn to what is there.", missing);
        }

        users.Complete();
    }
}
