using System.Data;
using Npgsql;
using Workflow.Durable.Store;

namespace Workflow.Durable.Worker;

/// <summary>
/// This host's right to work: a row that says until when, and a lock that lives as long as its connection, so that the others
/// see at once when the process is gone. While nothing is in hand nothing is written; the lease may then end and is replaced by a new one.
/// </summary>
internal sealed class HostLease(TaskHub hub, TimeSpan duration, TimeProvider time) : IAsyncDisposable
{
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(2);

    private readonly SemaphoreSlim _one = new(1);
    private readonly string _host = $"{Environment.MachineName}/{Environment.ProcessId}";
    private NpgsqlConnection? _connection;
    private long _renewed;

    /// <summary>0 before the first lease.</summary>
    public long Id { get; private set; }

    /// <summary>A commit renews the lease too.</summary>
    public void Renewed() => _renewed = time.GetTimestamp();

    /// <summary>A third of its time has passed since it was last renewed.</summary>
    public bool IsAging => time.GetElapsedTime(_renewed) > duration / 3;

    public bool HasSurelyEnded => time.GetElapsedTime(_renewed) > duration;

    /// <summary>A live lease to take work under.</summary>
    /// <param name="nothingInHand">A lease that has ended is replaced by a new one.</param>
    /// <exception cref="LeaseLostException">It has ended, with work in hand.</exception>
    public async Task EnsureAsync(bool nothingInHand, CancellationToken cancellation)
    {
        await _one.WaitAsync(cancellation);
        try
        {
            if (Id != 0 && !IsAging && _connection?.State == ConnectionState.Open)
            {
                return;
            }

            if (Id != 0 && await TryRenewAsync(cancellation))
            {
                return;
            }

            if (Id != 0 && !nothingInHand)
            {
                throw new LeaseLostException($"Lease {Id} of {_host} has ended.");
            }

            await AcquireAsync(cancellation);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Takes away the leases of hosts that are gone, so that their work is free. Says which.</summary>
    public async Task<IReadOnlyList<string>> ReapAsync(CancellationToken cancellation)
    {
        await using var command = hub.Data.CreateCommand(Sql.LeaseReap);
        command.Parameters.Add(Sql.Of(Id));
        command.Parameters.Add(Sql.Of(s_grace));
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var gone = new List<string>();
        while (await reader.ReadAsync(cancellation))
        {
            gone.Add($"{reader.GetString(1)} (lease {reader.GetInt64(0)}: {reader.GetInt64(2)} instances, {reader.GetInt64(3)} activities)");
        }

        return gone;
    }

    /// <summary>Gives everything back.</summary>
    public async Task ReleaseAsync(CancellationToken cancellation)
    {
        await using var batch = hub.Data.CreateBatch();
        batch.BatchCommands.Add(Sql.Command(Sql.LeaseRelease, Sql.Of(Id)));
        batch.BatchCommands.Add(Sql.Command(Sql.Notify, Sql.Of(Call.For(hub.ProcessId, leavesWork: true, ended: [])!)));
        await batch.ExecuteNonQueryAsync(cancellation);
        Id = 0;
    }

    public async ValueTask DisposeAsync()
    {
        await DropConnectionAsync();
        _one.Dispose();
    }

    /// <summary>Lets go of the lease's lock before the session goes back to the pool.</summary>
    private async Task DropConnectionAsync()
    {
        if (_connection is { } connection)
        {
            _connection = null;
            if (connection.State == ConnectionState.Open)
            {
                try
                {
                    await using var let = new NpgsqlCommand("SELECT pg_advisory_unlock_all()", connection);
                    await let.ExecuteNonQueryAsync();
                }
                catch (NpgsqlException)
                {
                    // The session is gone, and the lock with it.
                }
            }

            await connection.DisposeAsync();
        }
    }

    private async Task<bool> TryRenewAsync(CancellationToken cancellation)
    {
        var connection = await OpenAsync(cancellation);
        var begun = time.GetTimestamp();
        await using var renew = new NpgsqlCommand(Sql.LeaseRenew, connection);
        renew.Parameters.Add(Sql.Of(Id));
        renew.Parameters.Add(Sql.Of(duration));
        if (await renew.ExecuteNonQueryAsync(cancellation) == 0)
        {
            return false;
        }

        _renewed = begun;
        return true;
    }

    private async Task AcquireAsync(CancellationToken cancellation)
    {
        await DropConnectionAsync();
        var begun = time.GetTimestamp();
        var connection = await hub.Data.OpenConnectionAsync(cancellation);
        await using (var acquire = new NpgsqlCommand(Sql.LeaseAcquire, connection))
        {
            acquire.Parameters.Add(Sql.Of(_host));
            acquire.Parameters.Add(Sql.Of(duration));
            Id = (long)(await acquire.ExecuteScalarAsync(cancellation))!;
        }

        await HoldAsync(connection, cancellation);
        _connection = connection;
        _renewed = begun;
    }

    private async Task<NpgsqlConnection> OpenAsync(CancellationToken cancellation)
    {
        if (_connection is { State: ConnectionState.Open } open)
        {
            return open;
        }

        await DropConnectionAsync();
        var connection = await hub.Data.OpenConnectionAsync(cancellation);
        await HoldAsync(connection, cancellation);
        return _connection = connection;
    }

    private async Task HoldAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var hold = new NpgsqlCommand(Sql.LeaseHold, connection);
        hold.Parameters.Add(Sql.Of(Id));
        await hold.ExecuteNonQueryAsync(cancellation);
    }
}
