using System.Text.Json;
using System.Text.Json.Nodes;
using Workflow.App.Api;

namespace Workflow.App.Triggers.Functions;

/// <summary>Where the Durable Task extension of the host answers. Every invocation that binds its client tells it; the last one is right.</summary>
internal sealed class ExtensionAddress
{
    private volatile Known? _known;

    /// <summary>Takes what a <c>durableClient</c> binding says.</summary>
    /// <exception cref="BadRequestException">It says nothing of an address.</exception>
    public void Learn(JsonObject client)
    {
        var told = client.Deserialize<Binding>(JsonSerializerOptions.Web)!;
        if (!Uri.TryCreate(told.HttpBaseUrl, UriKind.Absolute, out var address))
        {
            throw new BadRequestException("The durableClient binding names no httpBaseUrl. The host needs the extension bundle 4, with the Durable Task extension 2.9 or later.");
        }

        _known = new(address.ToString().TrimEnd('/'), told.RequiredQueryStringParameters ?? "");
    }

    /// <param name="path">Below the extension's own path, escaped.</param>
    /// <param name="query">Escaped, without the question mark; may be empty.</param>
    public Uri Of(string path, string query = "")
    {
        var known = _known ?? throw new InvalidOperationException("No invocation has told yet where the Durable Task extension answers. Runs are looked at and started within one.");
        return new($"{known.Address}/{path}?{string.Join('&', new[] { query, known.Key }.Where(part => part.Length > 0))}".TrimEnd('?'));
    }

    private sealed record Known(string Address, string Key);

    private sealed record Binding(string? TaskHubName, string? ConnectionName, string? RpcBaseUrl, string? RequiredQueryStringParameters, string? HttpBaseUrl);
}
