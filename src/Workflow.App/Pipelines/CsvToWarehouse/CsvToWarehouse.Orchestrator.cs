using Workflow.Durable;

namespace Workflow.App.Pipelines.CsvToWarehouse;

/// <summary>
/// Loads an object, or each object under a prefix, into a table. One that was loaded ends in the processed area, one that was not
/// in the error area. A crash between any two steps changes nothing about that: the load is done once per load key, a move that
/// was begun is finished, and a message carries a key of its own.
/// </summary>
internal sealed class CsvToWarehouse : TaskOrchestrator<CsvToWarehouseInput, CsvToWarehouseResult>
{
    public override Task<CsvToWarehouseResult> RunAsync(TaskOrchestrationContext context, CsvToWarehouseInput input) =>
        context.ReportAsync(input, input.Table, async report =>
        {
            var objects = await report.StateAsync("find", () => context.CallActivityAsync<IReadOnlyList<FoundObject>>(
                nameof(FindObjects), new FindObjectsInput(context.Name, input.Object!), Steps.Retry(input.Attempts)));
            return input.IsPrefix()
                ? await report.StateAsync("load", () => LoadEachAsync(context, input, objects))
                : await LoadOneAsync(context, input, objects.Single(), report);
        });

    private static async Task<CsvToWarehouseResult> LoadOneAsync(TaskOrchestrationContext context, CsvToWarehouseInput input, FoundObject found, RunReport report)
    {
        var retry = Steps.Retry(input.Attempts);
        try
        {
            var loaded = await report.StateAsync("load", () => context.CallActivityAsync<CsvToWarehouseResult>(
                nameof(LoadCsv), new LoadCsvInput(found, input, context.NewGuid()), retry));
            var moved = await report.StateAsync("move", () => context.CallActivityAsync<string>(nameof(MoveObject), new MoveObjectInput(found, Areas.Processed), retry));
            return loaded with { Object = moved };
        }
        catch (TaskFailedException)
        {
            report.Remark = await SetAsideAsync(context, input, found);
            context.SetCustomStatus(report.Remark);
            throw;
        }
    }

    /// <summary>One run per object. Each sets itself aside when it fails, and the others go on.</summary>
    private static async Task<CsvToWarehouseResult> LoadEachAsync(TaskOrchestrationContext context, CsvToWarehouseInput input, IReadOnlyList<FoundObject> objects)
    {
        var outcomes = await context.ForEachAsync(objects, input.AtOnce, found => context.CallSubOrchestratorAsync<CsvToWarehouseResult>(
            context.Name, input with { Object = found.Address }, new SubOrchestrationOptions(InstanceId: found.Arrival)));
        var failures = outcomes.Where(outcome => outcome.Failure is not null && !outcome.IsUnderWay()).ToList();
        return failures.Count == 0
            ? CsvToWarehouseResult.Sum(outcomes.Where(outcome => outcome.Result is not null).Select(outcome => outcome.Result!), underWay: outcomes.Count(outcome => outcome.IsUnderWay()))
            : throw new ObjectsFailedException(failures.Count, objects.Count, failures[0].Failure!);
    }

    private static async Task<string> SetAsideAsync(TaskOrchestrationContext context, CsvToWarehouseInput input, FoundObject found)
    {
        try
        {
            return $"It lies at {await context.CallActivityAsync<string>(nameof(MoveObject), new MoveObjectInput(found, Areas.Error), Steps.Retry(input.Attempts))}.";
        }
        catch (TaskFailedException stuck)
        {
            return $"It could not be moved away: {stuck.FailureDetails.ErrorMessage}";
        }
    }
}
