using Workflow.Durable.Replay;

namespace Workflow.Durable;

/// <summary>A step failed for good: which one, and why.</summary>
/// <param name="taskName">The activity or orchestrator called.</param>
/// <param name="taskId">The number of the step in the calling orchestration.</param>
public sealed class TaskFailedException(string taskName, int taskId, TaskFailureDetails failureDetails)
    : Exception($"Step {taskId} '{taskName}' failed: {failureDetails.ErrorMessage}")
{
    public string TaskName => taskName;

    public int TaskId => taskId;

    public TaskFailureDetails FailureDetails => failureDetails;
}

/// <summary>An exception as history keeps it.</summary>
/// <param name="ErrorType">Full name of the exception's type.</param>
/// <param name="ErrorMessage">Its message.</param>
/// <param name="StackTrace">Its stack trace, where there was one.</param>
/// <param name="InnerFailure">What caused it.</param>
/// <param name="IsNonRetriable">No retry can mend it, whatever the policy says.</param>
public sealed record TaskFailureDetails(
    string ErrorType, string ErrorMessage, string? StackTrace = null, TaskFailureDetails? InnerFailure = null, bool IsNonRetriable = false)
{
    public static TaskFailureDetails FromException(Exception exception) => Failures.From(exception).ToDetails();

    /// <summary>True if this failure is of the given exception type or of one derived from it that is loaded here.</summary>
    public bool IsCausedBy(Type exceptionType) => Failures.IsCausedBy(ErrorType, exceptionType);

    /// <inheritdoc cref="IsCausedBy(Type)"/>
    public bool IsCausedBy<TException>() where TException : Exception => IsCausedBy(typeof(TException));

    public override string ToString() => $"{ErrorType}: {ErrorMessage}";
}

/// <summary>Thrown by an activity whose failure no retry can mend: bad input, a refused credential.</summary>
public class NonRetriableException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// The orchestrator's code asked for other steps than its history holds. The instance fails with this; it is never run on.
/// </summary>
public sealed class NonDeterministicOrchestrationException(string message) : NonRetriableException(message);

/// <summary>An input, output, event or status was larger than 1 MiB as JSON.</summary>
public sealed class PayloadTooLargeException(string message) : NonRetriableException(message);
