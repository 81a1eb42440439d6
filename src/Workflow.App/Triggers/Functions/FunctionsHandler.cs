using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http.Features;
using Workflow.App.Api;
using Workflow.Durable;

namespace Workflow.App.Triggers.Functions;

/// <summary>
/// Answers the Azure Functions host: <c>POST /name</c> asks for a function. A durable trigger is always answered with 200, because the host
/// takes anything else for the end of the instance; an event that could not start its run is not, so that the host brings it again.
/// </summary>
internal sealed class FunctionsHandler(FunctionSet functions, OrchestrationTurn orchestrations, ActivityTurn activities, ExtensionAddress extension)
{
    // An instance's whole history comes with each of its turns.
    private const long LongestBody = 256 << 20;

    /// <summary>The function that a request asks for; null where it asks for none.</summary>
    public Function? Find(HttpRequest request) =>
        HttpMethods.IsPost(request.Method) && request.Path.Value is { Length: > 1 } path ? functions.Find(path[1..]) : null;

    /// <param name="api">What answers a request to the API.</param>
    public async Task AnswerAsync(HttpContext context, Function function, RequestDelegate api)
    {
        context.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = LongestBody;
        using var invocation = await FunctionInvocation.ReadAsync(context.Request.Body, context.RequestAborted);
        if (function.Bindings.Any(binding => binding["name"]!.GetValue<string>() == Bindings.Client))
        {
            extension.Learn(invocation.DataObject(Bindings.Client));
        }

        var answer = function.Kind switch
        {
            FunctionKind.Orchestration => FunctionAnswer.Return(orchestrations.Run(invocation.Data(function.Trigger) ?? "")),
            FunctionKind.Activity => FunctionAnswer.Return(await activities.RunAsync(function.Name, invocation.Data(function.Trigger) ?? "", context.RequestAborted)),
            FunctionKind.Http => FunctionAnswer.Output(Bindings.Response, await HttpInvocation.AnswerAsync(context, invocation.DataObject(function.Trigger), api)),
            FunctionKind.Queue => await context.RequestServices.GetRequiredService<QueuedEvents>().TakeAsync(function, invocation, context.RequestAborted),
            _ => await StartAsync(context, function, invocation),
        };
        await context.Response.WriteAsJsonAsync(answer, context.RequestAborted);
    }

    private static async Task<JsonObject> StartAsync(HttpContext context, Function function, FunctionInvocation invocation)
    {
        await context.RequestServices.GetRequiredService<TriggeredRuns>().StartAsync(function, invocation, context.RequestAborted);
        return FunctionAnswer.Empty();
    }
}
