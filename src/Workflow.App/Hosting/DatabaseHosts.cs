using System.Net.Sockets;
using Npgsql;
using Workflow.App.Configuration;
using Workflow.Cloud.Outbound;

namespace Workflow.App.Hosting;

/// <summary>Where the databases are that the settings name, looked at before anything connects to them.</summary>
internal static class DatabaseHosts
{
    /// <exception cref="SettingsException">A host is where clouds keep the credentials of their machines, or where nothing is.</exception>
    public static async Task CheckAsync(Settings settings, CancellationToken cancellation)
    {
        var errors = new SettingErrors();
        await CheckAsync("ConnectionStrings:Hub", settings.Hub, errors, cancellation);
        await CheckAsync("ConnectionStrings:Warehouse", settings.Warehouse, errors, cancellation);
        await CheckAsync($"{WarehouseSettings.Section}:{nameof(WarehouseSettings.Redshift)}", settings.Loads.Redshift, errors, cancellation);
        errors.ThrowIfAny();
    }

    private static async Task CheckAsync(string key, string? connection, SettingErrors errors, CancellationToken cancellation)
    {
        foreach (var host in HostsOf(new NpgsqlConnectionStringBuilder(connection).Host))
        {
            try
            {
                await OutboundGuard.CheckDatabaseOfSettingsAsync(host, cancellation);
            }
            catch (OutboundRefusedException closed)
            {
                // Not the value: it may hold a password.
                errors.Add(key, null, closed.Message);
            }
            catch (SocketException)
            {
                // Nobody knows the name at this moment, so there is nothing to connect to either. Whoever tries says so.
            }
        }
    }

    /// <summary>A connection string names several hosts with commas, each with its port or without, and a folder for sockets of this machine.</summary>
    private static IEnumerable<string> HostsOf(string? hosts) =>
        (hosts ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Where(host => host[0] is not ('/' or '@')).Select(WithoutPort);

    private static string WithoutPort(string host) =>
        host[0] == '[' ? host[..(host.IndexOf(']', StringComparison.Ordinal) + 1)] : host.Split(':') is [var name, _] ? name : host;
}
