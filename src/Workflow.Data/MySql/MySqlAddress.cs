using System.Net;

namespace Workflow.Data.MySql;

/// <summary>Where a MySQL or MariaDB server is, and as whom it is read.</summary>
/// <param name="Database">What names without a database are in.</param>
public sealed record MySqlAddress(string Host, int Port, string User, string Password, string Database)
{
    /// <summary>Where the host is, for who has looked it up already; null to look it up. A certificate is the host's in any case.</summary>
    public IReadOnlyList<IPAddress>? Addresses { get; init; }

    public MySqlTls Tls { get; init; } = MySqlTls.Preferred;

    /// <summary>Does not print the password.</summary>
    public override string ToString() => $"{User}@{Host}:{Port}/{Database}";
}

/// <summary>Whether the connection is encrypted, in the words of MySQL's <c>--ssl-mode</c>.</summary>
public enum MySqlTls
{
    Disabled,

    /// <summary>Where the server offers it; its certificate is not checked.</summary>
    Preferred,

    /// <summary>Or there is no connection; its certificate is not checked.</summary>
    Required,

    /// <summary>The certificate must be the host's, from an authority that this machine trusts.</summary>
    VerifyIdentity,
}
