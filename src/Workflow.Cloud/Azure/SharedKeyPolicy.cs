using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Azure.Core;
using Azure.Core.Pipeline;
using Workflow.Cloud.Secrets;

namespace Workflow.Cloud.Azure;

/// <summary>
/// Signs requests to a storage account with its key, which is a secret's field <c>AccountKey</c>. When the account refuses it, the
/// secret is read again: keys are rotated.
/// </summary>
/// <remarks>https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key</remarks>
internal sealed class SharedKeyPolicy(string account, Secrets.Secrets secrets, string secret, TimeProvider time) : HttpPipelinePolicy
{
    public const string Field = "AccountKey";

    private static readonly string[] SignedHeaders =
        ["Content-Encoding", "Content-Language", "Content-Length", "Content-MD5", "Content-Type", "Date", "If-Modified-Since", "If-Match", "If-None-Match", "If-Unmodified-Since", "Range"];

    public override async ValueTask ProcessAsync(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline)
    {
        try
        {
            await secrets.UseAsync(secret, found => SendAsync(message, pipeline, KeyOf(found)), refused => refused is RefusedException, message.CancellationToken);
        }
        catch (RefusedException)
        {
            // The answer says it better, to whoever asked.
        }
    }

    public override void Process(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline) =>
        throw new NotSupportedException("A secret comes asynchronously: send the request so.");

    private async Task<bool> SendAsync(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline, byte[] key)
    {
        if (message.HasResponse)
        {
            message.Response.Dispose();
        }

        Sign(message.Request, key);
        await ProcessNextAsync(message, pipeline);
        return message.Response.Status == 403 ? throw new RefusedException() : true;
    }

    private static byte[] KeyOf(Secret secret)
    {
        try
        {
            return Convert.FromBase64String(secret[Field]);
        }
        catch (FormatException)
        {
            throw new SecretException($"The field {Field} of the {secret} is no key of a storage account: that is Base64, as the portal shows it.");
        }
    }

    private void Sign(Request request, byte[] key)
    {
        request.Headers.SetValue("x-ms-date", time.GetUtcNow().ToString("R", CultureInfo.InvariantCulture));
        var signature = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(StringToSign(request)));
        request.Headers.SetValue("Authorization", $"SharedKey {account}:{Convert.ToBase64String(signature)}");
    }

    private string StringToSign(Request request)
    {
        var text = new StringBuilder().Append(request.Method.Method).Append('\n');
        foreach (var header in SignedHeaders)
        {
            text.Append(header == "Content-Length" ? LengthOf(request.Content) : request.Headers.TryGetValue(header, out var value) ? value : "").Append('\n');
        }

        foreach (var header in request.Headers.Where(header => header.Name.StartsWith("x-ms-", StringComparison.OrdinalIgnoreCase)).OrderBy(header => Lower(header.Name), StringComparer.Ordinal))
        {
            text.Append(Lower(header.Name)).Append(':').Append(header.Value.Trim()).Append('\n');
        }

        var uri = request.Uri.ToUri();
        text.Append('/').Append(account).Append(uri.AbsolutePath);
        foreach (var (name, value) in Query(uri).OrderBy(parameter => parameter.Name, StringComparer.Ordinal))
        {
            text.Append('\n').Append(name).Append(':').Append(value);
        }

        return text.ToString();
    }

    private static string LengthOf(RequestContent? content) =>
        content is not null && content.TryComputeLength(out var length) && length > 0 ? length.ToString(CultureInfo.InvariantCulture) : "";

    private static IEnumerable<(string Name, string Value)> Query(Uri uri) =>
        uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries)
            .Select(parameter => parameter.Split('=', 2))
            .Select(pair => (Lower(Uri.UnescapeDataString(pair[0])), Uri.UnescapeDataString(pair.ElementAtOrDefault(1) ?? "")));

#pragma warning disable CA1308 // the signature is over lower case
    private static string Lower(string name) => name.ToLowerInvariant();
#pragma warning restore CA1308

    private sealed class RefusedException : Exception;
}
