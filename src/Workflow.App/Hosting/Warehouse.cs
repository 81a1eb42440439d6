using Npgsql;
using Workflow.App.Configuration;
using Workflow.Cloud.Objects;
using Workflow.Data.ChangeCapture;
using Workflow.Data.SchemaConversion;
using Workflow.Data.Warehouse;
using Workflow.Data.Warehouse.Redshift;

namespace Workflow.App.Hosting;

/// <summary>The database that pipelines load into and read from: a PostgreSQL, and Redshift instead for what is made for either.</summary>
internal sealed class Warehouse(Databases databases, Settings settings, RedshiftCluster redshift, ObjectStores objects, TimeProvider time) : IAsyncDisposable
{
    private readonly NpgsqlDataSource _data = NpgsqlDataSource.Create(databases.Warehouse);

    /// <summary>Null where the dialect is PostgreSQL's.</summary>
    private readonly RedshiftStaging? _staging = settings.Loads.Dialect == WarehouseDialect.Redshift ? settings.Loads.ToStaging() : null;

    /// <summary>The PostgreSQL, whatever the dialect.</summary>
    public NpgsqlDataSource Source => _data;

    public ConversionTarget Dialect => _staging is null ? ConversionTarget.Postgres : ConversionTarget.Redshift;

    /// <summary>Loads a file, in the dialect of the settings.</summary>
    public Task<LoadResult> LoadAsync(LoadRequest request, CancellationToken cancellation) => UseAsync(
        source => _staging is null ? new WarehouseLoader(source).LoadAsync(request, cancellation) : new RedshiftLoader(source, objects, _staging, time).LoadAsync(request, cancellation),
        cancellation);

    /// <summary>Applies changes, in the dialect of the settings, or looks what was applied.</summary>
    /// <param name="use">Must bear being done again.</param>
    public Task<T> ChangeAsync<T>(Func<ChangeApplier, Task<T>> use, CancellationToken cancellation) => UseAsync(
        source => use(_staging is null ? new(source, time) : new(source, objects, _staging, time)), cancellation);

    /// <summary>Does something with the database of the settings' dialect.</summary>
    /// <param name="use">Must bear being done again: a secret that says who we are there may be out of date.</param>
    public Task<T> UseAsync<T>(Func<NpgsqlDataSource, Task<T>> use, CancellationToken cancellation) => _staging is null ? use(_data) : redshift.UseAsync(use, cancellation);

    public ValueTask DisposeAsync() => _data.DisposeAsync();
}
