using Workflow.Durable;

namespace Workflow.App.Api.Access;

/// <summary>
/// Lets a caller do what their role and their pipelines allow, and writes down every change that is asked for: before it is made, and when it is
/// refused for lack of rights, too.
/// </summary>
internal sealed class Authorization(RequestDelegate next, RunOwners owners, AuditTable audit, ILogger<Authorization> logger)
{
    private static readonly TimeSpan EndWithin = TimeSpan.FromSeconds(10);

    public async Task InvokeAsync(HttpContext context)
    {
        // What routing found nothing for, and what is open, needs no rights.
        if (context.GetEndpoint() is not RouteEndpoint endpoint || endpoint.Metadata.GetMetadata<OpenEndpoint>() is not null)
        {
            await next(context);
            return;
        }

        var caller = Caller.Of(context);
        var change = ChangeOf(context, endpoint, caller);
        if (change.Instance is not null && (caller.Pipelines is not null || IsChange(context.Request)))
        {
            change.Pipeline = await owners.FindPipelineAsync(change.Instance, context.RequestAborted);
        }

        if (await FindRefusalAsync(context, endpoint, caller, change) is { } refusal)
        {
            await RefuseAsync(context, change, refusal);
        }
        else if (IsChange(context.Request))
        {
            context.Features.Set(change);
            await MakeAsync(context, change);
        }
        else
        {
            await next(context);
        }
    }

    private static AuditedChange ChangeOf(HttpContext context, RouteEndpoint endpoint, Caller caller) => new(
        caller.Name, caller.Role, Caller.AddressOf(context).ToString(), $"{context.Request.Method} {endpoint.RoutePattern.RawText?.TrimEnd('/')}", $"{context.Request.Path}{context.Request.QueryString}")
    {
        Pipeline = endpoint.PipelineOf(context),
        Instance = endpoint.RunOf(context),
    };

    private async Task<Refusal?> FindRefusalAsync(HttpContext context, RouteEndpoint endpoint, Caller caller, AuditedChange change)
    {
        if (endpoint.Metadata.GetMetadata<NeededRole>() is not { } needed)
        {
            return new(StatusCodes.Status403Forbidden, "the endpoint does not say whom it is for");
        }

        if (caller.Role is not { } role || role < needed.Role)
        {
            return new(StatusCodes.Status403Forbidden, $"it needs {needed.Role}");
        }

        return caller.Pipelines is null || endpoint.Metadata.GetMetadata<ShowsByCaller>() is not null ? null : await FindOutOfScopeAsync(context, endpoint, caller, change);
    }

    private async Task<Refusal?> FindOutOfScopeAsync(HttpContext context, RouteEndpoint endpoint, Caller caller, AuditedChange change)
    {
        if (endpoint.IsOfRun())
        {
            // As if it were not there: that it is, is none of their business.
            return change.Pipeline is { } owner && caller.MaySee(owner) ? null : new(StatusCodes.Status404NotFound, $"run {change.Instance} is of no pipeline of theirs");
        }

        if (change.Pipeline is null || !caller.MaySee(change.Pipeline))
        {
            return new(StatusCodes.Status403Forbidden, change.Pipeline is null ? "it is about the installation as a whole" : $"{change.Pipeline} is no pipeline of theirs");
        }

        // A start under an id of the caller's own must not tell about a run of others.
        return endpoint.StartedOf(context) is { } instance && await owners.FindPipelineAsync(instance, context.RequestAborted) is { } taken && !caller.MaySee(taken)
            ? new(StatusCodes.Status409Conflict, $"run {instance} is of {taken}")
            : null;
    }

    private async Task RefuseAsync(HttpContext context, AuditedChange change, Refusal refusal)
    {
        logger.LogWarning("Refused {Method} {Path} from {Address}: {Caller} ({Role}) may not: {Why}.", context.Request.Method, context.Request.Path, change.Address, change.Caller, change.Role, refusal.Why);
        if (IsChange(context.Request))
        {
            await audit.RefuseAsync(change, refusal.Status, context.RequestAborted);
        }

        throw refusal.Status switch
        {
            StatusCodes.Status404NotFound => new InstanceNotFoundException(change.Instance!),
            StatusCodes.Status409Conflict => new AccessRefusedException(refusal.Status, "The instance id is taken. Give another."),
            _ => new AccessRefusedException(refusal.Status, AccessRefusedException.NotAllowed),
        };
    }

    private async Task MakeAsync(HttpContext context, AuditedChange change)
    {
        var entry = await audit.BeginAsync(change, context.RequestAborted);
        var outcome = AuditOutcome.Failed;
        try
        {
            await next(context);
            outcome = context.Response.StatusCode switch
            {
                < 400 => AuditOutcome.Done,
                < 500 => AuditOutcome.Refused,
                _ => AuditOutcome.Failed,
            };
        }
        finally
        {
            await EndAsync(entry, change, outcome, context.Response.StatusCode);
        }
    }

    /// <summary>A caller who has hung up does not keep the row from being finished. A row that cannot be finished stays as it is and says so itself.</summary>
    private async Task EndAsync(long entry, AuditedChange change, AuditOutcome outcome, int status)
    {
        using var enough = new CancellationTokenSource(EndWithin);
        try
        {
            await audit.EndAsync(entry, change, outcome, status, enough.Token);
        }
        catch (Exception lost) when (lost is Npgsql.NpgsqlException or OperationCanceledException)
        {
            logger.LogError(lost, "Entry {Entry} of the audit stays Begun: {Action} by {Caller} was answered with {Status}.", entry, change.Action, change.Caller, status);
        }
    }

    private static bool IsChange(HttpRequest request) => !(HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) || HttpMethods.IsOptions(request.Method));

    private readonly record struct Refusal(int Status, string Why);
}

/// <summary>The caller may not; what is answered says no more than that.</summary>
internal sealed class AccessRefusedException(int status, string message) : Exception(message)
{
    public const string NotAllowed = "Your key or token does not allow this.";

    public int Status => status;
}
