namespace Workflow.App.Api.Access;

/// <summary>Keys and tokens alike: what a caller shows, and whose it is.</summary>
internal sealed class Credentials(ApiKeys keys, OidcTokens tokens)
{
    public Task<Recognition> RecogniseAsync(string credential, CancellationToken cancellation) =>
        ApiKey.TryParse(credential, out var key) ? keys.RecogniseAsync(key, cancellation) : tokens.RecogniseAsync(credential, cancellation);

    /// <summary>There is somebody who can be asked: a holder of a good key, or of a token.</summary>
    public async Task<bool> AnyAsync(CancellationToken cancellation) => tokens.IsConfigured || await keys.AnyAsync(cancellation);
}
