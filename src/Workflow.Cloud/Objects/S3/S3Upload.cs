using System.Net;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Workflow.Cloud.Aws;

namespace Workflow.Cloud.Objects.S3;

/// <summary>
/// One upload in parts: the object appears when the last step succeeds, and nothing is left behind when it does not.
/// </summary>
internal sealed class S3Upload(S3Requests requests, ObjectAddress address, S3Writing writing)
{
    private const int PartsInFlight = 6;
    private const long MemoryInFlight = 64 << 20;
    private static readonly TimeSpan AbortDeadline = TimeSpan.FromSeconds(30);

    private readonly List<PartETag> _sent = [];
    private readonly Queue<Task<PartETag>> _underWay = [];

    /// <summary>Sends a stream, holding only the parts that are under way in memory.</summary>
    public Task<(long Size, string ETag)> SendAsync(ObjectPart first, S3PartSizes sizes, Stream content, CancellationToken cancellation) => RunAsync(
        sizes,
        async (upload, stop) =>
        {
            long size = first.Size;
            await EnqueueAsync(SendAsync(upload, 1, first, stop), first.Size);
            for (var number = 2; ; number++)
            {
                var part = await ObjectPart.ReadAsync(content, checked((int)sizes[number]), stop);
                size += part.Size;
                if (part.Size == 0)
                {
                    part.Dispose();
                    return size;
                }

                var last = part.IsLast;
                await EnqueueAsync(SendAsync(upload, number, part, stop), sizes[number]);
                if (last)
                {
                    return size;
                }
            }
        },
        cancellation);

    /// <summary>Copies within S3, without the bytes coming here.</summary>
    public async Task<string> CopyAsync(ObjectInfo source, long partSize, CancellationToken cancellation)
    {
        var (_, etag) = await RunAsync(
            new(partSize, 0),
            async (upload, stop) =>
            {
                var number = 1;
                for (long from = 0; from < source.Size; from += partSize)
                {
                    await EnqueueAsync(CopyAsync(upload, number++, source, from, Math.Min(from + partSize, source.Size) - 1, stop), memory: 0);
                }

                return source.Size;
            },
            cancellation);
        return etag;
    }

    private async Task<(long Size, string ETag)> RunAsync(S3PartSizes sizes, Func<string, CancellationToken, Task<long>> send, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var upload = await BeginAsync(sizes, cancellation);
        try
        {
            var size = await send(upload, stop.Token);
            await DrainAsync(downTo: 0);
            return (size, await CompleteAsync(upload, cancellation));
        }
        catch (Exception failed)
        {
            await stop.CancelAsync();
            await AbortAsync(upload, failed);
            throw;
        }
    }

    private async Task<string> BeginAsync(S3PartSizes sizes, CancellationToken cancellation)
    {
        var request = new InitiateMultipartUploadRequest { BucketName = address.Bucket, Key = address.Key, ChecksumAlgorithm = Algorithm };
        request.Metadata[S3PartSizes.Metadata] = sizes.ToString();
        writing.Mark(request.Metadata);
        return (await requests.SendAsync(client => client.InitiateMultipartUploadAsync(request, cancellation), cancellation)).UploadId;
    }

    private async Task<string> CompleteAsync(string upload, CancellationToken cancellation)
    {
        // Some stores do not hold the condition here; the look before leaves them a moment instead of the whole upload.
        await writing.RequireAbsentAsync(requests, address, cancellation);
        var request = new CompleteMultipartUploadRequest
        {
            BucketName = address.Bucket,
            Key = address.Key,
            UploadId = upload,
            PartETags = _sent,
            IfNoneMatch = writing.IfNoneMatch,
        };
        try
        {
            var completed = await requests.SendAsync(client => client.CompleteMultipartUploadAsync(request, cancellation), cancellation);
            // radosgw tells none.
            return string.IsNullOrEmpty(completed.ETag) ? (await requests.HeadAsync(address, cancellation)).ETag : completed.ETag;
        }
        catch (AmazonS3Exception refused) when (refused.StatusCode == HttpStatusCode.PreconditionFailed || refused.ErrorCode == "NoSuchUpload")
        {
            // It may have been done, and the answer lost.
            if (await writing.FindOwnAsync(requests, address, cancellation) is { } own)
            {
                return own;
            }

            throw;
        }
    }

    private async Task EnqueueAsync(Task<PartETag> part, long memory)
    {
        _underWay.Enqueue(part);
        await DrainAsync(downTo: (int)Math.Clamp(MemoryInFlight / Math.Max(memory, 1), 1, PartsInFlight) - 1);
    }

    private async Task DrainAsync(int downTo)
    {
        while (_underWay.Count > downTo)
        {
            // Leaves the queue once it has ended: a failure must find every part that is still under way.
            _sent.Add(await _underWay.Peek());
            _ = _underWay.Dequeue();
        }
    }

    private async Task<PartETag> SendAsync(string upload, int number, ObjectPart part, CancellationToken cancellation)
    {
        using (part)
        {
            return await requests.SendContentAsync(
                async client =>
                {
                    var request = new UploadPartRequest
                    {
                        BucketName = address.Bucket,
                        Key = address.Key,
                        UploadId = upload,
                        PartNumber = number,
                        PartSize = part.Size,
                        InputStream = part.AsStream(),
                        ChecksumAlgorithm = Algorithm,
                    };
                    var stored = await client.UploadPartAsync(request, cancellation);
                    S3Checksum.RequireStored(part, stored.ETag, address, stored.ServerSideEncryptionMethod?.Value);
                    return new PartETag(stored);
                },
                cancellation);
        }
    }

    private async Task<PartETag> CopyAsync(string upload, int number, ObjectInfo source, long first, long last, CancellationToken cancellation)
    {
        var request = new CopyPartRequest
        {
            SourceBucket = source.Address.Bucket,
            SourceKey = source.Address.Key,
            ETagToMatch = [source.ETag],
            DestinationBucket = address.Bucket,
            DestinationKey = address.Key,
            UploadId = upload,
            PartNumber = number,
            FirstByte = first,
            LastByte = last,
        };
        return new PartETag(await requests.SendAsync(client => client.CopyPartAsync(request, cancellation), cancellation));
    }

    /// <summary>What the service is to check each part by, and to keep of the whole.</summary>
    private ChecksumAlgorithm? Algorithm => requests.SendsChecksums ? ChecksumAlgorithm.CRC32 : null;

    /// <summary>Parts of an upload that is neither finished nor aborted are stored, and paid for, unseen.</summary>
    private async Task AbortAsync(string upload, Exception because)
    {
        try
        {
            // A part that lands after the abort would stay.
            await Task.WhenAll(_underWay).ContinueWith(_ => { }, TaskScheduler.Default);
            using var deadline = new CancellationTokenSource(AbortDeadline);
            var request = new AbortMultipartUploadRequest { BucketName = address.Bucket, Key = address.Key, UploadId = upload };
            await requests.SendAsync(client => client.AbortMultipartUploadAsync(request, deadline.Token), deadline.Token);
        }
        catch (AmazonS3Exception gone) when (gone.ErrorCode == "NoSuchUpload")
        {
        }
        catch (Exception alsoFailed) when (AwsFailures.IsOfTheWay(alsoFailed) || alsoFailed is OperationCanceledException)
        {
            throw new ObjectStoreException(
                $"{address} cannot be written: {because.Message} The parts already sent could not be removed ({alsoFailed.Message}): abort upload {upload} or let a lifecycle rule do it.", because);
        }
    }
}
