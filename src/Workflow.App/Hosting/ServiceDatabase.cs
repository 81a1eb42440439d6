using Npgsql;
using Workflow.Durable;

namespace Workflow.App.Hosting;

/// <summary>
/// The service's own tables, in the hub's database beside the hub: the schema is the hub's name with <c>_service</c> behind it.
/// Nothing is asked of the database until the first use.
/// </summary>
internal sealed class ServiceDatabase : IAsyncDisposable
{
    // Numbered files in Migrations/, in order; what was released is never changed.
    private static readonly string[] Files =
    [
        "0001_schedules.sql",
        "0002_access.sql",
        "0003_notifications.sql",
        "0004_object_events.sql",
    ];

    private readonly NpgsqlDataSource _data;
    private readonly SchemaMigrations _migrations;
    private readonly SemaphoreSlim _migrating = new(1);
    private volatile bool _isUpToDate;

    public ServiceDatabase(string connectionString, string hub)
    {
        var schema = $"{hub}_service";
        _data = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(connectionString) { SearchPath = schema });
        _migrations = new(_data, schema, $"service schema '{schema}'", [.. Files.Select(file => new SchemaMigration(file, SqlText.Read($"Hosting/Migrations/{file}")))]);
    }

    /// <summary>A connection on which the tables are there and up to date.</summary>
    /// <exception cref="NpgsqlException">The database does not answer.</exception>
    public async Task<NpgsqlConnection> OpenAsync(CancellationToken cancellation)
    {
        await EnsureAsync(cancellation);
        return await _data.OpenConnectionAsync(cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await _data.DisposeAsync();
        _migrating.Dispose();
    }

    private async Task EnsureAsync(CancellationToken cancellation)
    {
        if (_isUpToDate)
        {
            return;
        }

        await _migrating.WaitAsync(cancellation);
        try
        {
            if (!_isUpToDate)
            {
                await _migrations.ApplyAsync(cancellation);
                _isUpToDate = true;
            }
        }
        finally
        {
            _migrating.Release();
        }
    }
}
