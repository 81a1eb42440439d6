using System.Text.Json;
using Npgsql;
using Workflow.Cloud.Objects;

namespace Workflow.Data.Warehouse.Redshift;

/// <summary>How rows come to Redshift.</summary>
/// <param name="Prefix">Where they are staged: <c>s3://bucket/prefix/</c>.</param>
/// <param name="IamRole">The ARN of the role that the cluster reads them as.</param>
public sealed record RedshiftStaging(ObjectAddress Prefix, string IamRole)
{
    /// <summary>Has the cluster read the manifest; another in tests, where there is no cluster.</summary>
    internal Func<NpgsqlConnection, string, CancellationToken, Task> Copy { get; init; } = async (connection, copy, cancellation) =>
    {
        // A copy takes as long as it takes; the token is what ends it.
        await using var command = new NpgsqlCommand(copy, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellation);
    };
}

/// <summary>A temporary table that rows are copied into.</summary>
internal sealed record RedshiftStage(string Table, IReadOnlyList<(string Name, WarehouseType Type)> Columns)
{
    /// <summary>A session of before may have left one behind: temporary tables live as long as their session.</summary>
    public string Create => $"drop table if exists {Table}; create temporary table {Table} ({string.Join(", ", Columns.Select(column => $"{column.Name} {column.Type}"))})";

    /// <summary>An empty field is null: no value of a load is an empty text.</summary>
    public string Copy(string manifest, string role) =>
        $"copy {Table} ({string.Join(", ", Columns.Select(column => column.Name))}) from {SqlText.Literal(manifest)} iam_role {SqlText.Literal(role)} " +
        "manifest format as csv gzip emptyasnull dateformat 'auto' timeformat 'auto' compupdate off statupdate off";
}

/// <summary>Brings rows into a temporary table by way of objects, which the cluster reads itself.</summary>
internal sealed class RedshiftCopy(ObjectStores objects, RedshiftStaging staging)
{
    /// <param name="fill">The rows, as a binary COPY of the stage's columns would take them.</param>
    /// <param name="name">What the objects are put under: every attempt at the load has the same, and no other load.</param>
    /// <param name="folder">Room for the files.</param>
    /// <exception cref="WarehouseException">Redshift copied another number of rows.</exception>
    public async Task RunAsync(NpgsqlConnection connection, RedshiftStage stage, BinaryCopy.FillBuffer fill, string name, string folder, CancellationToken cancellation)
    {
        await ExecuteAsync(connection, stage.Create, cancellation);
        var rows = new RedshiftRows([.. stage.Columns.Select(column => column.Type.Kind)], Directory.CreateDirectory(folder).FullName);
        var parts = await Task.Run(() => rows.Write(fill, cancellation), cancellation);
        if (parts.Count == 0)
        {
            return;
        }

        var staged = await StageAsync(parts, name, cancellation);
        await staging.Copy(connection, stage.Copy(staged[^1].ToString(), staging.IamRole), cancellation);
        await using var count = new NpgsqlCommand($"select count(*) from {stage.Table}", connection) { CommandTimeout = 0 };
        var copied = (long)(await count.ExecuteScalarAsync(cancellation))!;
        if (copied != rows.Count)
        {
            throw new WarehouseException($"Redshift copied {copied} of {rows.Count} rows from {staged[^1]}. Look into stl_load_errors or sys_load_error_detail.");
        }

        foreach (var used in staged)
        {
            await objects.For(used).DeleteAsync(used, cancellation);
        }
    }

    /// <returns>Their addresses, the manifest's last: COPY reads what it lists, and fails where any of it is missing.</returns>
    private async Task<IReadOnlyList<ObjectAddress>> StageAsync(IReadOnlyList<string> parts, string name, CancellationToken cancellation)
    {
        var prefix = $"{staging.Prefix.Key}{name}/";
        var addresses = new List<ObjectAddress>();
        foreach (var part in parts)
        {
            var address = staging.Prefix.WithKey(prefix + Path.GetFileName(part));
            await objects.UploadAsync(part, address, WriteCondition.Always, cancellation);
            addresses.Add(address);
        }

        var manifest = staging.Prefix.WithKey(prefix + "manifest");
        var entries = new { entries = addresses.Select(address => new { url = address.ToString(), mandatory = true }) };
        using var content = new MemoryStream(JsonSerializer.SerializeToUtf8Bytes(entries));
        await objects.For(manifest).WriteAsync(manifest, content, WriteCondition.Always, cancellation);
        return [.. addresses, manifest];
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellation);
    }
}
