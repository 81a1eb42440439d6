using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Workflow.App.Triggers.Events.Inbound;

namespace Workflow.App.Tests.Triggers.Events;

/// <summary>SNS as far as its signatures go: signs messages, and is the host that has the certificate and confirms subscriptions.</summary>
internal sealed class SnsSigner : HttpMessageHandler
{
    public const string Topic = "arn:aws:sns:eu-central-1:000000000000:landing";
    public const string CertificateUrl = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem";
    public const string SubscribeUrl = $"https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={Topic}&Token=made-up-token";

    private static readonly RSA Key = RSA.Create(2048);
    private static readonly DateTimeOffset Begins = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>What was asked for, in order.</summary>
    public List<string> Asked { get; } = [];

    /// <summary>Answers what is asked for; null leaves it to this.</summary>
    public Func<HttpRequestMessage, HttpResponseMessage?> Answer { get; set; } = _ => null;

    public static SnsMessage Notification(DateTimeOffset at, string message = "{}", string? subject = null, string topic = Topic) =>
        new(SnsMessage.Notification, "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324", topic, message, Timestamp(at), null, null, CertificateUrl, subject);

    public static SnsMessage Confirmation(DateTimeOffset at, string type = SnsMessage.SubscriptionConfirmation, string url = SubscribeUrl) =>
        new(type, "165545c9-2a5c-472c-8df2-7ff2be2b3b1b", Topic, "You have chosen to subscribe to the topic.", Timestamp(at), null, null, CertificateUrl, null, "made-up-token", url);

    public static string Timestamp(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'");

    public static SnsMessage Sign(SnsMessage message, string version = "2") => message with
    {
        SignatureVersion = version,
        Signature = Convert.ToBase64String(Key.SignData(message.SignedText(), version == "1" ? HashAlgorithmName.SHA1 : HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)),
    };

    public static string Json(SnsMessage message) => JsonSerializer.Serialize(message);

    public static string Certificate(string name = "sns.amazonaws.com", int days = 365, RSA? key = null)
    {
        using var made = new CertificateRequest($"CN={name}", key ?? Key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSelfSigned(Begins, Begins.AddYears(50).AddDays(days));
        return made.ExportCertificatePem();
    }

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        lock (Asked)
        {
            Asked.Add(request.RequestUri!.AbsoluteUri);
        }

        var answer = Answer(request) ?? new(HttpStatusCode.OK) { Content = new StringContent(request.RequestUri!.AbsolutePath == "/" ? "<ConfirmSubscriptionResponse/>" : Certificate()) };
        answer.RequestMessage = request;
        return Task.FromResult(answer);
    }
}
