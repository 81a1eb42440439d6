using Npgsql;
using Workflow.App.Configuration;
using Workflow.Cloud.Secrets;

namespace Workflow.App.Hosting;

/// <summary>Connections to Redshift, as who the settings say that we are or, where they name a secret, as who that says now.</summary>
internal sealed class RedshiftCluster(WarehouseSettings settings, Secrets secrets) : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, NpgsqlDataSource> _sources = [];

    /// <summary>Does something with the cluster; where it refuses us and the secret has changed, once more.</summary>
    /// <param name="use">Must bear being done again.</param>
    /// <exception cref="SecretException">There is no such secret, or it does not say who we are.</exception>
    /// <exception cref="SecretUnavailableException">The store could not be asked.</exception>
    public Task<T> UseAsync<T>(Func<NpgsqlDataSource, Task<T>> use, CancellationToken cancellation) => settings.Secret is { Length: > 0 } secret
        ? secrets.UseAsync(secret, found => use(Connect(SecretConnection.Read(found, settings.ToConnection()))), SecretConnection.IsAuthenticationFailure, cancellation)
        : use(Connect(settings.ToConnection()));

    public async ValueTask DisposeAsync()
    {
        foreach (var source in _sources.Values)
        {
            await source.DisposeAsync();
        }
    }

    /// <summary>Connections of before a rotation end by themselves, idle: somebody may be using them yet.</summary>
    private NpgsqlDataSource Connect(NpgsqlConnectionStringBuilder connection)
    {
        lock (_lock)
        {
            return _sources.TryGetValue(connection.ConnectionString, out var source) ? source : _sources[connection.ConnectionString] = Build(connection);
        }
    }

    /// <summary>Without what PostgreSQL has and Redshift does not: types to ask for, sessions to reset.</summary>
    private static NpgsqlDataSource Build(NpgsqlConnectionStringBuilder connection)
    {
        var builder = new NpgsqlDataSourceBuilder(connection.ConnectionString).ConfigureTypeLoading(types => types.EnableTypeLoading(false));
        builder.ConnectionStringBuilder.NoResetOnClose = true;
        return builder.Build();
    }
}
