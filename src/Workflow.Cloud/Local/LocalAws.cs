using System.Text.Json;
using System.Text.Json.Nodes;
using System.Xml.Linq;
using Amazon.Runtime;
using Microsoft.AspNetCore.Http;

namespace Workflow.Cloud.Local;

/// <summary>
/// A stand-in for services of AWS at one address, told apart by the signature's scope as they are at AWS. It refuses what is not signed
/// with its credentials, fails on command, and leaves the rest to the <see cref="ILocalAwsService"/> that was called.
/// </summary>
public sealed class LocalAws(IEnumerable<ILocalAwsService> services, TimeProvider time)
{
    /// <summary>Where it is mapped.</summary>
    public const string Path = "/local/aws/";

    public const string Region = "us-east-1";

    /// <summary>The account that its resources belong to.</summary>
    public const string Account = "000000000000";

    // Made up: they open nothing but the stand-in.
    private const string AccessKey = "AKIALOCALSTANDIN0000";
    private const string SecretKey = "local-stand-in-no-secret";

    private readonly Dictionary<string, ILocalAwsService> _services = services.ToDictionary(service => service.SigningName);
    private readonly LocalAwsFaults _faults = new();

    /// <summary>What the stand-in takes signatures of.</summary>
    public static AWSCredentials Credentials { get; } = new BasicAWSCredentials(AccessKey, SecretKey);

    internal IEnumerable<ILocalAwsService> Services => _services.Values;

    internal void Fail(LocalAwsFault fault) => _faults.Set(fault);

    internal async Task<IResult> AnswerAsync(HttpRequest request, CancellationToken cancellation)
    {
        var isQuery = request.HasFormContentType;
        try
        {
            using var buffer = new MemoryStream();
            await request.Body.CopyToAsync(buffer, cancellation);
            var body = buffer.ToArray();
            var service = Find(request, body, isQuery);
            var (operation, input) = isQuery ? ReadForm(body) : ReadTarget(request, service, body);
            var output = await CallAsync(service, operation, input, cancellation);
            return isQuery ? Xml(QueryAnswer(operation, output), StatusCodes.Status200OK) : Json(output, StatusCodes.Status200OK);
        }
        catch (LocalAwsException refused)
        {
            return isQuery
                ? Xml(QueryError(refused), refused.Status)
                : Json(new() { ["__type"] = refused.Code, ["message"] = refused.Message }, refused.Status);
        }
    }

    private async Task<JsonObject> CallAsync(ILocalAwsService service, string operation, JsonObject input, CancellationToken cancellation)
    {
        var fault = _faults.Take(service.SigningName, operation);
        await Task.Delay(TimeSpan.FromMilliseconds(fault?.DelayMilliseconds ?? 0), time, cancellation);
        if (fault is not { Code: { } code })
        {
            return await service.CallAsync(operation, input, cancellation);
        }

        if (fault.AfterEffect)
        {
            await service.CallAsync(operation, input, cancellation);
        }

        throw new LocalAwsException(code, "fault on command", fault.Status);
    }

    /// <summary>The service that the signature is for, if it is right.</summary>
    private ILocalAwsService Find(HttpRequest request, byte[] body, bool isQuery)
    {
        var signature = LocalAwsSignature.TryParse(request.Headers.Authorization);
        return signature switch
        {
            null => throw Forbidden("MissingAuthenticationToken", "MissingAuthenticationTokenException", "Request is missing Authentication Token"),
            { AccessKey: not AccessKey } => throw Forbidden("InvalidClientTokenId", "UnrecognizedClientException", "The security token included in the request is invalid."),
            _ when !signature.IsOf(request, body, SecretKey, time.GetUtcNow()) => throw Forbidden(
                "SignatureDoesNotMatch", "InvalidSignatureException", "The request signature we calculated does not match the signature you provided."),
            _ => _services.GetValueOrDefault(signature.Service) ?? throw new LocalAwsException(
                "UnknownOperationException", $"The stand-in has no service '{signature.Service}'; it has {string.Join(", ", _services.Keys)}."),
        };

        LocalAwsException Forbidden(string query, string json, string message) =>
            isQuery ? new(query, message, StatusCodes.Status403Forbidden) : new(json, message);
    }

    private static (string Operation, JsonObject Input) ReadTarget(HttpRequest request, ILocalAwsService service, byte[] body)
    {
        if (request.Headers["X-Amz-Target"].ToString().Split('.') is not [var prefix, var operation] || prefix != service.TargetPrefix)
        {
            throw new LocalAwsException("UnknownOperationException", "X-Amz-Target names no operation of the service.");
        }

        try
        {
            return (operation, JsonNode.Parse(body) as JsonObject ?? throw new JsonException("It is not an object."));
        }
        catch (JsonException broken)
        {
            throw new LocalAwsException("SerializationException", broken.Message);
        }
    }

    private static (string Operation, JsonObject Input) ReadForm(byte[] body)
    {
        var fields = Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(System.Text.Encoding.UTF8.GetString(body));
        var input = new JsonObject(fields.Select(field => KeyValuePair.Create(field.Key, (JsonNode?)field.Value.ToString())));
        var operation = fields.TryGetValue("Action", out var action) ? action.ToString() : "";
        return operation.Length > 0 ? (operation, input) : throw new LocalAwsException("MissingAction", "The request names no Action.");
    }

    private static XElement QueryAnswer(string operation, JsonObject output) => new(
        $"{operation}Response",
        new XElement($"{operation}Result", output.Select(field => new XElement(field.Key, field.Value?.ToString()))),
        new XElement("ResponseMetadata", new XElement("RequestId", Guid.NewGuid())));

    private static XElement QueryError(LocalAwsException refused) => new(
        "ErrorResponse",
        new XElement("Error", new XElement("Type", refused.Status < 500 ? "Sender" : "Receiver"), new XElement("Code", refused.Code), new XElement("Message", refused.Message)),
        new XElement("RequestId", Guid.NewGuid()));

    private static IResult Xml(XElement answer, int status) => Results.Text(answer.ToString(), "text/xml", statusCode: status);

    private static IResult Json(JsonObject answer, int status) => Results.Text(answer.ToJsonString(), "application/x-amz-json-1.1", statusCode: status);
}
