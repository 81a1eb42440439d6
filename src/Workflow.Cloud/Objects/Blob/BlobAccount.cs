using System.Globalization;
using System.Xml;
using System.Xml.Linq;
using Azure;
using Azure.Core;
using Azure.Core.Pipeline;
using Workflow.Cloud.Outbound;

namespace Workflow.Cloud.Objects.Blob;

/// <summary>One storage account over HTTP: addresses become URLs, refusals become exceptions. Repeating, delays and tokens are the pipeline's.</summary>
internal sealed class BlobAccount
{
    internal const string Version = "2024-11-04";

    private readonly HttpPipeline _pipeline;
    private readonly string _endpoint;

    /// <param name="endpoint">The account's blob endpoint, where the path is the account's too: <c>http://127.0.0.1:10000/devstoreaccount1</c>.</param>
    /// <param name="authentication">Proves to the account who asks; anew at each try.</param>
    public BlobAccount(Uri endpoint, HttpPipelinePolicy authentication, BlobClientOptions options)
    {
        _endpoint = endpoint.AbsoluteUri.TrimEnd('/');
        _pipeline = HttpPipelineBuilder.Build(options, [], [authentication], new BlobFailures());
    }

    public string UrlOf(ObjectAddress address) =>
        $"{_endpoint}/{Uri.EscapeDataString(address.Bucket)}/{string.Join('/', address.Key.Split('/').Select(Uri.EscapeDataString))}";

    /// <summary>A request for one object.</summary>
    public HttpMessage Ask(RequestMethod method, ObjectAddress address, string query = "") => Ask(method, UrlOf(address) + query);

    /// <summary>A request for a page of a container's objects.</summary>
    public HttpMessage AskForPage(ObjectAddress prefix, string marker, int size) => Ask(
        RequestMethod.Get,
        $"{_endpoint}/{Uri.EscapeDataString(prefix.Bucket)}?restype=container&comp=list&prefix={Uri.EscapeDataString(prefix.Key)}&marker={Uri.EscapeDataString(marker)}&maxresults={size}");

    /// <returns>An answer that says yes; the caller disposes the message.</returns>
    /// <exception cref="RequestFailedException">An answer that says no, or none.</exception>
    public async Task<Response> SendAsync(HttpMessage message, CancellationToken cancellation)
    {
        await _pipeline.SendAsync(message, cancellation);
        return message.Response.Status is >= 200 and < 300 ? message.Response : throw await RefusalAsync(message.Response, cancellation);
    }

    /// <returns>Null where there is no object, or a folder.</returns>
    public async Task<BlobProperties?> FindAsync(ObjectAddress address, CancellationToken cancellation)
    {
        using var message = Ask(RequestMethod.Head, address);
        try
        {
            return BlobProperties.Of(address, await SendAsync(message, cancellation)) is { IsFolder: false } found ? found : null;
        }
        catch (RequestFailedException absent) when (absent is { Status: 404, ErrorCode: not "ContainerNotFound" })
        {
            return null;
        }
    }

    private HttpMessage Ask(RequestMethod method, string url)
    {
        var message = _pipeline.CreateMessage();
        message.Request.Method = method;
        message.Request.Uri.Reset(new Uri(url));
        message.Request.Headers.SetValue("x-ms-version", Version);
        return message;
    }

    private static async Task<RequestFailedException> RefusalAsync(Response response, CancellationToken cancellation)
    {
        var code = response.Headers.TryGetValue("x-ms-error-code", out var given) ? given : null;
        return new(response.Status, await ReadWordsAsync(response, cancellation) ?? response.ReasonPhrase, code ?? $"HTTP {response.Status.ToString(CultureInfo.InvariantCulture)}", null);
    }

    /// <summary>The first line of what the service says in words; the others are a request's id and time.</summary>
    private static async Task<string?> ReadWordsAsync(Response response, CancellationToken cancellation)
    {
        if (response.ContentStream is not { } content)
        {
            return null;
        }

        try
        {
            var answer = await XDocument.LoadAsync(content, LoadOptions.None, cancellation);
            return answer.Root?.Element("Message")?.Value.Split('\n')[0].Trim();
        }
        catch (Exception unread) when (unread is XmlException or IOException)
        {
            // Something on the way answered, not the service, or it broke off; the status is what counts.
            return null;
        }
    }
}

/// <summary>How often and how fast the pipeline tries again what may pass: no connection, a timeout, 408, 429, 500, 502, 503, 504; <c>Retry-After</c> goes before.</summary>
internal sealed class BlobClientOptions : ClientOptions
{
    public BlobClientOptions()
    {
        Retry.MaxRetries = 5;
        Retry.Delay = TimeSpan.FromMilliseconds(200);
        Retry.MaxDelay = TimeSpan.FromSeconds(10);
        Diagnostics.IsLoggingContentEnabled = false;
    }
}

/// <summary>What may pass when it is tried again.</summary>
internal sealed class BlobFailures : ResponseClassifier
{
    /// <summary>Beside what may always pass: a body that was damaged on its way there.</summary>
    public override bool IsRetriableResponse(HttpMessage message) =>
        base.IsRetriableResponse(message) || message.Response.Headers.TryGetValue("x-ms-error-code", out var code) && code == "Md5Mismatch";

    /// <summary>An address that is closed to us stays so.</summary>
    public override bool IsRetriableException(Exception exception) =>
        base.IsRetriableException(exception) && exception.InnerException is not { InnerException: OutboundRefusedException };
}
