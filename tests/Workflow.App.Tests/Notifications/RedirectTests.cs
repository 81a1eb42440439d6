using Microsoft.Extensions.DependencyInjection;
using Workflow.App.Configuration;
using Workflow.App.Hosting;
using Workflow.App.Notifications;
using Workflow.Cloud.Notifications;
using Workflow.Testing;

namespace Workflow.App.Tests.Notifications;

/// <summary>The notifiers as the service has them, and a receiver that has moved.</summary>
public sealed class RedirectTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(301)]
    [InlineData(302)]
    [InlineData(307)]
    [InlineData(308)]
    public async Task A_message_is_not_sent_after_a_receiver_that_has_moved_and_does_not_count_as_delivered(int status)
    {
        using var folder = new TempFolder();
        await using var receiver = await FaultProxy.StartAsync(new("http://127.0.0.1:1"), Cancellation);
        receiver.Inject(new Fault.Answer(status) { Headers = new Dictionary<string, string> { ["Location"] = $"{receiver.Address}elsewhere" } }, times: 2, request => request == "POST /hook");
        receiver.Inject(new Fault.Answer(200), times: 2);
        await using var services = new ServiceCollection()
            .AddLogging()
            .AddSingleton(TimeProvider.System)
            .AddOutboundGuard(new OutboundSettings { Allow = ["127.0.0.1"] })
            .AddNotifications(new DataFolder(folder.Path))
            .BuildServiceProvider();
        var hook = new Uri(receiver.Address, "hook");

        var slack = await services.GetRequiredService<SlackNotifier>().SendAsync(hook, new("text", "key"), Cancellation);
        var webhook = await services.GetRequiredService<WebhookNotifier>().SendAsync(new(hook, new byte[32]), new("id", "{}"), Cancellation);

        Assert.Equal(["POST /hook", "POST /hook"], receiver.Requests);
        Assert.Equal(new(false, 1, $"Slack answered {status}: it has moved, and no message is sent after it. Write the address where it is now."), slack);
        Assert.Equal(new(false, 1, $"The webhook answered {status}: it has moved, and no message is sent after it. Write the address where it is now."), webhook);
    }
}
