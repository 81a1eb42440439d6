using System.Text.Json;
using System.Text.RegularExpressions;
using Workflow.Durable;

namespace Workflow.App.Api;

/// <summary>A run as the API and the command line show it.</summary>
/// <param name="Output">What the pipeline returned: counts and addresses; null until it has completed.</param>
/// <param name="Parent">The run that waits for this one, or null.</param>
internal record Run(
    string Instance,
    string Pipeline,
    OrchestrationRuntimeStatus Status,
    JsonElement? Output,
    RunFailure? Failure,
    JsonElement? Input,
    JsonElement? CustomStatus,
    string? Parent,
    DateTimeOffset CreatedAt,
    DateTimeOffset LastUpdatedAt,
    DateTimeOffset? CompletedAt)
{
    public bool HasEnded() => CompletedAt is not null;

    public static Run From(OrchestrationMetadata instance) => new(
        instance.InstanceId,
        instance.Name,
        instance.RuntimeStatus,
        instance.ReadOutputAs<JsonElement?>(),
        instance.FailureDetails is null ? null : RunFailure.From(instance.FailureDetails),
        instance.ReadInputAs<JsonElement?>(),
        instance.ReadCustomStatusAs<JsonElement?>(),
        instance.ParentInstanceId,
        instance.CreatedAt,
        instance.LastUpdatedAt,
        instance.CompletedAt);
}

/// <summary>A run that was asked for, and where it is looked at and steered, in the words of Durable Functions.</summary>
internal sealed record StartedRun : Run
{
    public StartedRun(Run run, ManagementAddresses addresses) : base(run) =>
        (Id, StatusQueryGetUri, SendEventPostUri, TerminatePostUri, SuspendPostUri, ResumePostUri, RewindPostUri, PurgeHistoryDeleteUri) = addresses;

    public string Id { get; }

    public string StatusQueryGetUri { get; }

    /// <summary>With <c>{eventName}</c> to be replaced.</summary>
    public string SendEventPostUri { get; }

    public string TerminatePostUri { get; }

    public string SuspendPostUri { get; }

    public string ResumePostUri { get; }

    public string RewindPostUri { get; }

    public string PurgeHistoryDeleteUri { get; }
}

/// <summary>Why a run failed.</summary>
/// <param name="Type">The exception's type.</param>
/// <param name="Step">The activity that failed; null where the orchestrator itself did.</param>
internal sealed partial record RunFailure(string Type, string Message, string? Step)
{
    /// <summary>A step's failure comes wrapped once for each orchestration it went through; the reason is at the bottom.</summary>
    public static RunFailure From(TaskFailureDetails details)
    {
        string? step = null;
        while (details.IsCausedBy<TaskFailedException>() && details.InnerFailure is { } inner)
        {
            step = StepName().Match(details.ErrorMessage) is { Success: true } named ? named.Groups[1].Value : step;
            details = inner;
        }

        return new(details.ErrorType, details.ErrorMessage, step);
    }

    [GeneratedRegex("^Step [0-9]+ '([^']+)' failed")]
    private static partial Regex StepName();
}

/// <summary>One page of runs, newest first.</summary>
/// <param name="After">Asks for the next page; null on the last.</param>
internal sealed record RunPage(IReadOnlyList<Run> Runs, string? After);

/// <summary>How many runs went.</summary>
internal sealed record Purged(int Count);
