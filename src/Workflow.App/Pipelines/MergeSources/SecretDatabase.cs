using Npgsql;
using Workflow.App.Hosting;
using Workflow.Cloud.Outbound;
using Workflow.Cloud.Secrets;
using Workflow.Data.MySql;
using Workflow.Data.Postgres;
using Workflow.Data.Sources;

namespace Workflow.App.Pipelines.MergeSources;

/// <summary>The database that a secret speaks of.</summary>
internal static class SecretDatabase
{
    private const int MySqlPort = 3306;
    private const int WrongPassword = 1045;

    /// <exception cref="SecretException">A field is missing, or says what cannot be.</exception>
    /// <exception cref="OutboundRefusedException">The host is not open to us.</exception>
    public static async Task<ISourceDatabase> OpenAsync(Secret secret, OutboundGuard guard, CancellationToken cancellation) => IsMySql(secret)
        ? await OpenMySqlAsync(secret, guard, cancellation)
        : new PostgresSource((await SecretConnection.GuardAsync(secret, new(), guard, cancellation)).Build());

    /// <summary>The database does not take the user, or the password; not what a user it knows may not do.</summary>
    public static bool IsAuthenticationFailure(Exception refused) =>
        SecretConnection.IsAuthenticationFailure(refused) || refused is MySqlException { Code: WrongPassword };

    private static bool IsMySql(Secret secret) => secret.Find("engine") switch
    {
        "postgres" or "aurora-postgresql" => false,
        "mysql" or "mariadb" or "aurora-mysql" => true,
        null => secret.Find("port") == $"{MySqlPort}",
        var engine => throw new SecretException($"The secret '{secret.Name}' is for a database of engine '{engine}'; postgres, aurora-postgresql, mysql, mariadb and aurora-mysql are read."),
    };

    private static async Task<MySqlSource> OpenMySqlAsync(Secret secret, OutboundGuard guard, CancellationToken cancellation)
    {
        var port = SecretConnection.Port(secret, MySqlPort);
        return new(new(secret["host"], port, secret["username"], secret["password"], secret["dbname"])
        {
            Addresses = await SecretConnection.AddressesAsync(secret, port, guard, cancellation),
            Tls = SecretConnection.Encryption(secret) switch
            {
                SslMode.Disable => MySqlTls.Disabled,
                SslMode.Require => MySqlTls.Required,
                SslMode.VerifyFull => MySqlTls.VerifyIdentity,
                _ => MySqlTls.Preferred,
            },
        });
    }
}
