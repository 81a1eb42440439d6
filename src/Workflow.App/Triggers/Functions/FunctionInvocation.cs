using System.Text.Json;
using System.Text.Json.Nodes;
using Workflow.App.Api;

namespace Workflow.App.Triggers.Functions;

/// <summary>
/// What the host sends to a function: <c>{"Data": {…}, "Metadata": {…}}</c>. It writes a text as JSON before it writes the whole as JSON,
/// so texts come encoded twice; objects and bytes do not.
/// </summary>
internal sealed class FunctionInvocation : IDisposable
{
    private readonly JsonDocument _body;

    private FunctionInvocation(JsonDocument body) => _body = body;

    /// <exception cref="BadRequestException">The body is not an invocation.</exception>
    public static async Task<FunctionInvocation> ReadAsync(Stream body, CancellationToken cancellation)
    {
        JsonDocument document;
        try
        {
            document = await JsonDocument.ParseAsync(body, cancellationToken: cancellation);
        }
        catch (JsonException broken)
        {
            throw new BadRequestException($"The invocation is not JSON: {broken.Message}");
        }

        if (document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("Data", out var data) && data.ValueKind == JsonValueKind.Object)
        {
            return new(document);
        }

        document.Dispose();
        throw new BadRequestException("The invocation has no Data. The Azure Functions host sends {\"Data\": {…}, \"Metadata\": {…}}.");
    }

    /// <summary>The value of a binding, as text; null where there is none.</summary>
    public string? Data(string binding) => Text("Data", binding);

    /// <summary>What the trigger tells beside its value, as text; null where it does not.</summary>
    public string? Metadata(string name) => Text("Metadata", name);

    /// <summary>The value of a binding that is JSON itself.</summary>
    /// <exception cref="BadRequestException">It is not there, or not an object.</exception>
    public JsonObject DataObject(string binding)
    {
        try
        {
            return JsonNode.Parse(Data(binding) ?? "null") as JsonObject ?? throw new BadRequestException($"The invocation's {binding} is not an object.");
        }
        catch (JsonException broken)
        {
            throw new BadRequestException($"The invocation's {binding} is not JSON: {broken.Message}");
        }
    }

    public void Dispose() => _body.Dispose();

    private string? Text(string part, string name)
    {
        if (!_body.RootElement.TryGetProperty(part, out var values) || values.ValueKind != JsonValueKind.Object || !values.TryGetProperty(name, out var value))
        {
            return null;
        }

        return value.ValueKind switch
        {
            JsonValueKind.Null => null,
            JsonValueKind.String => Decode(value.GetString()!),
            _ => value.GetRawText(),
        };
    }

    private static string? Decode(string text)
    {
        try
        {
            return text is "null" ? null : text is ['"', ..] ? JsonSerializer.Deserialize<string>(text) : text;
        }
        catch (JsonException)
        {
            return text;
        }
    }
}
