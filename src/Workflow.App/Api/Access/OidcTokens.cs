using System.Security.Claims;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;
using Workflow.App.Configuration;

namespace Workflow.App.Api.Access;

/// <summary>Bearer tokens of the configured issuer. Who they are for, until when and who signed them is checked by Microsoft's own library.</summary>
internal sealed class OidcTokens(AccessSettings access, OidcKeys keys)
{
    private const int LongestToken = 16 << 10;
    private static readonly TimeSpan Skew = TimeSpan.FromSeconds(30);

    private readonly JsonWebTokenHandler _handler = new() { MapInboundClaims = false, MaximumTokenSizeInBytes = LongestToken };

    public bool IsConfigured => access.Oidc is not null;

    /// <exception cref="IssuerAwayException">The issuer's keys are not known and cannot be had.</exception>
    public async Task<Recognition> RecogniseAsync(string token, CancellationToken cancellation)
    {
        if (access.Oidc is not { } issuer)
        {
            return Recognition.Refused("it is no key, and tokens are not taken (Access:Oidc)");
        }

        if (token.Length > LongestToken || !_handler.CanReadToken(token))
        {
            return Recognition.Refused("it is neither a key nor a token");
        }

        var known = await keys.GetAsync(issuer, cancellation);
        var result = await ValidateAsync(issuer, known, token);
        if (result.Exception is SecurityTokenSignatureKeyNotFoundException && await keys.FindNewerAsync(issuer, known, cancellation) is { } newer)
        {
            result = await ValidateAsync(issuer, newer, token);
        }

        return result.IsValid
            ? new(CallerOf(issuer, result.ClaimsIdentity), null)
            : Recognition.Refused($"token: {result.Exception.GetType().Name}: {result.Exception.Message}");
    }

    private Task<TokenValidationResult> ValidateAsync(OidcSettings issuer, OpenIdConnectConfiguration known, string token) => _handler.ValidateTokenAsync(token, new TokenValidationParameters
    {
        ValidIssuer = issuer.Issuer,
        ValidAudience = issuer.Audience,
        IssuerSigningKeys = known.SigningKeys,

        // Only what public keys verify: neither "none" nor a key of theirs taken for a shared secret.
        ValidAlgorithms = [SecurityAlgorithms.RsaSha256, SecurityAlgorithms.EcdsaSha256],
        RequireSignedTokens = true,
        RequireExpirationTime = true,
        ClockSkew = Skew,
    });

    private static Caller CallerOf(OidcSettings issuer, ClaimsIdentity claims)
    {
        var given = Values(claims, issuer.RoleClaim);
        Role? role = given.Overlaps(issuer.Roles.Admin) ? Role.Admin : given.Overlaps(issuer.Roles.Operator) ? Role.Operator : given.Overlaps(issuer.Roles.Viewer) ? Role.Viewer : null;
        var pipelines = issuer.PipelinesClaim is null ? null : Values(claims, issuer.PipelinesClaim);
        var name = claims.FindFirst(issuer.NameClaim)?.Value ?? claims.FindFirst(JwtRegisteredClaimNames.Sub)?.Value ?? "somebody";
        return new($"{name} of {issuer.Issuer}", role, pipelines?.Contains("*") == true ? null : Caller.Scope(pipelines));
    }

    /// <summary>A claim's values: a list, or one text with spaces between them, as scopes are.</summary>
    private static HashSet<string> Values(ClaimsIdentity claims, string type) =>
        claims.FindAll(type).SelectMany(claim => claim.Value.Split(' ', StringSplitOptions.RemoveEmptyEntries)).ToHashSet(StringComparer.Ordinal);
}

/// <summary>The issuer of tokens does not answer, so a token can be neither believed nor refused.</summary>
internal sealed class IssuerAwayException() : Exception("The issuer of tokens does not answer. Try again later, or use a key.");
