namespace Workflow.App.Triggers.Events.Inbound;

/// <summary>Says yes to SNS when one of our topics asks, and only to SNS.</summary>
/// <param name="http">Follows no redirect.</param>
internal sealed class SnsSubscriptions(HttpClient http, ILogger<SnsSubscriptions> logger)
{
    /// <param name="message">Whose signature is right.</param>
    /// <exception cref="UntrustedException">It would be confirmed somewhere else.</exception>
    /// <exception cref="HttpRequestException">SNS does not answer, or not with yes; it will ask again.</exception>
    public async Task ConfirmAsync(SnsMessage message, CancellationToken cancellation)
    {
        using var answer = await http.GetAsync(SnsTrust.ConfirmationUrl(message), HttpCompletionOption.ResponseHeadersRead, cancellation);
        answer.EnsureSuccessStatusCode();
        logger.LogInformation("The subscription to {Topic} is confirmed.", message.TopicArn);
    }

    public void NoteEnd(SnsMessage message) => logger.LogWarning("The subscription to {Topic} has ended: its messages come no longer.", message.TopicArn);
}
