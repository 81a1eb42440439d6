using System.Runtime.CompilerServices;
using System.Xml;
using Azure;
using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Identity;
using Workflow.Cloud.Azure;

namespace Workflow.Cloud.Objects.Blob;

/// <summary>
/// Objects in one Azure storage account: <c>az://container/key</c>.
/// </summary>
/// <remarks>
/// Keys that end in a slash, and folders of an account with hierarchical names, are not listed. A key with a segment <c>.</c> or
/// <c>..</c>, or a backslash, is refused: as a URL it would be another one. Containers are not made; that is the installation's task.
/// </remarks>
public sealed class BlobObjectStore : IObjectStore
{
    private const string Scope = "https://storage.azure.com/.default";

    private readonly BlobAccount _account;
    private readonly TimeProvider _time;

    internal BlobObjectStore(BlobAccount account, TimeProvider time)
    {
        _account = account;
        _time = time;
    }

    /// <summary>Smaller objects go up in one request.</summary>
    internal int BlockSize { get; init; } = 8 << 20;

    /// <summary>The service makes checksums of ranges up to 4 MiB.</summary>
    internal int ChunkSize { get; init; } = 4 << 20;

    /// <summary>How many objects come in one answer; the service's most.</summary>
    internal int PageSize { get; init; } = 5_000;

    public string Scheme => "az";

    /// <summary>A store that proves itself with tokens, as an identity with the role Storage Blob Data Contributor.</summary>
    /// <param name="endpoint">The account's blob endpoint, with https: <c>https://account.blob.core.windows.net</c>.</param>
    public static BlobObjectStore WithIdentity(Uri endpoint, TokenCredential credential, HttpPipelineTransport transport, TimeProvider time) =>
        new(new BlobAccount(endpoint, Tokens(credential), new BlobClientOptions { Transport = transport }), time);

    /// <summary>A store that signs with the account's key, the field <c>AccountKey</c> of a secret.</summary>
    /// <param name="account">The account's name, which is part of what is signed.</param>
    public static BlobObjectStore WithKey(Uri endpoint, string account, Secrets.Secrets secrets, string secret, HttpPipelineTransport transport, TimeProvider time) =>
        new(new BlobAccount(endpoint, new SharedKeyPolicy(account, secrets, secret, time), new BlobClientOptions { Transport = transport }), time);

    public async IAsyncEnumerable<ObjectInfo> ListAsync(ObjectAddress prefix, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var marker = "";
        do
        {
            using var message = _account.AskForPage(prefix, marker, PageSize);
            var page = await TryAsync(prefix, "listed", async () => BlobPage.Read(prefix, (await _account.SendAsync(message, cancellation)).ContentStream!));
            foreach (var found in page.Objects)
            {
                yield return found;
            }

            marker = page.Next;
        }
        while (marker.Length > 0);
    }

    public Task<ObjectInfo?> FindAsync(ObjectAddress address, CancellationToken cancellation)
    {
        RequireKey(address);
        return TryAsync(address, "looked up", async () => (await _account.FindAsync(address, cancellation))?.Info);
    }

    public Task<Stream> OpenReadAsync(ObjectAddress address, CancellationToken cancellation)
    {
        RequireKey(address);
        return TryAsync(address, "read", () => BlobReadStream.OpenAsync(new BlobChunks(_account, address, ChunkSize, _time), cancellation));
    }

    public Task<ObjectInfo> WriteAsync(ObjectAddress address, Stream content, WriteCondition condition, CancellationToken cancellation)
    {
        RequireKey(address);
        return TryAsync(address, "written", () => new BlobUpload(_account, address, condition, BlockSize).SendAsync(content, cancellation));
    }

    public async Task<ObjectInfo> CopyAsync(ObjectAddress from, ObjectAddress to, CancellationToken cancellation)
    {
        RequireKey(to);
        var source = await FindAsync(from, cancellation) ?? throw new ObjectNotFoundException(from);
        return await TryAsync(from, $"copied to {to}", () => new BlobCopy(_account, source, to, _time).RunAsync(cancellation));
    }

    public Task DeleteAsync(ObjectAddress address, CancellationToken cancellation)
    {
        RequireKey(address);
        return TryAsync(address, "deleted", async () =>
        {
            using var message = _account.Ask(RequestMethod.Delete, address);
            message.Request.Headers.SetValue("x-ms-delete-snapshots", "include");
            try
            {
                await _account.SendAsync(message, cancellation);
            }
            catch (RequestFailedException absent) when (absent is { Status: 404, ErrorCode: not "ContainerNotFound" })
            {
                return false;
            }

            return true;
        });
    }

    internal static HttpPipelinePolicy Tokens(TokenCredential credential) => new BearerTokenAuthenticationPolicy(credential, Scope);

    internal static async Task<T> TryAsync<T>(ObjectAddress address, string done, Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (Exception failed) when (failed is RequestFailedException or AggregateException or AuthenticationFailedException or XmlException)
        {
            throw Explain(address, done, failed);
        }
    }

    private static ObjectStoreException Explain(ObjectAddress address, string done, Exception failed) => failed switch
    {
        RequestFailedException { ErrorCode: "ContainerNotFound" } => new ObjectStoreException($"{address} cannot be {done}: there is no container '{address.Bucket}'.", failed),
        RequestFailedException { Status: 404 } => new ObjectNotFoundException(address, failed),
        RequestFailedException { ErrorCode: "InvalidBlockList" } => new ObjectStoreException($"{address} cannot be {done}: somebody else wrote it at this moment. Try again.", failed),
        RequestFailedException { Status: 401 or 403 } refused => new ObjectStoreException(
            $"{address} cannot be {done}: {refused.ErrorCode}, {refused.Message} Check that the identity in use has the role Storage Blob Data Contributor, or that the key is the account's.", failed),
        RequestFailedException { Status: not 0 } refused => new ObjectStoreException($"{address} cannot be {done}: {refused.ErrorCode}, {refused.Message} (HTTP {refused.Status})", failed),
        AuthenticationFailedException => new ObjectStoreException($"{address} cannot be {done}: no token came. Check Azure:Identity. {failed.Message}", failed),
        AggregateException all => new ObjectStoreException($"{address} cannot be {done}: {all.InnerExceptions[^1].Message} Tried {all.InnerExceptions.Count} times; check Azure:Storage and the network.", failed),
        _ => new ObjectStoreException($"{address} cannot be {done}: {failed.Message} Check Azure:Storage and the network.", failed),
    };

    private static void RequireKey(ObjectAddress address)
    {
        if (address.Key is "" or [.., '/'])
        {
            throw new ObjectStoreException($"{address} is a prefix, not an object: an object's key does not end in a slash.");
        }

        if (address.Key[0] == '/' || address.Key.Contains('\\') || address.Key.Split('/').Any(segment => segment is "." or ".."))
        {
            throw new ObjectStoreException($"{address} cannot be addressed: its key begins with a slash, has a segment '.' or '..', or a backslash, which the service takes for a slash. Leave that out.");
        }
    }
}
