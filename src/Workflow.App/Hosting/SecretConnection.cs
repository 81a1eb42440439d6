using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Npgsql;
using Workflow.Cloud.Outbound;
using Workflow.Cloud.Secrets;

namespace Workflow.App.Hosting;

/// <summary>How to reach a database, from the fields that AWS Secrets Manager keeps for one.</summary>
internal static class SecretConnection
{
    /// <param name="usual">What holds where the secret says nothing.</param>
    /// <exception cref="SecretException">A field is missing, or says what cannot be.</exception>
    public static NpgsqlConnectionStringBuilder Read(Secret secret, NpgsqlConnectionStringBuilder usual) => new(usual.ConnectionString)
    {
        Host = secret.Find("host") ?? usual.Host ?? secret["host"],
        Port = Port(secret, usual.Port),
        Username = secret["username"],
        Password = secret["password"],
        Database = secret.Find("dbname") ?? usual.Database ?? secret["dbname"],
        SslMode = Encryption(secret) ?? usual.SslMode,
    };

    /// <summary>
    /// A source for the database of a secret. A host that the secret names is connected to at the address that the guard has seen, since the name
    /// may mean another a moment later; the certificate is to be that of the name.
    /// </summary>
    /// <param name="usual">What holds where the secret says nothing; its host is the settings' own.</param>
    /// <exception cref="SecretException">A field is missing, or says what cannot be.</exception>
    /// <exception cref="OutboundRefusedException">The host is not open to us.</exception>
    public static async Task<NpgsqlDataSourceBuilder> GuardAsync(Secret secret, NpgsqlConnectionStringBuilder usual, OutboundGuard guard, CancellationToken cancellation)
    {
        var builder = new NpgsqlDataSourceBuilder(Read(secret, usual).ConnectionString);
        if (secret.Find("host") is not { } host)
        {
            return builder;
        }

        var connection = builder.ConnectionStringBuilder;
        var addresses = await AddressesAsync(secret, connection.Port, guard, cancellation);
        connection.Host = $"{await FirstAsync(addresses, connection.Port, cancellation)}";
        return builder.UseSslClientAuthenticationOptionsCallback(tls => tls.TargetHost = host);
    }

    /// <summary>Where the guard lets us connect to the host that a secret names.</summary>
    /// <exception cref="OutboundRefusedException">The host is not open to us.</exception>
    public static async Task<IPAddress[]> AddressesAsync(Secret secret, int port, OutboundGuard guard, CancellationToken cancellation)
    {
        try
        {
            return await guard.CheckDatabaseAsync(secret["host"], port, cancellation);
        }
        catch (SocketException unknown)
        {
            throw new IOException($"The database of secret '{secret.Name}' is not found at {secret["host"]}: {unknown.Message}", unknown);
        }
    }

    public static int Port(Secret secret, int usual) =>
        secret.Find("port") is not { } port ? usual
        : int.TryParse(port, CultureInfo.InvariantCulture, out var number) ? number
        : throw new SecretException($"The field 'port' of secret '{secret.Name}' is not a number.");

    /// <summary>Npgsql takes one address: of several, the first that listens.</summary>
    private static async Task<IPAddress> FirstAsync(IPAddress[] addresses, int port, CancellationToken cancellation)
    {
        if (addresses is [var one])
        {
            return one;
        }

        try
        {
            using var socket = await OutboundGuard.ConnectAsync(addresses, port, cancellation);
            var found = ((IPEndPoint)socket.RemoteEndPoint!).Address;
            return found.IsIPv4MappedToIPv6 ? found.MapToIPv4() : found;
        }
        catch (SocketException)
        {
            // None does, and Npgsql says why.
            return addresses[0];
        }
    }

    /// <returns>Null where the secret does not say.</returns>
    public static SslMode? Encryption(Secret secret) => secret.Find("sslmode") switch
    {
        null => null,
        "prefer" => SslMode.Prefer,
        "disable" => SslMode.Disable,
        "require" => SslMode.Require,
        "verify-full" => SslMode.VerifyFull,
        _ => throw new SecretException($"The field 'sslmode' of secret '{secret.Name}' is none of disable, prefer, require and verify-full."),
    };

    /// <summary>The database does not take the user, or the password; not what a user it knows may not do.</summary>
    public static bool IsAuthenticationFailure(Exception refused) =>
        refused is PostgresException { SqlState: PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification };
}
