using System.Diagnostics;
using Workflow.App.Pipelines;
using Workflow.Durable;

namespace Workflow.App.Tests.Faults;

/// <summary>
/// In the program under test: kills it the first time each activity ends, when its work is done and its result is not recorded yet.
/// Which have been seen is kept in a file, so that the next process lets them pass.
/// </summary>
internal static class KillAfterEachActivity
{
    /// <summary>The file that keeps the activities after which a process was killed, a line each.</summary>
    public const string SeenIn = "WORKFLOW_TEST_KILL_AFTER_EACH";

    /// <summary>Set where the process is to be killed after each record of a state, and not after the first alone.</summary>
    public const string RecordsToo = "WORKFLOW_TEST_KILL_AFTER_EACH_RECORD";

    private static readonly Lock Ending = new();

    public static void Watch()
    {
        if (Environment.GetEnvironmentVariable(SeenIn) is { } file)
        {
            ActivitySource.AddActivityListener(new ActivityListener
            {
                ShouldListenTo = source => source.Name == DurableTaskTelemetry.SourceName,
                Sample = (ref _) => ActivitySamplingResult.AllData,
                ActivityStopped = span => Ended(span, file),
            });
        }
    }

    private static void Ended(Activity span, string file)
    {
        var activity = span.OperationName.EndsWith(nameof(RecordState), StringComparison.Ordinal) && Environment.GetEnvironmentVariable(RecordsToo) is null
            ? $"any {span.OperationName}"
            : $"{span.GetTagItem("durabletask.task.instance_id")}/{span.GetTagItem("durabletask.task.task_id")} {span.OperationName}";
        lock (Ending)
        {
            if (File.Exists(file) && File.ReadLines(file).Contains(activity))
            {
                return;
            }

            File.AppendAllText(file, activity + "\n");
            Process.GetCurrentProcess().Kill();
        }
    }
}
