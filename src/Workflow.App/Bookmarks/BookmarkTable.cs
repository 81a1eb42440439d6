using Npgsql;
using Workflow.App.Hosting;
using Workflow.Cloud.Objects;
using Workflow.Durable;

namespace Workflow.App.Bookmarks;

/// <summary>An object that a pipeline has processed, or has in hand.</summary>
/// <param name="ETag">Of the content; the same address with other content is another object.</param>
/// <param name="Instance">The run that took it.</param>
/// <param name="ProcessedAt">Null while that run has not loaded it.</param>
/// <param name="MovedTo">Where it lies since; null where that is not known.</param>
internal sealed record Bookmark(string Object, string ETag, string Instance, DateTimeOffset TakenAt, DateTimeOffset? ProcessedAt, string? MovedTo);

/// <summary>Which objects each pipeline has processed: the table <c>bookmarks</c> in the warehouse database.</summary>
internal sealed class BookmarkTable(Warehouse warehouse, DurableTaskClient client)
{
    // Two that create a table at once: "if not exists" does not hold between them.
    private static readonly string[] Raced = [PostgresErrorCodes.UniqueViolation, PostgresErrorCodes.DuplicateTable, PostgresErrorCodes.DuplicateObject];

    private bool _isThere;

    /// <summary>Takes those of the objects that are not processed and that no other run has in hand. A run that has ended has nothing in hand.</summary>
    public async Task<IReadOnlyList<ObjectInfo>> TakeAsync(string pipeline, string instance, IReadOnlyList<ObjectInfo> objects, CancellationToken cancellation)
    {
        var (addresses, etags) = (objects.Select(info => info.Address.ToString()).ToArray(), objects.Select(info => info.ETag).ToArray());
        var ended = new List<string>();
        foreach (var holder in await QueryAsync("holders", row => row.GetString(0), cancellation, pipeline, addresses, etags))
        {
            if (await client.GetInstanceAsync(holder, getInputsAndOutputs: false, cancellation) is not { IsCompleted: false })
            {
                ended.Add(holder);
            }
        }

        var taken = await QueryAsync("take", row => (row.GetString(0), row.GetString(1)), cancellation, pipeline, addresses, etags, instance, ended.ToArray());
        var ours = taken.ToHashSet();
        return [.. objects.Where(info => ours.Contains((info.Address.ToString(), info.ETag)))];
    }

    /// <summary>Marks an object as processed.</summary>
    public Task SetAsync(string pipeline, string instance, string address, string etag, string? movedTo, CancellationToken cancellation) =>
        ExecuteAsync("set", cancellation, pipeline, address, etag, instance, (object?)movedTo ?? DBNull.Value);

    /// <summary>What was processed last comes first; before it, what is in hand.</summary>
    public Task<IReadOnlyList<Bookmark>> ListAsync(string pipeline, int top, CancellationToken cancellation) => QueryAsync(
        "list",
        row => new Bookmark(
            row.GetString(0), row.GetString(1), row.GetString(2), row.GetFieldValue<DateTimeOffset>(3),
            row.IsDBNull(4) ? null : row.GetFieldValue<DateTimeOffset>(4), row.IsDBNull(5) ? null : row.GetString(5)),
        cancellation,
        pipeline,
        top);

    /// <summary>Forgets all that was processed.</summary>
    /// <returns>How many objects that were.</returns>
    public Task<int> ResetAsync(string pipeline, CancellationToken cancellation) => ExecuteAsync("reset", cancellation, pipeline);

    /// <summary>Forgets what was processed after a time.</summary>
    /// <returns>How many objects that were.</returns>
    public Task<int> RewindAsync(string pipeline, DateTimeOffset to, CancellationToken cancellation) => ExecuteAsync("rewind", cancellation, pipeline, to.ToUniversalTime());

    private async Task<IReadOnlyList<T>> QueryAsync<T>(string sql, Func<NpgsqlDataReader, T> read, CancellationToken cancellation, params object[] parameters)
    {
        await using var command = await CommandAsync(sql, parameters, cancellation);
        await using var rows = await command.ExecuteReaderAsync(cancellation);
        var found = new List<T>();
        while (await rows.ReadAsync(cancellation))
        {
            found.Add(read(rows));
        }

        return found;
    }

    private async Task<int> ExecuteAsync(string sql, CancellationToken cancellation, params object[] parameters)
    {
        await using var command = await CommandAsync(sql, parameters, cancellation);
        return await command.ExecuteNonQueryAsync(cancellation);
    }

    private async Task<NpgsqlCommand> CommandAsync(string sql, object[] parameters, CancellationToken cancellation)
    {
        await EnsureAsync(cancellation);
        var command = warehouse.Source.CreateCommand(SqlText.Read($"Bookmarks/{sql}.sql"));
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(new() { Value = parameter });
        }

        return command;
    }

    private async Task EnsureAsync(CancellationToken cancellation)
    {
        if (_isThere)
        {
            return;
        }

        try
        {
            await using var create = warehouse.Source.CreateCommand(SqlText.Read("Bookmarks/create.sql"));
            await create.ExecuteNonQueryAsync(cancellation);
        }
        catch (PostgresException raced) when (Raced.Contains(raced.SqlState))
        {
            // Another one has just created it.
        }

        _isThere = true;
    }
}
