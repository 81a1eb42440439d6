using System.Globalization;
using Npgsql;
using Workflow.Cloud.Secrets;
using Workflow.Data.MySql;
using Workflow.Data.Postgres;
using Workflow.Data.Sources;

namespace Workflow.App.Pipelines.MergeSources;

/// <summary>The database that a secret speaks of. The fields are those that AWS Secrets Manager keeps for one.</summary>
internal static class SecretDatabase
{
    private const int PostgresPort = 5432;
    private const int MySqlPort = 3306;
    private const int WrongPassword = 1045;

    /// <exception cref="SecretException">A field is missing, or says what cannot be.</exception>
    public static ISourceDatabase Open(Secret secret) => IsMySql(secret) ? OpenMySql(secret) : OpenPostgres(secret);

    /// <summary>The database does not take the user, or the password; not what a user it knows may not do.</summary>
    public static bool IsAuthenticationFailure(Exception refused) => refused switch
    {
        PostgresException { SqlState: PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification } => true,
        MySqlException { Code: WrongPassword } => true,
        _ => false,
    };

    private static bool IsMySql(Secret secret) => secret.Find("engine") switch
    {
        "postgres" or "aurora-postgresql" => false,
        "mysql" or "mariadb" or "aurora-mysql" => true,
        null => secret.Find("port") == $"{MySqlPort}",
        var engine => throw new SecretException($"The secret '{secret.Name}' is for a database of engine '{engine}'; postgres, aurora-postgresql, mysql, mariadb and aurora-mysql are read."),
    };

    private static PostgresSource OpenPostgres(Secret secret) => new(NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder
    {
        Host = secret["host"],
        Port = Port(secret, PostgresPort),
        Username = secret["username"],
        Password = secret["password"],
        Database = secret["dbname"],
        SslMode = Encryption(secret).Postgres,
    }));

    private static MySqlSource OpenMySql(Secret secret) =>
        new(new(secret["host"], Port(secret, MySqlPort), secret["username"], secret["password"], secret["dbname"]) { Tls = Encryption(secret).MySql });

    private static int Port(Secret secret, int usual) =>
        secret.Find("port") is not { } port ? usual
        : int.TryParse(port, CultureInfo.InvariantCulture, out var number) ? number
        : throw new SecretException($"The field 'port' of secret '{secret.Name}' is not a number.");

    private static (SslMode Postgres, MySqlTls MySql) Encryption(Secret secret) => secret.Find("sslmode") switch
    {
        null or "prefer" => (SslMode.Prefer, MySqlTls.Preferred),
        "disable" => (SslMode.Disable, MySqlTls.Disabled),
        "require" => (SslMode.Require, MySqlTls.Required),
        "verify-full" => (SslMode.VerifyFull, MySqlTls.VerifyIdentity),
        _ => throw new SecretException($"The field 'sslmode' of secret '{secret.Name}' is none of disable, prefer, require and verify-full."),
    };
}
