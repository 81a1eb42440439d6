using Workflow.App.Api;
using Workflow.App.Configuration;
using Workflow.Durable;

namespace Workflow.App.Triggers.Functions;

/// <summary>The place of the Azure Functions handler in a host.</summary>
internal static class FunctionsRegistration
{
    /// <summary>The turns of the pipelines, and the client of the extension that keeps their runs.</summary>
    /// <param name="redact">What the texts of failures go through before anybody sees them.</param>
    public static IServiceCollection AddFunctions(this IServiceCollection services, Settings settings, Func<string, string> redact)
    {
        services.AddDurableTaskTurns(registry => Pipelines.Pipelines.Register(registry, settings.Pipelines), redact);
        services.AddSingleton(provider => FunctionSet.Create(settings, provider.GetRequiredService<DurableTaskRegistry>()));
        return services.AddSingleton<TriggeredRuns>().AddSingleton<QueuedEvents>().AddHostedService<FunctionSchedules>().AddFunctionsHandler();
    }

    /// <summary>The handler and its client, on whatever functions and turns there are.</summary>
    public static IServiceCollection AddFunctionsHandler(this IServiceCollection services)
    {
        // The host itself says where its extension is, which may be beside it; and the address holds a key, which is not for the log.
        services.AddHttpClient(ExtensionClient.HttpName).ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler()).RemoveAllLoggers();
        return services.AddSingleton<ExtensionAddress>().AddSingleton<DurableTaskClient, ExtensionClient>().AddSingleton<FunctionsHandler>();
    }

    /// <summary>Answers what is asked for a function; all else goes on to the API. A failure is told in the body, which is never empty.</summary>
    public static void UseFunctions(this WebApplication app)
    {
        var handler = app.Services.GetRequiredService<FunctionsHandler>();
        var logger = app.Services.GetRequiredService<ILogger<FunctionsHandler>>();
        ReportDifferences(app.Services.GetRequiredService<FunctionSet>(), logger);
        app.Use(async (HttpContext context, RequestDelegate api) =>
        {
            if (handler.Find(context.Request) is not { } function)
            {
                await api(context);
                return;
            }

            // The host asks so, and shows no key: whoever else guesses the port is not to have anything done.
            if (!LocalCallers.IsProgramHere(context))
            {
                logger.LogWarning("Refused {Function} to {Origin} from {Address}: it is not the host that asks.", function.Name, context.Request.Headers.Origin, context.Connection.RemoteIpAddress);
                await TypedResults.Problem("Functions are asked for by the host of this machine, in JSON.", statusCode: StatusCodes.Status403Forbidden).ExecuteAsync(context);
                return;
            }

            try
            {
                await handler.AnswerAsync(context, function, api);
            }
            catch (BadRequestException wrong)
            {
                await RefuseAsync(StatusCodes.Status400BadRequest, wrong);
            }
            catch (OperationCanceledException cut) when (context.RequestAborted.IsCancellationRequested)
            {
                await RefuseAsync(StatusCodes.Status503ServiceUnavailable, cut);
            }
            catch (Exception failed)
            {
                await RefuseAsync(StatusCodes.Status500InternalServerError, failed);
            }

            Task RefuseAsync(int status, Exception why)
            {
                logger.LogError(why, "Function {Function} failed.", function.Name);
                return TypedResults.Problem(why.Message, statusCode: status).ExecuteAsync(context);
            }
        });
    }

    /// <summary>The host asks only for what its folder says. A folder without any functions is that of a program that no host has started.</summary>
    private static void ReportDifferences(FunctionSet functions, ILogger logger)
    {
        if (FunctionFiles.Find(AppContext.BaseDirectory).Count > 0 && FunctionFiles.Compare(functions, AppContext.BaseDirectory) is { Count: > 0 } differences)
        {
            logger.LogError(
                "The functions in {Folder} are not those of the settings: {Differences}. Run workflow functions --write {Folder} with the same settings, and deploy it.",
                AppContext.BaseDirectory, string.Join("; ", differences), AppContext.BaseDirectory);
        }
    }
}
