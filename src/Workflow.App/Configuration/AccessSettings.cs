using System.Net;

namespace Workflow.App.Configuration;

/// <summary>The section <c>Access</c>: who may call, under which names, and how much.</summary>
internal sealed record AccessSettings
{
    public const string Section = "Access";

    /// <summary>Kestrel's own section, for <c>Kestrel:Certificates</c>; where it listens is said by <c>--urls</c> alone.</summary>
    public const string Kestrel = "Kestrel";

    private const int MostPerSecond = 100_000;
    private const int MostPerMinute = 100_000;

    /// <summary>Host names that the service answers under besides its addresses; one that begins with <c>*.</c> stands for all below it.</summary>
    public IReadOnlyList<string> Hosts { get; init; } = [];

    /// <summary>What one caller may ask in the long run; five times that at once.</summary>
    public int RequestsPerSecond { get; init; } = 200;

    /// <summary>How many wrong keys and tokens an address may send before it is no longer looked at for the rest of the minute.</summary>
    public int FailuresPerMinute { get; init; } = 20;

    /// <summary>Whose tokens are taken; null for nobody's.</summary>
    public OidcSettings? Oidc { get; init; }

    public static AccessSettings Load(IConfiguration sources, SettingErrors errors)
    {
        var given = SettingsReader.Read<AccessSettings>(SettingsReader.ToJson(sources.GetSection(Section)), Section, errors);
        foreach (var host in given.Hosts)
        {
            if (Uri.CheckHostName(host.StartsWith("*.", StringComparison.Ordinal) ? host[2..] : host) == UriHostNameType.Unknown)
            {
                errors.Add($"{Section}:{nameof(Hosts)}", host, "write a host name without port, for example etl.example.com or *.example.com");
            }
        }

        CheckRange(nameof(RequestsPerSecond), given.RequestsPerSecond, MostPerSecond);
        CheckRange(nameof(FailuresPerMinute), given.FailuresPerMinute, MostPerMinute);
        if (sources.GetSection($"{Kestrel}:Endpoints").Exists())
        {
            errors.Add($"{Kestrel}:Endpoints", null, "say where to listen with --urls; here only Certificates are read");
        }

        given.Oidc?.Check($"{Section}:{nameof(Oidc)}", errors);
        return given;

        void CheckRange(string name, int value, int most)
        {
            if (value < 1 || value > most)
            {
                errors.Add($"{Section}:{name}", $"{value}", $"write a number from 1 to {most}");
            }
        }
    }
}

/// <summary>An issuer of OpenID Connect tokens, and what its claims mean here.</summary>
internal sealed record OidcSettings
{
    /// <summary>As its tokens' <c>iss</c> says it; its discovery document is below it.</summary>
    public string Issuer { get; init; } = "";

    /// <summary>What the tokens' <c>aud</c> must name.</summary>
    public string Audience { get; init; } = "";

    /// <summary>The claim that says who somebody is.</summary>
    public string NameClaim { get; init; } = "sub";

    /// <summary>The claim whose values <see cref="Roles"/> knows.</summary>
    public string RoleClaim { get; init; } = "roles";

    public RoleNames Roles { get; init; } = new();

    /// <summary>The claim that names the pipelines somebody sees and steers, <c>*</c> for all; who lacks it sees none. Null: everybody sees all.</summary>
    public string? PipelinesClaim { get; init; }

    public void Check(string section, SettingErrors errors)
    {
        if (!Uri.TryCreate(Issuer, UriKind.Absolute, out var issuer) || !(issuer.Scheme == Uri.UriSchemeHttps || (issuer.Scheme == Uri.UriSchemeHttp && IsLoopback(issuer))))
        {
            errors.Add($"{section}:{nameof(Issuer)}", Issuer, "write the issuer's https address, as its tokens' iss says it");
        }

        if (Audience.Length == 0)
        {
            errors.Add($"{section}:{nameof(Audience)}", null, "write what the tokens' aud must name, for example api://workflow: a token for somebody else is nobody's here");
        }

        if (Roles is { Viewer.Count: 0, Operator.Count: 0, Admin.Count: 0 })
        {
            errors.Add($"{section}:{nameof(Roles)}", null, $"""say which values of '{RoleClaim}' mean which role, for example "Admin": ["workflow-admins"]""");
        }
    }

    private static bool IsLoopback(Uri address) => address.Host == "localhost" || (IPAddress.TryParse(address.Host.Trim('[', ']'), out var ip) && IPAddress.IsLoopback(ip));
}

/// <summary>Which values of the role claim mean which role; of several the highest counts.</summary>
internal sealed record RoleNames
{
    public IReadOnlyList<string> Viewer { get; init; } = [];

    public IReadOnlyList<string> Operator { get; init; } = [];

    public IReadOnlyList<string> Admin { get; init; } = [];
}
