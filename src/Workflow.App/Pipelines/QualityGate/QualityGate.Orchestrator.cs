using Workflow.Durable;

namespace Workflow.App.Pipelines.QualityGate;

/// <summary>
/// Checks the rows of an object by rules, sets the bad ones aside and publishes the good ones; says what was found in one message. The
/// time of the run names where bad rows go, so that a step done again writes to the same place.
/// </summary>
internal sealed class QualityGate : TaskOrchestrator<QualityGateInput, QualityGateResult>
{
    public override Task<QualityGateResult> RunAsync(TaskOrchestrationContext context, QualityGateInput input)
    {
        QualityGateResult? found = null;
        var started = context.CurrentUtcDateTime;
        return context.ReportAsync(
            input,
            input.Output,
            async report =>
            {
                try
                {
                    found = await report.StateAsync(
                        "check", () => context.CallActivityAsync<QualityGateResult>(nameof(CheckQuality), new CheckQualityInput(input, started), Steps.Retry(input.Attempts)));
                }
                catch (TaskFailedException failed) when (failed.FailureDetails.IsCausedBy<ObjectOutOfReachException>())
                {
                    found = new() { Unreadable = failed.FailureDetails.ErrorMessage };
                    throw;
                }

                return found.Refusal() is { } refusal ? throw new RunFailedException(refusal) : found;
            },
            _ => found is null ? null : QualityAlert.Of(context.Name, input.Object!, started, found));
    }
}
