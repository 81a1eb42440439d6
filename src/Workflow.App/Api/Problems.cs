using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Mvc;
using Npgsql;
using Workflow.App.Api.Access;
using Workflow.App.Configuration;
using Workflow.App.Pipelines;
using Workflow.Cloud.Objects;
using Workflow.Durable;

namespace Workflow.App.Api;

/// <summary>The request itself is wrong; the message says what would be right.</summary>
internal sealed class BadRequestException(string message) : Exception(message)
{
    /// <summary>JSON may name half of a character, and then nobody can read it as text.</summary>
    /// <exception cref="BadRequestException">It does.</exception>
    public static void ThrowIfUnreadable<T>(T body)
    {
        try
        {
            JsonSerializer.Serialize(body);
        }
        catch (Exception broken) when (broken is JsonException or InvalidOperationException)
        {
            throw new BadRequestException("The body holds half a character: one of \\uD800 to \\uDFFF without the other that belongs to it.");
        }
    }
}

/// <summary>A run that has ended cannot be steered.</summary>
internal sealed class RunEndedException(OrchestrationMetadata run)
    : Exception($"Run '{run.InstanceId}' has ended: it is {run.RuntimeStatus}.");

/// <summary>A run that has not ended cannot be purged.</summary>
internal sealed class RunNotEndedException(OrchestrationMetadata run)
    : Exception($"Run '{run.InstanceId}' is {run.RuntimeStatus}; only runs that have ended are purged. Terminate it first.");

/// <summary>Of an endpoint: statuses of its own for what is thrown; null for the usual.</summary>
internal sealed record OwnStatuses(Func<Exception, HttpStatusCode?> Of);

/// <summary>What the service throws, as problem details (RFC 9457).</summary>
internal sealed class Problems(IProblemDetailsService details, ILogger<Problems> logger) : IExceptionHandler
{
    /// <summary>To whom we do not know: what is wrong with us, and where our parts are, is none of their business.</summary>
    private const string Hidden = "The service cannot answer this now. Its log says why.";

    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        var endpoint = httpContext.Features.Get<IExceptionHandlerFeature>()?.Endpoint;
        var status = endpoint?.Metadata.GetMetadata<OwnStatuses>()?.Of(exception) ?? StatusOf(exception);
        var isOurs = status >= HttpStatusCode.InternalServerError && exception is not IssuerAwayException;
        var isHidden = isOurs && httpContext.Features.Get<Caller>() is null && endpoint?.Metadata.GetMetadata<OnThisMachine>() is null;
        if (status == HttpStatusCode.InternalServerError || isHidden)
        {
            logger.LogError(exception, "{Method} {Path} failed.", httpContext.Request.Method, httpContext.Request.Path);
        }

        var problem = new ProblemDetails { Status = (int)status, Detail = isHidden ? Hidden : Explain(exception) };
        if (exception is SettingsException wrong)
        {
            problem.Extensions["errors"] = wrong.Errors.GroupBy(error => error.Key).ToDictionary(key => key.Key, key => key.Select(error => error.ToString()).ToArray());
        }

        httpContext.Response.StatusCode = (int)status;
        await details.WriteAsync(new() { HttpContext = httpContext, ProblemDetails = problem, Exception = exception });
        return true;
    }

    private static string Explain(Exception exception) => exception is BadHttpRequestException { InnerException: JsonException broken }
        ? $"The body is not JSON: {broken.Message}"
        : exception.Message;

    private static HttpStatusCode StatusOf(Exception exception) => exception switch
    {
        UnknownPipelineException or UnknownKeyException or InstanceNotFoundException => HttpStatusCode.NotFound,
        RunConflictException or RunEndedException or RunNotEndedException or OrchestrationNotFailedException => HttpStatusCode.Conflict,
        NotSupportedException => HttpStatusCode.NotImplemented,
        PayloadTooLargeException => HttpStatusCode.RequestEntityTooLarge,
        AccessRefusedException refused => (HttpStatusCode)refused.Status,
        IssuerAwayException => HttpStatusCode.ServiceUnavailable,
        BadHttpRequestException refused => (HttpStatusCode)refused.StatusCode,
        UsageException or BadRequestException or ArgumentException => HttpStatusCode.BadRequest,
        ObjectStoreException => HttpStatusCode.BadGateway,
        PostgresException { SqlState: PostgresErrorCodes.CharacterNotInRepertoire } => HttpStatusCode.BadRequest,  // \0, which no text of PostgreSQL's holds
        NpgsqlException { IsTransient: true } => HttpStatusCode.ServiceUnavailable,
        _ => HttpStatusCode.InternalServerError,
    };
}
