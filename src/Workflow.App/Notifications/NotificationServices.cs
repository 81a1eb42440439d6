using Workflow.Cloud.Local;
using Workflow.Cloud.Notifications;

namespace Workflow.App.Notifications;

internal static class NotificationServices
{
    public static IServiceCollection AddNotifications(this IServiceCollection services, DataFolder data)
    {
        services.AddHttpClient<SlackNotifier>();
        services.AddHttpClient<WebhookNotifier>();
        services.AddSingleton<NotificationLog>().AddTransient<NotificationDelivery>();
        services.AddSingleton(provider => new LocalSlack(data.Path, provider.GetRequiredService<TimeProvider>()));
        return services.AddSingleton(provider => new LocalWebhooks(data.Path, provider.GetRequiredService<TimeProvider>()));
    }
}
