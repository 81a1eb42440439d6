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
public sealed class LocalAws(IEnumerable<ILocalAwsService> services, LocalAwsSessions sessions, TimeProvider time)
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
    private readonly LocalFaults<LocalAwsFault> _faults = new();

    /// <summary>What the stand-in takes signatures of.</summary>
    public static AWSCredentials Credentials { get; } = new BasicAWSCredentials(AccessKey, SecretKey);

    /// <summary>Who has <see cref="Credentials"/>.</summary>
    public static string Root { get; } = $"arn:aws:iam::{Account}:root";

    internal IEnumerable<ILocalAwsService> Services => _services.Values;

    internal void Fail(LocalAwsFault fault) => _faults.Set(fault, fault.Times);

    internal async Task<IResult> AnswerAsync(HttpRequest request, CancellationToken cancellation)
    {
        var isQuery = request.HasFormContentType;
        LocalAwsFault? fault = null;
        try
        {
            using var buffer = new MemoryStream();
            await request.Body.CopyToAsync(buffer, cancellation);
            var body = buffer.ToArray();
            var (service, caller) = FindUnsigned(request, body) ?? await FindAsync(request, body, isQuery, cancellation);
            var (operation, input) = isQuery ? ReadForm(body) : ReadTarget(request, service, body);
            fault = _faults.Take(fault => (fault.Service ?? service.SigningName) == service.SigningName && (fault.Operation ?? operation) == operation);
            var output = await CallAsync(fault, () => service.CallAsync(caller, operation, input, cancellation), cancellation);
            return Send(isQuery ? Xml(QueryAnswer(operation, output), StatusCodes.Status200OK) : Json(output, StatusCodes.Status200OK), fault);
        }
        catch (LocalAwsException refused)
        {
            return Send(isQuery ? Xml(QueryError(refused), refused.Status) : Json(new() { ["__type"] = refused.Code, ["message"] = refused.Message }, refused.Status), fault);
        }
    }

    private async Task<JsonObject> CallAsync(LocalAwsFault? fault, Func<Task<JsonObject>> call, CancellationToken cancellation)
    {
        await Task.Delay(TimeSpan.FromMilliseconds(fault?.DelayMilliseconds ?? 0), time, cancellation);
        if (fault is not { Code: { } code })
        {
            return await call();
        }

        if (fault.AfterEffect)
        {
            await call();
        }

        throw new LocalAwsException(code, "fault on command", fault.Status);
    }

    private static IResult Send(IResult answer, LocalAwsFault? fault) => fault is { CutBody: true } ? new CutResult(answer) : answer;

    /// <summary>A service that is asked for credentials by somebody who has none.</summary>
    private (ILocalAwsService Service, string? Caller)? FindUnsigned(HttpRequest request, byte[] body) =>
        request.HasFormContentType && request.Headers.Authorization.Count == 0 && ReadForm(body).Operation is var operation
            && _services.Values.FirstOrDefault(service => service.TakesUnsigned(operation)) is { } open
            ? (open, null)
            : null;

    /// <summary>The service that the signature is for, if it is right, and who signed.</summary>
    private async Task<(ILocalAwsService Service, string? Caller)> FindAsync(HttpRequest request, byte[] body, bool isQuery, CancellationToken cancellation)
    {
        var signature = LocalAwsSignature.TryParse(request.Headers.Authorization)
            ?? throw Forbidden("MissingAuthenticationToken", "MissingAuthenticationTokenException", "Request is missing Authentication Token");
        var session = signature.AccessKey == AccessKey ? null : await sessions.FindAsync(signature.AccessKey, cancellation);
        if (signature.AccessKey != AccessKey && (session is null || !session.Has(request.Headers[LocalAwsSignature.TokenHeader])))
        {
            throw Forbidden("InvalidClientTokenId", "UnrecognizedClientException", "The security token included in the request is invalid.");
        }

        if (!signature.IsOf(request, body, session?.SecretKey ?? SecretKey, time.GetUtcNow()))
        {
            throw Forbidden("SignatureDoesNotMatch", "InvalidSignatureException", "The request signature we calculated does not match the signature you provided.");
        }

        if (session is not null && sessions.HasEnded(session))
        {
            throw Forbidden("ExpiredToken", "ExpiredTokenException", "The security token included in the request is expired");
        }

        var service = _services.GetValueOrDefault(signature.Service) ?? throw new LocalAwsException(
            "UnknownOperationException", $"The stand-in has no service '{signature.Service}'; it has {string.Join(", ", _services.Keys)}.");
        return (service, session?.Caller ?? Root);

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
        Element($"{operation}Result", output),
        new XElement("ResponseMetadata", new XElement("RequestId", Guid.NewGuid())));

    private static XElement Element(string name, JsonNode? value) =>
        value is JsonObject fields ? new(name, fields.Select(field => Element(field.Key, field.Value))) : new(name, value?.ToString());

    private static XElement QueryError(LocalAwsException refused) => new(
        "ErrorResponse",
        new XElement("Error", new XElement("Type", refused.Status < 500 ? "Sender" : "Receiver"), new XElement("Code", refused.Code), new XElement("Message", refused.Message)),
        new XElement("RequestId", Guid.NewGuid()));

    private static IResult Xml(XElement answer, int status) => Results.Text(answer.ToString(), "text/xml", statusCode: status);

    private static IResult Json(JsonObject answer, int status) => Results.Text(answer.ToJsonString(), "application/x-amz-json-1.1", statusCode: status);
}
