using System.CommandLine;
using Microsoft.Extensions.DependencyInjection;
using Workflow.App.Triggers.Events.Lambda;

namespace Workflow.App.Commands;

/// <summary><c>workflow lambda</c>: the bootstrap of a custom runtime of AWS Lambda.</summary>
internal static class LambdaCommand
{
    private const string Api = "AWS_LAMBDA_RUNTIME_API";
    private const string Trace = "_X_AMZN_TRACE_ID";

    // For the answer to arrive before Lambda freezes the process.
    private static readonly TimeSpan Margin = TimeSpan.FromMilliseconds(500);

    public static Command Create()
    {
        var command = new Command("lambda", "Takes the events of an AWS Lambda function and starts runs; services on the same hub do the work.");
        command.SetAction(RunAsync);
        return command.WithExamples("workflow lambda --data /tmp/workflow");
    }

    private static async Task<int> RunAsync(ParseResult line, CancellationToken cancellation)
    {
        var api = Environment.GetEnvironmentVariable(Api) ?? throw new UsageException($"{Api} is not set. Lambda sets it for the bootstrap of a custom runtime; elsewhere use workflow serve.");
        using var runtime = new LambdaRuntime(api);
        await using var services = await StartAsync(runtime, line.DataFolder(), cancellation);
        await ServeAsync(runtime, services.GetRequiredService<LambdaFunction>(), cancellation);
        return CommandLine.Completed;
    }

    /// <summary>The services with the function in them, or the reason for Lambda's log why it cannot be made.</summary>
    internal static async Task<ServiceProvider> StartAsync(LambdaRuntime runtime, DataFolder data, CancellationToken cancellation)
    {
        ServiceProvider? services = null;
        try
        {
            services = await LambdaFunction.CreateAsync(data, cancellation);
            services.GetRequiredService<LambdaFunction>();
            return services;
        }
        catch (Exception failed)
        {
            await (services?.DisposeAsync() ?? ValueTask.CompletedTask);
            await runtime.FailInitAsync(failed, cancellation);
            throw;
        }
    }

    private static async Task ServeAsync(LambdaRuntime runtime, LambdaFunction function, CancellationToken cancellation)
    {
        while (true)
        {
            Invocation invocation;
            try
            {
                invocation = await runtime.NextAsync(cancellation);
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                return;
            }

            Environment.SetEnvironmentVariable(Trace, invocation.Trace);
            await AnswerAsync(runtime, function, invocation, cancellation);
        }
    }

    private static async Task AnswerAsync(LambdaRuntime runtime, LambdaFunction function, Invocation invocation, CancellationToken cancellation)
    {
        object answer;
        try
        {
            answer = await HandleAsync(function, invocation, cancellation);
        }
        catch (Exception failed)
        {
            // Lambda logs it, and tries again where the source of the event allows that.
            await runtime.FailAsync(invocation, failed, cancellation);
            return;
        }

        await runtime.RespondAsync(invocation, answer, cancellation);
    }

    private static async Task<object> HandleAsync(LambdaFunction function, Invocation invocation, CancellationToken cancellation)
    {
        using var inTime = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        if (invocation.Deadline < DateTimeOffset.MaxValue)
        {
            var left = invocation.Deadline - TimeProvider.System.GetUtcNow() - Margin;
            if (left <= TimeSpan.Zero)
            {
                throw TooLate(invocation);  // a timer of no time at all may fire when the event has been taken
            }

            inTime.CancelAfter(left);
        }

        try
        {
            return await function.HandleAsync(invocation.Event, inTime.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw TooLate(invocation);
        }
    }

    private static TimeoutException TooLate(Invocation invocation) =>
        new($"The event was not taken by {invocation.Deadline:u}, when Lambda ends the invocation. Give the function more time, or look why the hub is slow.");
}
