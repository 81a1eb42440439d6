using Npgsql;
using Workflow.Data.Warehouse;

namespace Workflow.App.Hosting;

/// <summary>The database that pipelines load into.</summary>
internal sealed class Warehouse(Databases databases) : IAsyncDisposable
{
    private readonly NpgsqlDataSource _data = NpgsqlDataSource.Create(databases.Warehouse);

    public NpgsqlDataSource Source => _data;

    public WarehouseLoader Loader => new(_data);

    public ValueTask DisposeAsync() => _data.DisposeAsync();
}
