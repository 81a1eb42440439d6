using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Workflow.Cloud.Local;
using Xunit;

namespace Workflow.Testing;

/// <summary>
/// One private PostgreSQL per test process, started when the first test asks for a database:
/// <c>[assembly: AssemblyFixture(typeof(PostgresFixture))]</c>. Tests that stop or kill a server start one of their own.
/// </summary>
public sealed class PostgresFixture : IAsyncLifetime
{
    private readonly SemaphoreSlim _starting = new(1, 1);
    private TempFolder? _folder;
    private LocalPostgres? _server;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <summary>A connection string to a fresh, empty database. It goes with the server at the end of the run.</summary>
    public async Task<string> CreateDatabaseAsync(CancellationToken cancellation = default)
    {
        var server = await GetServerAsync(cancellation);
        var name = $"test_{Guid.NewGuid():N}";
        await using var connection = new NpgsqlConnection(server.ConnectionString + ";Pooling=false");
        await connection.OpenAsync(cancellation);
        await using var create = new NpgsqlCommand($"CREATE DATABASE {name}", connection);
        await create.ExecuteNonQueryAsync(cancellation);
        return new NpgsqlConnectionStringBuilder(server.ConnectionString) { Database = name }.ConnectionString;
    }

    /// <summary>A server of the test's own in a folder of its own, to be stopped and killed at will.</summary>
    public static Task<LocalPostgres> StartServerAsync(string dataFolder, CancellationToken cancellation = default) =>
        LocalPart.OrSkipAsync(() => LocalPostgres.StartAsync(dataFolder, TimeProvider.System, NullLogger.Instance, cancellation));

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            NpgsqlConnection.ClearAllPools();
            await _server.DisposeAsync();
        }

        _folder?.Dispose();
        _starting.Dispose();
    }

    private async Task<LocalPostgres> GetServerAsync(CancellationToken cancellation)
    {
        await _starting.WaitAsync(cancellation);
        try
        {
            if (_server is null)
            {
                await TempFolder.SweepAsync(cancellation);
                _folder ??= new TempFolder();
                _server = await StartServerAsync(_folder.Path, cancellation);
                await NeedNotSurviveAsync(_server, cancellation);
            }

            return _server;
        }
        finally
        {
            _starting.Release();
        }
    }

    /// <summary>What is committed outlives its process, and need not outlive the machine: tests do not wait for the disk.</summary>
    private static async Task NeedNotSurviveAsync(LocalPostgres server, CancellationToken cancellation)
    {
        await using var source = NpgsqlDataSource.Create(server.ConnectionString + ";Pooling=false");
        foreach (var change in new[] { "ALTER SYSTEM SET fsync = off", "ALTER SYSTEM SET full_page_writes = off", "SELECT pg_reload_conf()" })
        {
            await using var command = source.CreateCommand(change);
            await command.ExecuteNonQueryAsync(cancellation);
        }
    }
}
