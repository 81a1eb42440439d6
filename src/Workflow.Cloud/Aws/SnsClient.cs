using System.Text;
using System.Xml;
using System.Xml.Linq;
using Amazon.Runtime;
using Amazon.Runtime.Internal;
using Amazon.Runtime.Internal.Transform;

namespace Workflow.Cloud.Aws;

/// <summary>What is published to a topic.</summary>
/// <param name="Topic">Its ARN; says the region, too.</param>
/// <param name="Subject">Up to 100 printable ASCII characters; null for none.</param>
/// <param name="Text">Up to 256 KiB.</param>
/// <param name="Attributes">By name; text.</param>
public sealed record SnsMessage(string Topic, string? Subject, string Text, IReadOnlyDictionary<string, string> Attributes)
{
    /// <summary>Of a FIFO topic: a second message with the same id is not delivered.</summary>
    public string? DeduplicationId { get; init; }

    /// <summary>Of a FIFO topic: within a group, order is kept.</summary>
    public string? Group { get; init; }
}

/// <summary>Amazon SNS, over its Query protocol.</summary>
public sealed class SnsClient
{
    private static readonly AwsService Service = new("SNS", "sns") { Api = "2010-03-31" };

    private readonly AwsChannel _channel;

    public SnsClient(AwsEndpoints endpoints) => _channel = new(Service, endpoints, new(ReadError));

    /// <returns>The message's id.</returns>
    /// <exception cref="AwsRefusedException">The topic is not there, or something in the message will not do.</exception>
    /// <exception cref="AwsException">It could not be published this time.</exception>
    public async Task<string> PublishAsync(SnsMessage message, CancellationToken cancellation)
    {
        var form = new Dictionary<string, string?> { ["TopicArn"] = message.Topic, ["Subject"] = message.Subject, ["Message"] = message.Text, ["MessageDeduplicationId"] = message.DeduplicationId, ["MessageGroupId"] = message.Group };
        foreach (var (index, (name, value)) in message.Attributes.Index())
        {
            var entry = $"MessageAttributes.entry.{index + 1}";
            form[$"{entry}.Name"] = name;
            form[$"{entry}.Value.DataType"] = "String";
            form[$"{entry}.Value.StringValue"] = value;
        }

        var region = message.Topic.Split(':') is [_, _, _, { Length: > 0 } named, ..] ? named : null;
        return await CallAsync("Publish", form, region, cancellation);
    }

    private async Task<string> CallAsync(string operation, Dictionary<string, string?> form, string? region, CancellationToken cancellation)
    {
        var body = new StringBuilder($"Action={operation}&Version={Service.Api}");
        foreach (var (name, value) in form)
        {
            _ = value is null ? body : body.Append('&').Append(Uri.EscapeDataString(name)).Append('=').Append(Uri.EscapeDataString(value));
        }

        var headers = new Dictionary<string, string> { ["Content-Type"] = "application/x-www-form-urlencoded; charset=utf-8" };
        var answer = await _channel.SendAsync(new(Service, operation, Encoding.UTF8.GetBytes(body.ToString()), headers), region, retry: true, cancellation);
        return Find(answer, "MessageId") ?? throw new AwsException(Service.Name, operation, null, "the answer names no message.", null);
    }

    private static ErrorResponse ReadError(byte[] body, IWebResponseData response) => new()
    {
        Type = (int)response.StatusCode >= 500 ? ErrorType.Receiver : ErrorType.Sender,
        Code = Find(body, "Code") ?? $"{(int)response.StatusCode}",
        Message = Find(body, "Message") ?? $"HTTP {(int)response.StatusCode} without a reason",
        RequestId = Find(body, "RequestId"),
        StatusCode = response.StatusCode,
    };

    private static string? Find(byte[] body, string element)
    {
        try
        {
            return XDocument.Load(new MemoryStream(body)).Descendants().FirstOrDefault(found => found.Name.LocalName == element)?.Value;
        }
        catch (XmlException)
        {
            return null;
        }
    }
}
