using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;
using Workflow.App.Configuration;

namespace Workflow.App.Triggers.Events.Inbound;

/// <summary>
/// Tells whether a message is of one of our topics, of now, and signed by SNS. Nothing is fetched for a message before its topic is known
/// to be ours, and then only from the host of SNS in the topic's own region.
/// </summary>
internal sealed partial class SnsTrust(Settings settings, SnsCertificates certificates, TimeProvider time)
{
    // Clocks differ.
    private static readonly TimeSpan Ahead = TimeSpan.FromMinutes(5);

    // What makes readers of an address disagree about its host.
    private static readonly SearchValues<char> NotPlain = SearchValues.Create("\\@# \t\r\n");

    private const string TimestampFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    /// <exception cref="UntrustedException">It is not.</exception>
    public async Task CheckAsync(SnsMessage message, CancellationToken cancellation)
    {
        var topic = message.TopicArn ?? "";
        if (!settings.Events.Sns.Topics.Contains(topic, StringComparer.Ordinal))
        {
            throw new UntrustedException($"topic '{topic}' is not among Events:Sns:Topics");
        }

        CheckTime(message.Timestamp);
        var host = HostOf(topic);
        var url = PinnedUrl(message.SigningCertURL, host) is { } pinned && CertificatePath().IsMatch(pinned.PathAndQuery)
            ? pinned
            : throw new UntrustedException($"the certificate is at '{message.SigningCertURL}', not where {host} has its own");
        var algorithm = message.SignatureVersion switch
        {
            "1" => HashAlgorithmName.SHA1,
            "2" => HashAlgorithmName.SHA256,
            _ => throw new UntrustedException($"there is no signature version '{message.SignatureVersion}'"),
        };
        var certificate = await certificates.GetAsync(url, cancellation);
        if (!IsSigned(message, certificate, algorithm))
        {
            throw new UntrustedException("the signature is not that of the message");
        }
    }

    /// <summary>Where a subscription is confirmed.</summary>
    /// <exception cref="UntrustedException">That is not at SNS, or is something else than confirming this topic's.</exception>
    public static Uri ConfirmationUrl(SnsMessage message)
    {
        var topic = message.TopicArn!;
        var url = PinnedUrl(message.SubscribeURL, HostOf(topic));
        var asked = url is null ? [] : Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(url.Query);
        return url is { AbsolutePath: "/" } && asked.TryGetValue("Action", out var action) && action == "ConfirmSubscription" && asked.TryGetValue("TopicArn", out var named) && named == topic
            ? url
            : throw new UntrustedException($"the subscription would be confirmed at '{message.SubscribeURL}', not where {HostOf(topic)} does that for the topic");
    }

    /// <summary>The address, if it is one of that host written plainly: no other scheme, port, user or spelling.</summary>
    internal static Uri? PinnedUrl(string? url, string host) =>
        url is not null && url.StartsWith($"https://{host}/", StringComparison.Ordinal) && !url.AsSpan().ContainsAny(NotPlain)
        && Uri.TryCreate(url, UriKind.Absolute, out var parsed) && parsed is { Scheme: "https", IsDefaultPort: true, UserInfo: "" } && parsed.IdnHost == host && parsed.AbsoluteUri == url
            ? parsed
            : null;

    /// <summary>SNS in the topic's region.</summary>
    internal static string HostOf(string topic)
    {
        var region = topic.Split(':')[3];
        return $"sns.{region}.amazonaws.com{(region.StartsWith("cn-", StringComparison.Ordinal) ? ".cn" : "")}";
    }

    private void CheckTime(string? timestamp)
    {
        if (!DateTimeOffset.TryParseExact(timestamp, TimestampFormat, null, DateTimeStyles.AssumeUniversal, out var sent))
        {
            throw new UntrustedException($"'{timestamp}' is no time");
        }

        var age = time.GetUtcNow() - sent;
        if (age > settings.Events.Sns.Window || age < -Ahead)
        {
            throw new UntrustedException($"it is of {sent:u}, and Events:Sns:Window is {settings.Events.Sns.Window:c}");
        }
    }

    private static bool IsSigned(SnsMessage message, X509Certificate2 certificate, HashAlgorithmName algorithm)
    {
        var signature = new byte[(message.Signature?.Length ?? 0) + 1];
        if (!Convert.TryFromBase64String(message.Signature ?? "", signature, out var length))
        {
            return false;
        }

        using var key = certificate.GetRSAPublicKey();
        return key is not null && key.VerifyData(message.SignedText(), signature.AsSpan(0, length), algorithm, RSASignaturePadding.Pkcs1);
    }

    [GeneratedRegex(@"^/SimpleNotificationService-[0-9A-Za-z]{1,64}\.pem$")]
    private static partial Regex CertificatePath();
}
