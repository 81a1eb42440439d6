using Npgsql;
using Workflow.App.Configuration;
using Workflow.Cloud.Outbound;
using Workflow.Cloud.Secrets;

namespace Workflow.App.Hosting;

/// <summary>Connections to Redshift, as who the settings say that we are or, where they name a secret, as who that says now.</summary>
internal sealed class RedshiftCluster(Settings settings, Secrets secrets, OutboundGuard guard) : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, NpgsqlDataSource> _sources = [];

    /// <summary>Does something with the cluster; where it refuses us and the secret has changed, once more.</summary>
    /// <param name="use">Must bear being done again.</param>
    /// <exception cref="SecretException">There is no such secret, or it does not say who we are.</exception>
    /// <exception cref="SecretUnavailableException">The store could not be asked.</exception>
    /// <exception cref="OutboundRefusedException">The secret names a host that is not open to us.</exception>
    public Task<T> UseAsync<T>(Func<NpgsqlDataSource, Task<T>> use, CancellationToken cancellation)
    {
        var usual = settings.Loads.ToConnection();
        return settings.Loads.Secret is { Length: > 0 } secret
            ? secrets.UseAsync(secret, async found => await use(Connect(await SecretConnection.GuardAsync(found, usual, guard, cancellation))), SecretConnection.IsAuthenticationFailure, cancellation)
            : use(Connect(new(usual.ConnectionString)));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var source in _sources.Values)
        {
            await source.DisposeAsync();
        }
    }

    /// <summary>Connections of before a rotation end by themselves, idle: somebody may be using them yet.</summary>
    private NpgsqlDataSource Connect(NpgsqlDataSourceBuilder cluster)
    {
        lock (_lock)
        {
            return _sources.TryGetValue(cluster.ConnectionString, out var source) ? source : _sources[cluster.ConnectionString] = Build(cluster);
        }
    }

    /// <summary>Without what PostgreSQL has and Redshift does not: types to ask for, sessions to reset.</summary>
    private static NpgsqlDataSource Build(NpgsqlDataSourceBuilder cluster)
    {
        cluster.ConfigureTypeLoading(types => types.EnableTypeLoading(false)).ConnectionStringBuilder.NoResetOnClose = true;
        return cluster.Build();
    }
}
