using System.Globalization;
using Azure;

namespace Workflow.Cloud.Objects.Blob;

/// <summary>What the headers of an answer say of an object.</summary>
/// <param name="Write">The mark of the conditional write that made it.</param>
/// <param name="CopyId">Of the last copy to it.</param>
/// <param name="CopyStatus"><c>pending</c>, <c>success</c>, <c>aborted</c> or <c>failed</c>.</param>
internal sealed record BlobProperties(ObjectInfo Info, string? Write, string? CopyId, string? CopyStatus, string? CopyDescription, bool IsFolder)
{
    public const string WriteMark = "x-ms-meta-workflow_write";

    /// <param name="size">Where it is known without the headers.</param>
    public static BlobProperties Of(ObjectAddress address, Response response, long? size = null)
    {
        var headers = response.Headers;
        return new(
            new(address, size ?? headers.ContentLengthLong ?? 0, Unquote(Header("ETag") ?? ""), Time(Header("Last-Modified"))),
            Header(WriteMark),
            Header("x-ms-copy-id"),
            Header("x-ms-copy-status"),
            Header("x-ms-copy-status-description"),
            // Where names are hierarchical, a folder is an empty object that says so.
            Header("x-ms-resource-type") == "directory" || Header("x-ms-meta-hdi_isfolder") == "true");

        string? Header(string name) => headers.TryGetValue(name, out var value) ? value : null;
    }

    public static string Unquote(string etag) => etag.Trim('"');

    public static DateTimeOffset Time(string? text) =>
        DateTimeOffset.TryParseExact(text, "R", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : default;
}
