using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http.Features;
using Workflow.App.Api;

namespace Workflow.App.Triggers.Functions;

/// <summary>A request that came to the host for the API. The service's own API answers it, as if it had come to it.</summary>
internal static class HttpInvocation
{
    /// <returns>What the response binding takes.</returns>
    public static async Task<JsonObject> AnswerAsync(HttpContext outer, JsonObject request, RequestDelegate api)
    {
        using var body = new MemoryStream();
        var inner = new DefaultHttpContext { RequestServices = outer.RequestServices, RequestAborted = outer.RequestAborted };
        inner.Features.Set<IHttpMaxRequestBodySizeFeature>(new BodySize());
        Fill(inner, request.Deserialize<Told>() ?? throw new BadRequestException("The invocation's request is empty."));
        inner.Response.Body = body;
        await api(inner);
        await inner.Response.CompleteAsync();
        var headers = inner.Response.Headers.Select(header => KeyValuePair.Create(header.Key, (JsonNode?)header.Value.ToString()));
        return new() { ["statusCode"] = $"{inner.Response.StatusCode}", ["body"] = Encoding.UTF8.GetString(body.ToArray()), ["headers"] = new JsonObject(headers) };
    }

    private static void Fill(HttpContext inner, Told told)
    {
        if (!Uri.TryCreate(told.Url, UriKind.Absolute, out var url))
        {
            throw new BadRequestException($"'{told.Url}' is not the address of a request.");
        }

        var request = inner.Request;
        request.Method = told.Method ?? HttpMethods.Get;
        request.Scheme = url.Scheme;
        request.Host = new(url.Authority);
        request.Path = PathString.FromUriComponent(url);
        request.QueryString = QueryString.FromUriComponent(url);
        foreach (var (name, values) in told.Headers ?? [])
        {
            request.Headers[name] = values;
        }

        var body = Encode(told.Body, request);
        request.Body = new MemoryStream(body);
        request.ContentLength = body.Length;
        inner.Features.Set<IHttpRequestBodyDetectionFeature>(new HasBody(body.Length > 0));
        inner.Connection.RemoteIpAddress = Caller(request.Headers["X-Forwarded-For"]);
    }

    /// <summary>Bytes come in base64, and the host takes for bytes what is not text by its type.</summary>
    private static byte[] Encode(JsonElement body, HttpRequest request) => body.ValueKind switch
    {
        JsonValueKind.Undefined or JsonValueKind.Null => [],
        JsonValueKind.String when request.ContentType?.StartsWith("application/octet-stream", StringComparison.OrdinalIgnoreCase) == true
            || request.ContentType?.StartsWith("multipart/", StringComparison.OrdinalIgnoreCase) == true => body.GetBytesFromBase64(),
        JsonValueKind.String => Encoding.UTF8.GetBytes(body.GetString()!),
        _ => Encoding.UTF8.GetBytes(body.GetRawText()),
    };

    /// <summary>The front of the platform writes who called, with the port.</summary>
    private static IPAddress? Caller(string? forwarded) => IPEndPoint.TryParse(forwarded?.Split(',')[0].Trim() ?? "", out var caller) ? caller.Address : null;

    private sealed record Told(string? Url, string? Method, Dictionary<string, string[]>? Headers, JsonElement Body);

    private sealed class BodySize : IHttpMaxRequestBodySizeFeature
    {
        public bool IsReadOnly => false;

        public long? MaxRequestBodySize { get; set; }
    }

    private sealed record HasBody(bool CanHaveBody) : IHttpRequestBodyDetectionFeature;
}
