using Workflow.Cloud.Local;
using Workflow.Cloud.Notifications;

namespace Workflow.App.Notifications;

internal static class NotificationServices
{
    public static IServiceCollection AddNotifications(this IServiceCollection services, DataFolder data)
    {
        // No redirects: after most of them a POST is a GET without the message, and its answer says nothing of the message.
        services.AddHttpClient<SlackNotifier>().UseSocketsHttpHandler((handler, _) => handler.AllowAutoRedirect = false);
        services.AddHttpClient<WebhookNotifier>().UseSocketsHttpHandler((handler, _) => handler.AllowAutoRedirect = false);
        services.AddSingleton<NotificationLog>().AddTransient<NotificationDelivery>();
        services.AddSingleton(provider => new LocalSlack(data.Path, provider.GetRequiredService<TimeProvider>()));
        return services.AddSingleton(provider => new LocalWebhooks(data.Path, provider.GetRequiredService<TimeProvider>()));
    }
}
