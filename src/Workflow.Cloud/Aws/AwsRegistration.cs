using Microsoft.Extensions.DependencyInjection;
using Workflow.Cloud.Local;
using Workflow.Cloud.Notifications;
using Workflow.Cloud.Secrets;

namespace Workflow.Cloud.Aws;

public static class AwsRegistration
{
    /// <summary>The clients of the services of AWS, each at the endpoint that the container's <see cref="AwsEndpoints"/> give it.</summary>
    public static IServiceCollection AddAwsClients(this IServiceCollection services) => services
        .AddSingleton<DmsClient>()
        .AddSingleton<GlueClient>()
        .AddSingleton<SageMakerClient>()
        .AddSingleton<GlueCatalog>()
        .AddSingleton<AwsSecretStore>()
        .AddSingleton<SnsClient>()
        .AddSingleton<SqsClient>()
        .AddSingleton<SnsNotifier>();

    /// <summary>The stand-in for them, to be mapped with <see cref="LocalAwsEndpoints.MapLocalAws"/>.</summary>
    /// <param name="topics">The ARNs of the topics that it has.</param>
    public static IServiceCollection AddLocalAws(this IServiceCollection services, string dataFolder, IReadOnlySet<string> topics) => services
        .AddSingleton<LocalAws>()
        .AddSingleton(provider => new LocalAwsSessions(dataFolder, provider.GetRequiredService<TimeProvider>()))
        .AddSingleton<ILocalAwsService>(provider => new LocalSts(dataFolder, provider.GetRequiredService<LocalAwsSessions>(), new HttpClient()))
        .AddSingleton<ILocalAwsService>(provider => new LocalDms(dataFolder, provider.GetRequiredService<TimeProvider>()))
        .AddSingleton<ILocalAwsService>(provider => new LocalSns(dataFolder, topics, provider.GetRequiredService<TimeProvider>()))
        .AddSingleton<ILocalAwsService>(provider => new LocalSecretsManager(dataFolder, provider.GetRequiredService<TimeProvider>()))
        .AddSingleton<ILocalAwsService>(provider => new LocalGlue(dataFolder, provider.GetRequiredService<TimeProvider>()));
}
