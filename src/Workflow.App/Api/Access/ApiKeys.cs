using Npgsql;
using Workflow.App.Configuration;
using Workflow.App.Hosting;

namespace Workflow.App.Api.Access;

/// <summary>A key as lists show it.</summary>
/// <param name="Pipelines">The only pipelines it sees and steers; null for all.</param>
/// <param name="LastUsedAt">To the minute.</param>
internal sealed record KeyView(
    string Id, string Name, Role Role, IReadOnlyList<string>? Pipelines, DateTimeOffset CreatedAt, DateTimeOffset? ExpiresAt, DateTimeOffset? RevokedAt, DateTimeOffset? LastUsedAt);

/// <summary>What a new key is to be.</summary>
/// <param name="Pipelines">The only pipelines it sees and steers; null for all.</param>
internal sealed record NewKey(string Name, Role Role, IReadOnlyList<string>? Pipelines = null, DateTimeOffset? Expires = null)
{
    private const int LongestName = 100;

    /// <exception cref="UsageException">Something in it will not do.</exception>
    public void Check(Settings settings, TimeProvider time)
    {
        if (Name is not { Length: > 0 and <= LongestName } || Name.Any(char.IsControl))
        {
            throw new UsageException($"Name a key with 1 to {LongestName} letters, after who holds it.");
        }

        if (Pipelines is [])
        {
            throw new UsageException("A key for no pipeline is of no use. Name some, or leave them out for all.");
        }

        foreach (var pipeline in Pipelines ?? [])
        {
            settings.Find(pipeline);
        }

        if (Expires <= time.GetUtcNow())
        {
            throw new UsageException($"A key that expired at {Expires:O} is of no use. Give a time to come.");
        }
    }
}

/// <summary>The keys that were given out: the table <c>api_keys</c>. They are looked up at each call, so one that is revoked is refused at once, by every host.</summary>
internal sealed class ApiKeys(ServiceDatabase database, LocalKey local, TimeProvider time)
{
    private static readonly TimeSpan NoteUseEvery = TimeSpan.FromMinutes(1);

    public async Task<Recognition> RecogniseAsync(ApiKey key, CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        var stored = await FindAsync(connection, key.Id, cancellation);
        if (stored is null && key.Id == local.Key?.Id)
        {
            await RegisterLocalAsync(connection, cancellation);
            stored = await FindAsync(connection, key.Id, cancellation);
        }

        var now = time.GetUtcNow();
        if (stored is null || !key.Matches(stored.Hash))
        {
            return Recognition.Refused(stored is null ? $"key {key.Id} is not known" : $"the secret of key {key.Id} is wrong");
        }

        if (stored.RevokedAt is not null || stored.ExpiresAt <= now)
        {
            return Recognition.Refused(stored.RevokedAt is { } revoked ? $"key {key.Id} was revoked at {revoked:O}" : $"key {key.Id} expired at {stored.ExpiresAt:O}");
        }

        if (stored.LastUsedAt is null || stored.LastUsedAt < now - NoteUseEvery)
        {
            await ExecuteAsync(connection, "use_key", cancellation, key.Id, now);
        }

        return new(new($"key {key.Id} ({stored.Name})", stored.Role, Caller.Scope(stored.Pipelines)), null);
    }

    /// <summary>Somebody holds a key that is good now.</summary>
    public async Task<bool> AnyAsync(CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        if (local.Key is not null)
        {
            await RegisterLocalAsync(connection, cancellation);
        }

        await using var command = Command(connection, "any_key", time.GetUtcNow());
        return (bool)(await command.ExecuteScalarAsync(cancellation))!;
    }

    public async Task<ApiKey> CreateAsync(NewKey asked, CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        var key = ApiKey.Create();
        await CreateAsync(connection, key, asked, cancellation);
        return key;
    }

    public async Task<IReadOnlyList<KeyView>> ListAsync(CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        await using var command = Command(connection, "list_keys");
        await using var rows = await command.ExecuteReaderAsync(cancellation);
        var keys = new List<KeyView>();
        while (await rows.ReadAsync(cancellation))
        {
            keys.Add(new(
                rows.GetString(0), rows.GetString(1), Enum.Parse<Role>(rows.GetString(2)), rows.IsDBNull(3) ? null : rows.GetFieldValue<string[]>(3),
                rows.GetFieldValue<DateTimeOffset>(4), rows.GetFieldValue<DateTimeOffset?>(5), rows.GetFieldValue<DateTimeOffset?>(6), rows.GetFieldValue<DateTimeOffset?>(7)));
        }

        return keys;
    }

    /// <summary>From now on it is refused; a second time changes nothing.</summary>
    /// <returns>False where there is no such key.</returns>
    public async Task<bool> RevokeAsync(string id, CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        return await ExecuteAsync(connection, "revoke_key", cancellation, id, time.GetUtcNow()) == 1;
    }

    /// <summary>The data folder's key belongs to whatever database the folder is on. That the file is there says enough: only the folder's owner can write it.</summary>
    private Task<int> RegisterLocalAsync(NpgsqlConnection connection, CancellationToken cancellation) =>
        CreateAsync(connection, local.Key!, new($"local {Environment.MachineName}", Role.Admin, Pipelines: null, Expires: null), cancellation);

    private Task<int> CreateAsync(NpgsqlConnection connection, ApiKey key, NewKey asked, CancellationToken cancellation) => ExecuteAsync(
        connection, "create_key", cancellation, key.Id, asked.Name, asked.Role.ToString(), asked.Pipelines?.ToArray(), key.Hash(), time.GetUtcNow(), asked.Expires?.ToUniversalTime());

    private static async Task<StoredKey?> FindAsync(NpgsqlConnection connection, string id, CancellationToken cancellation)
    {
        await using var command = Command(connection, "find_key", id);
        await using var rows = await command.ExecuteReaderAsync(cancellation);
        return await rows.ReadAsync(cancellation)
            ? new(
                rows.GetFieldValue<byte[]>(0), rows.GetString(1), Enum.Parse<Role>(rows.GetString(2)), rows.IsDBNull(3) ? null : rows.GetFieldValue<string[]>(3),
                rows.GetFieldValue<DateTimeOffset?>(4), rows.GetFieldValue<DateTimeOffset?>(5), rows.GetFieldValue<DateTimeOffset?>(6))
            : null;
    }

    private static async Task<int> ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation, params object?[] values)
    {
        await using var command = Command(connection, sql, values);
        return await command.ExecuteNonQueryAsync(cancellation);
    }

    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql, params object?[] values)
    {
        var command = new NpgsqlCommand(SqlText.Read($"Api/Access/{sql}.sql"), connection);
        foreach (var value in values)
        {
            command.Parameters.Add(new() { Value = value ?? DBNull.Value });
        }

        return command;
    }

    private sealed record StoredKey(
        byte[] Hash, string Name, Role Role, string[]? Pipelines, DateTimeOffset? ExpiresAt, DateTimeOffset? RevokedAt, DateTimeOffset? LastUsedAt);
}
