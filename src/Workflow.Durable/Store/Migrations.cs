using System.Security.Cryptography;
using System.Text;
using Npgsql;

namespace Workflow.Durable.Store;

/// <summary>Brings a task hub's schema up to date: the numbered files beside this one, each once, in order, never changed afterwards.</summary>
internal static class Migrations
{
    private static readonly string[] s_files = ["0001_task_hub.sql", "0002_commits_end.sql"];

    /// <exception cref="InvalidOperationException">A migration that is in the database differs from the file, or is not known here.</exception>
    public static async Task ApplyAsync(TaskHub hub, CancellationToken cancellation)
    {
        await using var connection = await hub.Data.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);

        // One host migrates; the others wait here and then find nothing left to do.
        await RunAsync(connection, "SELECT pg_advisory_xact_lock(hashtext($1))", cancellation, "migrate " + hub.Name);
        await RunAsync(connection, $"CREATE SCHEMA IF NOT EXISTS \"{hub.Name}\"", cancellation);
        await RunAsync(
            connection,
            "CREATE TABLE IF NOT EXISTS migrations (name text CONSTRAINT migrations_pk PRIMARY KEY, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())",
            cancellation);
        var applied = await AppliedAsync(connection, cancellation);
        if (applied.Keys.Except(s_files).FirstOrDefault() is { } unknown)
        {
            throw new InvalidOperationException($"Task hub '{hub.Name}' has migration {unknown}, which this version does not know. Run the version that applied it, or a later one.");
        }

        foreach (var file in s_files)
        {
            var script = Sql.Read("Migrations/" + file);
            var sha256 = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(script)));
            if (!applied.TryGetValue(file, out var known))
            {
                await RunAsync(connection, script, cancellation);
                await RunAsync(connection, "INSERT INTO migrations (name, sha256) VALUES ($1, $2)", cancellation, file, sha256);
            }
            else if (known != sha256)
            {
                throw new InvalidOperationException($"Migration {file} was changed after task hub '{hub.Name}' applied it. Restore the file and put the change into a new migration.");
            }
        }

        await transaction.CommitAsync(cancellation);
    }

    private static async Task<Dictionary<string, string>> AppliedAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand("SELECT name, sha256 FROM migrations", connection);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var applied = new Dictionary<string, string>();
        while (await reader.ReadAsync(cancellation))
        {
            applied.Add(reader.GetString(0), reader.GetString(1));
        }

        return applied;
    }

    private static async Task RunAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation, params string[] values)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values)
        {
            command.Parameters.Add(Sql.Of(value));
        }

        await command.ExecuteNonQueryAsync(cancellation);
    }
}
