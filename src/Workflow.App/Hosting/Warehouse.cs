using Npgsql;
using Workflow.App.Configuration;
using Workflow.Cloud.Objects;
using Workflow.Data.Warehouse;
using Workflow.Data.Warehouse.Redshift;

namespace Workflow.App.Hosting;

/// <summary>The database that pipelines load into and read from: a PostgreSQL, and Redshift instead for what is made for either.</summary>
internal sealed class Warehouse : IAsyncDisposable
{
    private readonly NpgsqlDataSource _data;
    private readonly RedshiftCluster? _redshift;
    private readonly Func<NpgsqlDataSource, LoadRequest, CancellationToken, Task<LoadResult>> _load;

    public Warehouse(Databases databases, Settings settings, RedshiftCluster redshift, ObjectStores objects, TimeProvider time)
    {
        _data = NpgsqlDataSource.Create(databases.Warehouse);
        if (settings.Loads is { Dialect: WarehouseDialect.Redshift } loads)
        {
            _redshift = redshift;
            _load = (cluster, request, cancellation) => new RedshiftLoader(cluster, objects, loads.ToStaging(), time).LoadAsync(request, cancellation);
        }
        else
        {
            _load = (postgres, request, cancellation) => new WarehouseLoader(postgres).LoadAsync(request, cancellation);
        }
    }

    /// <summary>The PostgreSQL, whatever the dialect.</summary>
    public NpgsqlDataSource Source => _data;

    /// <summary>Loads a file, in the dialect of the settings.</summary>
    public Task<LoadResult> LoadAsync(LoadRequest request, CancellationToken cancellation) => UseAsync(source => _load(source, request, cancellation), cancellation);

    /// <summary>Does something with the database of the settings' dialect.</summary>
    /// <param name="use">Must bear being done again: a secret that says who we are there may be out of date.</param>
    public Task<T> UseAsync<T>(Func<NpgsqlDataSource, Task<T>> use, CancellationToken cancellation) => _redshift?.UseAsync(use, cancellation) ?? use(_data);

    public ValueTask DisposeAsync() => _data.DisposeAsync();
}
