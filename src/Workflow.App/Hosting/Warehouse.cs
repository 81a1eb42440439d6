using Npgsql;
using Workflow.App.Configuration;
using Workflow.Cloud.Objects;
using Workflow.Data.Warehouse;
using Workflow.Data.Warehouse.Redshift;

namespace Workflow.App.Hosting;

/// <summary>The database that pipelines load into, and Redshift where files are loaded there.</summary>
internal sealed class Warehouse : IAsyncDisposable
{
    private readonly NpgsqlDataSource _data;
    private readonly NpgsqlDataSource? _redshift;
    private readonly Func<LoadRequest, CancellationToken, Task<LoadResult>> _load;

    public Warehouse(Databases databases, Settings settings, ObjectStores objects, TimeProvider time)
    {
        _data = NpgsqlDataSource.Create(databases.Warehouse);
        if (settings.Loads is { Dialect: WarehouseDialect.Redshift } loads)
        {
            _redshift = Connect(loads.Redshift!);
            _load = new RedshiftLoader(_redshift, objects, loads.ToStaging(), time).LoadAsync;
        }
        else
        {
            _load = new WarehouseLoader(_data).LoadAsync;
        }
    }

    public NpgsqlDataSource Source => _data;

    /// <summary>Loads a file, in the dialect of the settings.</summary>
    public Task<LoadResult> LoadAsync(LoadRequest request, CancellationToken cancellation) => _load(request, cancellation);

    public async ValueTask DisposeAsync()
    {
        await (_redshift?.DisposeAsync() ?? ValueTask.CompletedTask);
        await _data.DisposeAsync();
    }

    /// <summary>Without what PostgreSQL has and Redshift does not: types to ask for, sessions to reset.</summary>
    private static NpgsqlDataSource Connect(string redshift)
    {
        var builder = new NpgsqlDataSourceBuilder(redshift).ConfigureTypeLoading(types => types.EnableTypeLoading(false));
        builder.ConnectionStringBuilder.NoResetOnClose = true;
        return builder.Build();
    }
}
