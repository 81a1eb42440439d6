using System.Text.Json;
using System.Text.Json.Nodes;
using Amazon.Runtime;
using Amazon.Runtime.Internal;
using Amazon.Runtime.Internal.Transform;

namespace Workflow.Cloud.Aws;

/// <summary>Calls a service that speaks AWS JSON: what goes in and what comes out are the objects of its API reference.</summary>
public sealed class AwsJsonClient
{
    private readonly AwsService _service;
    private readonly AwsChannel _channel;

    /// <param name="service">Its <see cref="AwsService.Api"/> is the prefix of the targets, for example <c>AWSGlue</c>.</param>
    public AwsJsonClient(AwsService service, AwsEndpoints endpoints)
    {
        _service = service;
        _channel = new(service, endpoints, new(ReadError));
    }

    /// <exception cref="AwsRefusedException">The service refused; no retry can help.</exception>
    /// <exception cref="AwsException">It came to nothing, and another time may go better.</exception>
    public Task<JsonObject> CallAsync(string operation, JsonObject input, CancellationToken cancellation) =>
        CallAsync(operation, input, region: null, retry: true, cancellation);

    /// <summary>A call to the service in another region than that of the settings.</summary>
    /// <exception cref="AwsRefusedException">The service refused; no retry can help.</exception>
    /// <exception cref="AwsException">It came to nothing, and another time may go better.</exception>
    public Task<JsonObject> CallAsync(string operation, JsonObject input, string? region, CancellationToken cancellation) =>
        CallAsync(operation, input, region, retry: true, cancellation);

    /// <summary>A call that must not happen twice: it is sent once, and where its answer is lost the caller finds out what became of it.</summary>
    /// <exception cref="AwsRefusedException">The service refused; no retry can help.</exception>
    /// <exception cref="AwsException">It came to nothing, as far as is known.</exception>
    public Task<JsonObject> CallOnceAsync(string operation, JsonObject input, CancellationToken cancellation) =>
        CallAsync(operation, input, region: null, retry: false, cancellation);

    private async Task<JsonObject> CallAsync(string operation, JsonObject input, string? region, bool retry, CancellationToken cancellation)
    {
        var headers = new Dictionary<string, string> { ["Content-Type"] = $"application/x-amz-json-{_service.JsonVersion}", ["X-Amz-Target"] = $"{_service.Api}.{operation}" };
        var call = new SignedCall(_service, operation, JsonSerializer.SerializeToUtf8Bytes(input), headers);
        var answer = await _channel.SendAsync(call, region, retry, cancellation);
        return answer.Length == 0 ? [] : ParseObject(answer) ?? throw new AwsException(_service.Name, operation, null, "the answer is not a JSON object.", null);
    }

    private static ErrorResponse ReadError(byte[] body, IWebResponseData response)
    {
        var said = ParseObject(body);
        // Either place may have more than the code: "com.amazonaws.glue#EntityNotFoundException:http://...".
        var type = Text("__type") ?? (response.IsHeaderPresent("x-amzn-ErrorType") ? response.GetHeaderValue("x-amzn-ErrorType") : null);
        return new()
        {
            Type = (int)response.StatusCode >= 500 ? ErrorType.Receiver : ErrorType.Sender,
            Code = type?.Split(':')[0].Split('#')[^1] ?? $"{(int)response.StatusCode}",
            Message = Text("message") ?? Text("Message") ?? $"HTTP {(int)response.StatusCode} without a reason",
            RequestId = response.IsHeaderPresent("x-amzn-RequestId") ? response.GetHeaderValue("x-amzn-RequestId") : null,
            StatusCode = response.StatusCode,
        };

        string? Text(string name) => said?[name] is JsonValue value && value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : null;
    }

    private static JsonObject? ParseObject(byte[] body)
    {
        try
        {
            return JsonNode.Parse(body) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
