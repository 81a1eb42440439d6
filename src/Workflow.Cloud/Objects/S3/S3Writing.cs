using Amazon.S3.Model;

namespace Workflow.Cloud.Objects.S3;

/// <summary>
/// One write as the store is told of it. Where doing it again would find it done, it carries a mark: its answer may be lost, and the
/// next attempt, the SDK's or ours, then finds an object in the way, or the upload gone, and knows its own.
/// </summary>
internal sealed class S3Writing(WriteCondition condition)
{
    /// <summary>Of the object's metadata.</summary>
    private const string Metadata = "workflow-write";

    private readonly string _mark = Guid.NewGuid().ToString("N");

    public string? IfNoneMatch => condition == WriteCondition.IfAbsent ? "*" : null;

    public void Mark(MetadataCollection metadata) => metadata[Metadata] = _mark;

    /// <param name="stored">The ETag of what an attempt before has left there, which is not what was sent; null at the first.</param>
    public void ApplyTo(PutObjectRequest request, string? stored)
    {
        if (condition == WriteCondition.IfAbsent)
        {
            Mark(request.Metadata);
            request.IfNoneMatch = stored is null ? IfNoneMatch : null;
            request.IfMatch = stored;
        }
    }

    /// <returns>The ETag of what this write has left at the address; null where it is another's, or nothing.</returns>
    public async Task<string?> FindOwnAsync(S3Requests requests, ObjectAddress address, CancellationToken cancellation) =>
        await requests.FindAsync(address, cancellation) is { } found && found.Metadata[Metadata] == _mark ? found.ETag : null;

    /// <exception cref="ObjectExistsException">There is an object where there must be none.</exception>
    public async Task RequireAbsentAsync(S3Requests requests, ObjectAddress address, CancellationToken cancellation)
    {
        if (condition == WriteCondition.IfAbsent && await requests.FindAsync(address, cancellation) is not null)
        {
            throw new ObjectExistsException(address);
        }
    }
}
