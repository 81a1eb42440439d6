using Workflow.Durable;

namespace Workflow.App.Pipelines.OperationsToDynamoDb;

/// <summary>
/// Loads files of operation records into a DynamoDB table: one file, or those under a prefix that are not processed yet. Records are grouped
/// across the files of a run, and with those that the table has. A file is marked as processed, and put aside, when its items are in the table and in the catalog, not before.
/// </summary>
internal sealed class OperationsToDynamoDb : TaskOrchestrator<OperationsToDynamoDbInput, OperationsToDynamoDbResult>
{
    public override Task<OperationsToDynamoDbResult> RunAsync(TaskOrchestrationContext context, OperationsToDynamoDbInput input) =>
        context.ReportAsync(input, input.Table, async report =>
        {
            var retry = Steps.Retry(input.Attempts);
            var run = new OperationsRun(input, context.Name, context.InstanceId, report.IngestedId, context.CurrentUtcDateTime);
            var taken = await report.StateAsync("take", () => context.CallActivityAsync<TakenOperations>(nameof(TakeOperations), run, retry));
            if (taken.Files.Count == 0)
            {
                report.IsIdle = true;
                return new() { Table = input.Table, FilesNotTaken = taken.NotTaken };
            }

            try
            {
                var parsed = await report.StateAsync("parse", () => context.ForEachAsync(taken.Files, input.AtOnce, file =>
                    context.CallActivityAsync<ParsedOperations>(nameof(ParseOperations), new OperationsStep(run, file), retry)));
                var files = parsed.Where(file => file.Result is not null).Select(file => file.Result!).ToList();
                if (files.Count == 0)
                {
                    throw new FilesFailedException(parsed.Select(file => file.Failure!).ToList(), parsed.Count);
                }

                var loaded = await report.StateAsync("load", () => context.CallActivityAsync<LoadedOperations>(nameof(LoadOperations), new LoadOperationsInput(run, [.. files.Select(file => file.File)]), retry));
                var partitions = input.Catalog.Length == 0 ? 0 : await report.StateAsync("catalog", () => context.CallActivityAsync<int>(nameof(CatalogOperations), run, retry));
                var finished = await report.StateAsync("finish", () => context.ForEachAsync(files, input.AtOnce, file =>
                    context.CallActivityAsync<string>(nameof(FinishOperations), new OperationsStep(run, file.File), retry)));
                report.Remark = loaded.Remark();
                var failures = parsed.Select(file => file.Failure).Concat(finished.Select(file => file.Failure)).OfType<TaskFailedException>().ToList();
                return failures.Count == 0
                    ? loaded.Describe(input, files, taken.NotTaken, partitions)
                    : throw new FilesFailedException(failures, parsed.Count);
            }
            finally
            {
                await context.CleanUpAsync(nameof(RemoveStagedOperations), run, retry);
            }
        });
}
