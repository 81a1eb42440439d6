using Workflow.Data.MySql;

namespace Workflow.Testing;

/// <summary>A database of a test's own.</summary>
public sealed record MariaDbDatabase(MySqlAddress Address)
{
    /// <summary>Runs statements, one after the other.</summary>
    public async Task ExecuteAsync(params IEnumerable<string> statements)
    {
        await using var connection = await MySqlConnection.OpenAsync(Address, CancellationToken.None);
        foreach (var statement in statements)
        {
            await connection.ExecuteAsync(statement, CancellationToken.None);
        }
    }

    /// <summary>Rows as text: fields divided by |, null as ∅.</summary>
    public async Task<string[]> QueryAsync(string sql)
    {
        await using var connection = await MySqlConnection.OpenAsync(Address, CancellationToken.None);
        return [.. (await connection.RowsAsync(sql, CancellationToken.None)).Select(row => string.Join('|', row.Select(value => value ?? "∅")))];
    }

    /// <summary>A user of this database, as which it is then read.</summary>
    /// <param name="identified">What follows the name in <c>create user</c>; the password <c>{0}</c>.</param>
    /// <param name="privileges">On this database.</param>
    public async Task<MySqlAddress> CreateUserAsync(string privileges, string identified = "identified by '{0}'", string password = "pässword'")
    {
        var user = $"u{Guid.NewGuid():N}"[..16];
        await ExecuteAsync(
            $"create user {user}@'%' {string.Format(identified, password.Replace("'", "''"))}",
            $"grant {privileges} on {Address.Database}.* to {user}@'%'");
        return Address with { User = user, Password = password };
    }
}
