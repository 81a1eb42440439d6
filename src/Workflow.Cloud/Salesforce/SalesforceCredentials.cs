using System.Security.Cryptography;
using System.Text;
using Workflow.Cloud.Secrets;

namespace Workflow.Cloud.Salesforce;

/// <summary>
/// How to log in: with a user's name and password (OAuth's password flow) or, without a user, as the connected application itself
/// (client credentials). It does not print.
/// </summary>
public sealed class SalesforceCredentials
{
    private const string StandIn = "local";
    private const string DefaultLogin = "https://login.salesforce.com";

    private readonly Dictionary<string, string> _form;
    private readonly string[] _hidden;

    private SalesforceCredentials(Uri login, Dictionary<string, string> form, string[] hidden)
    {
        TokenAddress = new(login.AbsoluteUri.TrimEnd('/') + "/services/oauth2/token");
        _form = form;
        _hidden = hidden;
        Key = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', [login.AbsoluteUri, .. form.Values]))));
    }

    internal Uri TokenAddress { get; }

    /// <summary>Stands for these credentials where they must not be kept.</summary>
    internal string Key { get; }

    /// <summary>
    /// The fields are <c>client_id</c>, <c>client_secret</c> and, for a user, <c>username</c>, <c>password</c> and <c>security_token</c>
    /// (left out where the network is a trusted one). <c>login_url</c> is the organisation's own domain; for a user it may be left out.
    /// </summary>
    /// <param name="secret">The secret.</param>
    /// <param name="standIn">What a <c>login_url</c> of <c>local</c> means; null for nothing.</param>
    /// <exception cref="SecretException">A field is missing, or its value cannot be used.</exception>
    public static SalesforceCredentials From(Secret secret, Uri? standIn = null)
    {
        var (id, hidden) = (secret["client_id"], secret["client_secret"]);
        if (secret.Find("username") is not { } user)
        {
            // The general login host does not serve applications, only users.
            return new(Login(secret, secret["login_url"], standIn), new() { ["grant_type"] = "client_credentials", ["client_id"] = id, ["client_secret"] = hidden }, [hidden]);
        }

        var (password, token) = (secret["password"], secret.Find("security_token") ?? "");
        return new(
            Login(secret, secret.Find("login_url") ?? DefaultLogin, standIn),
            new() { ["grant_type"] = "password", ["client_id"] = id, ["client_secret"] = hidden, ["username"] = user, ["password"] = password + token },
            [password + token, hidden, password, token]);
    }

    internal HttpContent Form() => new FormUrlEncodedContent(_form);

    /// <summary>A text from outside, without anything of these credentials in it.</summary>
    internal string Redact(string text) =>
        _hidden.Where(value => value.Length > 0).Aggregate(text, (redacted, value) => redacted.Replace(value, "***", StringComparison.Ordinal));

    /// <summary>Passwords and tokens are sent in the open only to this machine.</summary>
    internal static bool IsSafe(Uri address) => address.Scheme == Uri.UriSchemeHttps || (address.Scheme == Uri.UriSchemeHttp && address.IsLoopback);

    private static Uri Login(Secret secret, string url, Uri? standIn) =>
        url == StandIn && standIn is not null ? standIn
        : Uri.TryCreate(url, UriKind.Absolute, out var login) && IsSafe(login) ? login
        : throw new SecretException($"The field 'login_url' of secret '{secret.Name}' is not an https address: write the organisation's domain, such as https://example.my.salesforce.com.");
}
