using System.Globalization;
using System.Security.Cryptography;
using Npgsql;
using Workflow.Data.Csv;
using Workflow.Data.Schema;
using Workflow.Data.Warehouse;
using Workflow.Testing;

namespace Workflow.Data.Tests.Warehouse;

/// <summary>A database for a test class, and loads into it. Each test takes a schema of its own.</summary>
public sealed class TestWarehouse(PostgresFixture postgres) : IAsyncLifetime
{
    private readonly TempFolder _folder = new();
    private int _names;

    public string ConnectionString { get; private set; } = "";

    public NpgsqlDataSource Source { get; private set; } = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        ConnectionString = await postgres.CreateDatabaseAsync();
        Source = NpgsqlDataSource.Create(ConnectionString);
    }

    public async ValueTask DisposeAsync()
    {
        await Source.DisposeAsync();
        _folder.Dispose();
    }

    public string NewSchema() => $"s{Interlocked.Increment(ref _names)}";

    public string NewFile(string text) => _folder.Write($"{Interlocked.Increment(ref _names)}.csv", text);

    public string NewPath() => _folder.File(Interlocked.Increment(ref _names).ToString());

    public Task<LoadResult> LoadAsync(string schema, string text, Func<LoadRequest, LoadRequest>? change = null) => LoadFileAsync(schema, NewFile(text), change);

    public async Task<LoadResult> LoadFileAsync(string schema, string file, Func<LoadRequest, LoadRequest>? change = null)
    {
        var request = await RequestAsync(schema, file);
        return await new WarehouseLoader(Source).LoadAsync(change is null ? request : change(request), Cancellation);
    }

    public async Task<LoadRequest> RequestAsync(string schema, string file) => new()
    {
        File = file,
        Schema = await SchemaInference.InferAsync(file, null, Cancellation),
        Table = new(schema, "people"),
        Key = "user_id",
        LoadKey = Guid.NewGuid().ToString(),
        Source = $"local://landing/csv/{Path.GetFileName(file)}",
        ContentSha256 = Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(file))),
        QuarantineFile = NewPath(),
    };

    public async Task ExecuteAsync(string sql)
    {
        await using var command = Source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancellation);
    }

    /// <summary>Rows as text: fields divided by |, null as ∅.</summary>
    public async Task<string[]> QueryAsync(string sql)
    {
        await using var command = Source.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync(Cancellation);
        var rows = new List<string>();
        while (await reader.ReadAsync(Cancellation))
        {
            rows.Add(string.Join('|', Enumerable.Range(0, reader.FieldCount).Select(index => reader.IsDBNull(index) ? "∅" : Convert.ToString(reader.GetValue(index), CultureInfo.InvariantCulture))));
        }

        return [.. rows];
    }

    public Task<string[]> PeopleAsync(string schema, string columns = "*") => QueryAsync($"select {columns} from {schema}.people order by user_id");

    /// <summary>The table's columns as <c>name type</c>.</summary>
    public Task<string[]> ColumnsAsync(string schema) => QueryAsync(
        $"select attname || ' ' || format_type(atttypid, atttypmod) from pg_attribute where attrelid = '{schema}.people'::regclass and attnum > 0 order by attnum");

    public static List<string[]> ReadCsv(string path)
    {
        using var reader = new CsvReader(path);
        var rows = new List<string[]>();
        while (reader.Read())
        {
            rows.Add([.. Enumerable.Range(0, reader.FieldCount).Select(index => System.Text.Encoding.UTF8.GetString(reader[index]))]);
        }

        return rows;
    }
}
