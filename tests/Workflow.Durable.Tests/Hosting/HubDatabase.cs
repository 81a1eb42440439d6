using Npgsql;
using Workflow.Testing;

namespace Workflow.Durable.Tests.Hosting;

/// <summary>A database for one class of tests; each test makes a task hub of its own in it.</summary>
public sealed class HubDatabase(PostgresFixture postgres) : IAsyncLifetime
{
    private NpgsqlDataSource _looks = null!;
    private string _connectionString = "";

    public async ValueTask InitializeAsync()
    {
        _connectionString = await postgres.CreateDatabaseAsync();
        _looks = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(_connectionString) { ApplicationName = TestHub.ApplicationName });
    }

    public ValueTask DisposeAsync() => _looks.DisposeAsync();

    internal TestHub NewHub() => new(_connectionString, _looks);

    /// <summary>A hub of the test's own with one host on it.</summary>
    internal Task<HubHost> StartHostAsync(
        Action<DurableTaskRegistry> register, Action<DurableTaskOptions>? configure = null, TimeProvider? time = null) =>
        NewHub().StartHostAsync(register, configure, time);
}

/// <summary>A task hub: any number of hosts may share it, and a test may look at its tables.</summary>
internal sealed class TestHub(string connectionString, NpgsqlDataSource looks)
{
    /// <summary>How the server knows the connections of tests from those of hosts.</summary>
    public const string ApplicationName = "test";

    public string ConnectionString => connectionString;

    public string Name { get; } = "t" + Guid.NewGuid().ToString("N")[..12];

    public async Task<HubHost> StartHostAsync(
        Action<DurableTaskRegistry> register, Action<DurableTaskOptions>? configure = null, TimeProvider? time = null)
    {
        var host = new HubHost(this, register, configure, time);
        await host.StartAsync();
        return host;
    }

    /// <summary>The first column of every row, as seen with the hub's tables in the search path.</summary>
    public async Task<List<T>> ReadAsync<T>(string sql, params object[] parameters)
    {
        await using var batch = looks.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand($"SET search_path TO {Name}"));
        var command = new NpgsqlBatchCommand(sql);
        foreach (var parameter in parameters)
        {
            command.Parameters.AddWithValue(parameter);
        }

        batch.BatchCommands.Add(command);
        await using var reader = await batch.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        var rows = new List<T>();
        while (await reader.ReadAsync(TestContext.Current.CancellationToken))
        {
            rows.Add(reader.GetFieldValue<T>(0));
        }

        return rows;
    }

    public async Task<T> ReadOneAsync<T>(string sql, params object[] parameters) => Assert.Single(await ReadAsync<T>(sql, parameters));

    public async Task<bool> AllEndedAsync() => await ReadOneAsync<long>("SELECT count(*) FROM instances WHERE completed_at IS NULL") == 0;

    /// <summary>Turns committed so far, of all instances.</summary>
    public Task<long> TurnsTakenAsync() => ReadOneAsync<long>("SELECT coalesce(sum(turn), 0)::bigint FROM instances");

    public Task ExecuteAsync(string sql) => ReadAsync<object>(sql);

    /// <summary>A connection of the test's own, with the hub's tables in its search path.</summary>
    public async Task<NpgsqlConnection> OpenConnectionAsync()
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString) { SearchPath = Name, Pooling = false, ApplicationName = ApplicationName };
        var connection = new NpgsqlConnection(settings.ConnectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        return connection;
    }
}
