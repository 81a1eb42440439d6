using Google.Protobuf.WellKnownTypes;
using Workflow.Durable.Protocol;
using Type = System.Type;

namespace Workflow.Durable.Replay;

/// <summary>Exceptions as the protocol carries them.</summary>
internal static class Failures
{
    private const string TaskIdProperty = "taskId";

    public static Protocol.TaskFailureDetails From(Exception exception) => From(exception, text => text);

    /// <param name="redact">What every text of the failure goes through.</param>
    public static Protocol.TaskFailureDetails From(Exception exception, Func<string, string> redact)
    {
        var failure = new Protocol.TaskFailureDetails
        {
            ErrorType = exception.GetType().FullName,
            ErrorMessage = redact(exception.Message),
            StackTrace = exception.StackTrace is { } trace ? redact(trace) : null,
            IsNonRetriable = exception is NonRetriableException,
        };
        failure.InnerFailure = exception switch
        {
            TaskFailedException step => From(step.FailureDetails),
            { InnerException: { } inner } => From(inner, redact),
            _ => null,
        };
        if (exception is TaskFailedException { TaskId: var taskId })
        {
            failure.Properties[TaskIdProperty] = Value.ForNumber(taskId);
        }

        return failure;
    }

    /// <summary>The step whose failure this one is, or came of; null where the orchestrator's code failed by itself.</summary>
    public static int? FailedStep(Protocol.TaskFailureDetails? failure)
    {
        for (; failure is not null; failure = failure.InnerFailure)
        {
            if (failure.Properties.TryGetValue(TaskIdProperty, out var taskId))
            {
                return (int)taskId.NumberValue;
            }
        }

        return null;
    }

    public static Protocol.TaskFailureDetails From(TaskFailureDetails details) => new()
    {
        ErrorType = details.ErrorType,
        ErrorMessage = details.ErrorMessage,
        StackTrace = details.StackTrace,
        InnerFailure = details.InnerFailure is null ? null : From(details.InnerFailure),
        IsNonRetriable = details.IsNonRetriable,
    };

    public static TaskFailureDetails ToDetails(this Protocol.TaskFailureDetails failure) =>
        new(failure.ErrorType, failure.ErrorMessage, failure.StackTrace, failure.InnerFailure?.ToDetails(), failure.IsNonRetriable);

    public static bool IsCausedBy(string errorType, Type exceptionType)
    {
        if (errorType == exceptionType.FullName || exceptionType == typeof(Exception))
        {
            return true;
        }

        var type = AppDomain.CurrentDomain.GetAssemblies()
            .Select(assembly => assembly.GetType(errorType, throwOnError: false))
            .FirstOrDefault(found => found is not null);
        return exceptionType.IsAssignableFrom(type);
    }
}
