using System.Globalization;
using Workflow.App.Hosting;

namespace Workflow.App.Api.Access;

/// <summary>Asks every caller who they are, before anything is said about what there is. The reason of a refusal goes to the log, not into the answer.</summary>
internal sealed class Authentication(RequestDelegate next, Credentials credentials, FailedAttempts failures, ListenAddresses listen, ILogger<Authentication> logger)
{
    private const string Challenge = "Bearer realm=\"workflow\"";
    private const string ApiKeyHeader = "X-Api-Key";
    private static readonly string[] CredentialNames = ["access_token", "api_key", "apikey", "api-key", "x-api-key"];
    private bool _hasKeys = listen.IsLoopback;

    public async Task InvokeAsync(HttpContext context)
    {
        if (HasCredentialInAddress(context.Request.Query))
        {
            Log(context, "a key or token in the address");
            await RefuseAsync(context, StatusCodes.Status400BadRequest, "Keys and tokens are not taken from the address, which ends up in logs and histories. Send it as a header, and make a new one: this one has been shown.");
        }
        else if (context.GetEndpoint()?.Metadata.GetMetadata<OpenEndpoint>() is not null)
        {
            await PassOpenAsync(context);
        }
        else if (Read(context.Request) is not { } credential)
        {
            await AskAsync(context, "no key or token", Challenge);
        }
        else if (await RecogniseAsync(context, credential) is { } caller)
        {
            context.Features.Set(caller);
            await next(context);
        }
    }

    /// <summary>Where other machines may call, nothing answers before somebody holds a key, except to watchdogs.</summary>
    private async Task PassOpenAsync(HttpContext context)
    {
        var isHealth = context.Request.Path.StartsWithSegments("/health");
        if (!isHealth && !_hasKeys)
        {
            _hasKeys = await credentials.AnyAsync(context.RequestAborted);
        }

        await (isHealth || _hasKeys ? next(context) : AskAsync(context, "nobody holds a key yet: workflow keys create", Challenge));
    }

    private async Task<Caller?> RecogniseAsync(HttpContext context, string credential)
    {
        var address = Caller.AddressOf(context);
        if (failures.WaitFor(address, credential) is { } wait)
        {
            Log(context, "too many wrong keys or tokens");
            context.Response.Headers.RetryAfter = Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
            await RefuseAsync(context, StatusCodes.Status429TooManyRequests, "Too many wrong keys or tokens came from this address. Try again later.");
            return null;
        }

        var found = await credentials.RecogniseAsync(credential, context.RequestAborted);
        if (found.Caller is null)
        {
            failures.WasWrong(address, credential);
            await AskAsync(context, found.Refusal!, $"{Challenge}, error=\"invalid_token\"");
            return null;
        }

        failures.WasRight(credential);
        return found.Caller;
    }

    private Task AskAsync(HttpContext context, string why, string challenge)
    {
        Log(context, why);
        context.Response.Headers.WWWAuthenticate = challenge;
        return RefuseAsync(context, StatusCodes.Status401Unauthorized, "Send a valid key or token: Authorization: Bearer …, or X-Api-Key.");
    }

    private void Log(HttpContext context, string why) =>
        logger.LogWarning("Refused {Method} {Path} from {Address}: {Why}.", context.Request.Method, context.Request.Path, Caller.AddressOf(context), why);

    private static Task RefuseAsync(HttpContext context, int status, string detail) => TypedResults.Problem(detail, statusCode: status).ExecuteAsync(context);

    private static string? Read(HttpRequest request)
    {
        if (request.Headers[ApiKeyHeader] is [{ Length: > 0 } key])
        {
            return key;
        }

        const string Scheme = "Bearer ";
        return request.Headers.Authorization is [{ } header] && header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) && header[Scheme.Length..].Trim() is { Length: > 0 } bearer ? bearer : null;
    }

    private static bool HasCredentialInAddress(IQueryCollection query) =>
        query.Any(parameter => CredentialNames.Contains(parameter.Key, StringComparer.OrdinalIgnoreCase) || parameter.Value.Any(value => ApiKey.TryParse(value, out _)));
}
