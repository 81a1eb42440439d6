using System.CommandLine;
using System.Text.Json.Nodes;
using Workflow.App.Api;
using Workflow.App.Hosting;
using Workflow.Durable;

namespace Workflow.App.Commands;

/// <summary><c>workflow run</c>: starts a pipeline.</summary>
internal static class RunCommand
{
    private static readonly Argument<string> Pipeline = new("pipeline") { Description = "A configured pipeline." };
    private static readonly Option<string?> Input = new("--input") { Description = "A JSON object: the object to read, and options for this run alone.", HelpName = "JSON" };
    private static readonly Option<string?> Id = new("--instance") { Description = "An id of your own for the run; a second start with it is the first one.", HelpName = "ID" };
    private static readonly Option<bool> Wait = new("--wait") { Description = "Wait until the run has ended; hosts a service for the duration if none is running." };

    public static Command Create()
    {
        var command = new Command("run", "Starts a pipeline.") { Pipeline, Input, Id, Wait, CommandLine.Json };
        command.SetAction(RunAsync);
        return command.WithExamples(
            """workflow run csv-to-warehouse --input '{"object":"local://landing/csv/users.csv"}' --wait""",
            "workflow run merge-sources --instance nightly-2025-01-31 --wait --json");
    }

    private static async Task<int> RunAsync(ParseResult line, CancellationToken cancellation)
    {
        var wait = line.GetValue(Wait);
        var input = CommandLine.ParseJson("--input", line.GetValue(Input));
        if (input is not (null or JsonObject))
        {
            throw new UsageException("--input must be a JSON object, for example '{\"object\":\"local://landing/csv/users.csv\"}'.");
        }

        await using var service = await ServiceConnection.OpenAsync(line.DataFolder(), wait ? ServiceRoles.Worker : ServiceRoles.None, cancellation);
        var run = await service.Client.StartAsync(line.GetRequiredValue(Pipeline), input, line.GetValue(Id), cancellation);
        if (wait)
        {
            CommandLine.Note($"{run.Pipeline} runs as {run.Instance}.");
            run = await WaitAsync(service, run.Instance, cancellation);
        }
        else if (service.IsHosted)
        {
            CommandLine.Note("No service is running: the run begins when one starts (workflow serve).");
        }

        RunOutput.Print(run, line.GetValue(CommandLine.Json));
        return run.Status is OrchestrationRuntimeStatus.Failed or OrchestrationRuntimeStatus.Terminated or OrchestrationRuntimeStatus.Canceled
            ? CommandLine.Failed
            : CommandLine.Completed;
    }

    private static async Task<Run> WaitAsync(ServiceConnection service, string instance, CancellationToken cancellation)
    {
        try
        {
            return await service.Client.WaitAsync(instance, cancellation);
        }
        catch (OperationCanceledException)
        {
            CommandLine.Note(service.IsHosted ? $"{instance} goes on from its last checkpoint when a service runs (workflow serve)." : $"{instance} goes on; see workflow status {instance}.");
            throw;
        }
    }
}
