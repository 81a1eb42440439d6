using System.Globalization;
using Npgsql;
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

    public static int Port(Secret secret, int usual) =>
        secret.Find("port") is not { } port ? usual
        : int.TryParse(port, CultureInfo.InvariantCulture, out var number) ? number
        : throw new SecretException($"The field 'port' of secret '{secret.Name}' is not a number.");

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
