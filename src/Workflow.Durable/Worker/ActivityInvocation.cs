using Microsoft.Extensions.DependencyInjection;

namespace Workflow.Durable.Worker;

/// <summary>One attempt at an activity, whatever asked for it: JSON in, JSON out, what it throws is its own.</summary>
internal static class ActivityInvocation
{
    public static async Task<string?> InvokeAsync(this DurableTaskRegistry registry, IServiceScopeFactory scopes, TaskActivityContext context, string? input)
    {
        await using var scope = scopes.CreateAsyncScope();
        var activity = registry.CreateActivity(context.Name, scope.ServiceProvider);
        var output = await activity.RunAsync(context, JsonDataConverter.Deserialize(input, activity.InputType));
        return JsonDataConverter.Serialize(output, $"the output of activity '{context.Name}'");
    }
}
