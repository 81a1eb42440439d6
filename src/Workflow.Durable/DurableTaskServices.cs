using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
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
