using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Routing;

namespace Workflow.Cloud.Local;

/// <summary>One service behind the stand-in for AWS: does what the real one would, as far as pipelines ask for it.</summary>
public interface ILocalAwsService
{
    /// <summary>The service's name in a signature, for example <c>glue</c>; calls are told apart by it.</summary>
    string SigningName { get; }

    /// <summary>Of the JSON protocol, the prefix of the targets, for example <c>AWSGlue</c>; null where the Query protocol is spoken.</summary>
    string? TargetPrefix { get; }

    /// <param name="input">Of the Query protocol: the form's fields.</param>
    /// <exception cref="LocalAwsException">What the real service would refuse.</exception>
    Task<JsonObject> CallAsync(string operation, JsonObject input, CancellationToken cancellation);

    /// <param name="caller">The ARN of whose credentials signed the call; null where nobody did.</param>
    /// <exception cref="LocalAwsException">What the real service would refuse.</exception>
    Task<JsonObject> CallAsync(string? caller, string operation, JsonObject input, CancellationToken cancellation) => CallAsync(operation, input, cancellation);

    /// <summary>Whether the operation is for those who have no credentials yet.</summary>
    bool TakesUnsigned(string operation) => false;

    /// <summary>Maps what shows, and what steers, the service's state.</summary>
    /// <param name="local">The group <c>/local/aws/(signing name)</c>.</param>
    void Map(IEndpointRouteBuilder local);
}

/// <summary>An error as the real service answers it.</summary>
public sealed class LocalAwsException(string code, string message, int status = 400) : Exception(message)
{
    public string Code => code;

    public int Status => status;
}
