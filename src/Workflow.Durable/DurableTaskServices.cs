using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Workflow.Durable.Replay;
using Workflow.Durable.Store;
using Workflow.Durable.Worker;

namespace Workflow.Durable;

/// <summary>The runtime's place in a host.</summary>
public static class DurableTaskServices
{
    /// <summary>A host that runs orchestrations and activities, and a <see cref="DurableTaskClient"/>.</summary>
    public static IServiceCollection AddDurableTask(
        this IServiceCollection services, Action<DurableTaskOptions> configure, Action<DurableTaskRegistry> register)
    {
        var registry = new DurableTaskRegistry();
        register(registry);
        services.AddDurableTaskClient(configure);
        services.AddSingleton(registry);
        services.AddHostedService<TaskHubWorker>();
        return services;
    }

    /// <summary>
    /// The turns of orchestrations and activities that the Durable Task extension of Azure Functions keeps. Its client, a
    /// <see cref="DurableTaskClient"/>, is the host's to add.
    /// </summary>
    /// <param name="redact">What the texts of an activity's failure go through before anybody else sees them; null for nothing.</param>
    public static IServiceCollection AddDurableTaskTurns(this IServiceCollection services, Action<DurableTaskRegistry> register, Func<string, string>? redact = null)
    {
        var registry = new DurableTaskRegistry();
        register(registry);
        registry.AddActivity<FindUnfinished>();
        services.TryAddSingleton(TimeProvider.System);
        return services.AddSingleton(registry).AddSingleton<OrchestrationTurn>().AddSingleton(provider => new ActivityTurn(
            registry, provider.GetRequiredService<IServiceScopeFactory>(), redact ?? (text => text), provider.GetRequiredService<ILogger<ActivityTurn>>()));
    }

    /// <summary>A <see cref="DurableTaskClient"/> alone; hosts elsewhere do the work.</summary>
    public static IServiceCollection AddDurableTaskClient(this IServiceCollection services, Action<DurableTaskOptions> configure)
    {
        services.AddOptions<DurableTaskOptions>().Configure(configure);
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<IValidateOptions<DurableTaskOptions>, OptionsValidation>();
        services.AddSingleton(provider =>
        {
            var options = provider.GetRequiredService<IOptions<DurableTaskOptions>>().Value;
            return new TaskHub(options.ConnectionString, options.TaskHub, provider.GetRequiredService<TimeProvider>());
        });
        services.AddSingleton<DurableTaskClient>(provider => new TaskHubClient(provider.GetRequiredService<TaskHub>(), provider.GetRequiredService<TimeProvider>()));
        return services;
    }

    private sealed class OptionsValidation : IValidateOptions<DurableTaskOptions>
    {
        public ValidateOptionsResult Validate(string? name, DurableTaskOptions options) =>
            options.Errors().ToArray() is { Length: > 0 } errors ? ValidateOptionsResult.Fail(errors) : ValidateOptionsResult.Success;
    }
}
