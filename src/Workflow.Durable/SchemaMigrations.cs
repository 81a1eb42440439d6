using System.Security.Cryptography;
using System.Text;
using Npgsql;
using Workflow.Durable.Store;

namespace Workflow.Durable;

/// <summary>A numbered script of a schema.</summary>
/// <param name="Name">Its file's, such as <c>0001_task_hub.sql</c>.</param>
public sealed record SchemaMigration(string Name, string Script);

/// <summary>Brings a schema up to date: numbered scripts, each once, in order, never changed afterwards.</summary>
/// <param name="schema">Created where it is not there. Every connection of the data source has it first in its search path.</param>
/// <param name="owner">Whose schema it is, as errors say it: <c>task hub 'durable'</c>.</param>
public sealed class SchemaMigrations(NpgsqlDataSource data, string schema, string owner, IReadOnlyList<SchemaMigration> migrations)
{
    /// <summary>Any number of hosts may call this at once.</summary>
    /// <exception cref="InvalidOperationException">A migration that is in the database differs from the script, or is not known here.</exception>
    public async Task ApplyAsync(CancellationToken cancellation)
    {
        await using var connection = await data.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);

        // One host migrates; the others wait here and then find nothing left to do.
        await RunAsync(connection, "SELECT pg_advisory_xact_lock(hashtext($1))", cancellation, "migrate " + schema);
        await RunAsync(connection, $"CREATE SCHEMA IF NOT EXISTS \"{schema}\"", cancellation);
        await RunAsync(
            connection,
            "CREATE TABLE IF NOT EXISTS migrations (name text CONSTRAINT migrations_pk PRIMARY KEY, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())",
            cancellation);
        var applied = await AppliedAsync(connection, cancellation);
        if (applied.Keys.Except(migrations.Select(known => known.Name)).FirstOrDefault() is { } unknown)
        {
            throw new InvalidOperationException($"{Capitalised(owner)} has migration {unknown}, which this version does not know. Run the version that applied it, or a later one.");
        }

        foreach (var (name, script) in migrations)
        {
            var sha256 = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(script)));
            if (!applied.TryGetValue(name, out var known))
            {
                await RunAsync(connection, script, cancellation);
                await RunAsync(connection, "INSERT INTO migrations (name, sha256) VALUES ($1, $2)", cancellation, name, sha256);
            }
            else if (known != sha256)
            {
                throw new InvalidOperationException($"Migration {name} was changed after {owner} applied it. Restore the file and put the change into a new migration.");
            }
        }

        await transaction.CommitAsync(cancellation);
    }

    private static string Capitalised(string text) => char.ToUpperInvariant(text[0]) + text[1..];

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
