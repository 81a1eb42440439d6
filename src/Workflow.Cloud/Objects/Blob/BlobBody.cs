using System.Security.Cryptography;
using Azure.Core;

namespace Workflow.Cloud.Objects.Blob;

internal static class BlobBody
{
    /// <summary>Puts a part into a request, with the checksum by which the service refuses a body that was damaged on its way.</summary>
    public static void PutInto(this ObjectPart part, Request request)
    {
        request.Content = RequestContent.Create(part.Bytes);
        request.Headers.SetValue("Content-MD5", Md5.Of(part.Bytes.Span));
    }
}

/// <summary>The checksum that the service checks and keeps, as it writes it.</summary>
internal static class Md5
{
#pragma warning disable CA5351 // against damage, not against forgery; it is the one the service knows everywhere
    public static string Of(ReadOnlySpan<byte> content) => Convert.ToBase64String(MD5.HashData(content));

    public static IncrementalHash Begin() => IncrementalHash.CreateHash(HashAlgorithmName.MD5);
#pragma warning restore CA5351

    public static string End(IncrementalHash hash) => Convert.ToBase64String(hash.GetHashAndReset());
}
