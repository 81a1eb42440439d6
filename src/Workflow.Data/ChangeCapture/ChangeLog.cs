using Npgsql;
using Workflow.Data.Warehouse;

namespace Workflow.Data.ChangeCapture;

/// <summary>The table <c>change_files</c> of a schema: which files of changes were applied to which table.</summary>
internal sealed class ChangeLog(string schema, TimeProvider time)
{
    public const string Table = "change_files";

    private const int FilesAtOnce = 1_000;

    private readonly string _files = new TableName(schema, Table).Quoted;

    /// <summary>Of these files the ones that were applied to any table of the schema, as address and ETag.</summary>
    public async Task<HashSet<(string File, string ETag)>> FindAppliedAsync(NpgsqlDataSource warehouse, IEnumerable<string> files, CancellationToken cancellation)
    {
        var applied = new HashSet<(string, string)>();
        foreach (var some in files.Chunk(FilesAtOnce))
        {
            await using var find = warehouse.CreateCommand($"select file, etag from {_files} where file in ({string.Join(", ", some.Select((_, index) => $"${index + 1}"))})");
            foreach (var file in some)
            {
                find.Parameters.Add(new() { Value = file });
            }

            await using var rows = await find.ExecuteReaderAsync(cancellation);
            while (await rows.ReadAsync(cancellation))
            {
                applied.Add((rows.GetString(0), rows.GetString(1)));
            }
        }

        return applied;
    }

    public async Task<bool> IsAppliedAsync(NpgsqlConnection connection, TableName table, ChangeSource source, CancellationToken cancellation)
    {
        await using var find = new NpgsqlCommand($"select count(*) from {_files} where target = $1 and file = $2 and etag = $3", connection)
        {
            Parameters = { new() { Value = table.ToString() }, new() { Value = source.Address }, new() { Value = source.ETag } },
        };
        return await find.ExecuteScalarAsync(cancellation) is > 0L;
    }

    public async Task RecordAsync(NpgsqlConnection connection, TableName table, ChangeSource source, long rows, CancellationToken cancellation)
    {
        await using var insert = new NpgsqlCommand(SqlText.Read("ChangeCapture/record_change_file.sql", ("files", _files)), connection)
        {
            Parameters =
            {
                new() { Value = table.ToString() },
                new() { Value = source.Address },
                new() { Value = source.ETag },
                new() { Value = source.File.Stamp },
                new() { Value = source.File.IsFullLoad },
                new() { Value = rows },
                new() { Value = time.GetUtcNow() },
            },
        };
        await insert.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>A file of a full load that starts over is another one, even where it is the same.</summary>
    public async Task ForgetAsync(NpgsqlConnection connection, TableName table, ChangeSource source, CancellationToken cancellation)
    {
        await using var forget = new NpgsqlCommand($"delete from {_files} where target = $1 and file = $2 and etag = $3", connection)
        {
            Parameters = { new() { Value = table.ToString() }, new() { Value = source.Address }, new() { Value = source.ETag } },
        };
        await forget.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>The time of the last change file applied to the table.</summary>
    public async Task<string?> ReadWatermarkAsync(NpgsqlConnection connection, TableName table, CancellationToken cancellation)
    {
        await using var read = new NpgsqlCommand($"select max(stamp) from {_files} where target = $1 and not is_full_load", connection) { Parameters = { new() { Value = table.ToString() } } };
        return await read.ExecuteScalarAsync(cancellation) as string;
    }
}
