using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

namespace Workflow.Cloud.Objects;

/// <summary>
/// One upload in parts: the object appears when the last step succeeds, and nothing is left behind when it does not.
/// </summary>
internal sealed class S3Upload(IAmazonS3 client, ObjectAddress address, WriteCondition condition)
{
    private const int PartsInFlight = 4;
    private static readonly TimeSpan AbortDeadline = TimeSpan.FromSeconds(30);

    private readonly List<PartETag> _sent = [];
    private readonly Queue<Task<PartETag>> _underWay = [];

    /// <summary>Sends a stream of unknown length, holding only the parts that are under way in memory.</summary>
    public Task<(long Size, string ETag)> SendAsync(S3Part first, Stream content, CancellationToken cancellation) => RunAsync(
        async upload =>
        {
            long size = first.Size;
            await EnqueueAsync(SendAsync(upload, 1, first, cancellation));
            for (var number = 2; ; number++)
            {
                // S3 takes 10,000 parts: growing by one size every thousand gives 430 GiB of unknown length.
                var part = await S3Part.ReadAsync(content, S3ObjectStore.PartSize * (1 + number / 1000), cancellation);
                size += part.Size;
                if (part.Size == 0)
                {
                    part.Dispose();
                    return size;
                }

                var last = part.IsLast;
                await EnqueueAsync(SendAsync(upload, number, part, cancellation));
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
            async upload =>
            {
                var number = 1;
                for (long from = 0; from < source.Size; from += partSize)
                {
                    await EnqueueAsync(CopyAsync(upload, number++, source, from, Math.Min(from + partSize, source.Size) - 1, cancellation));
                }

                return source.Size;
            },
            cancellation);
        return etag;
    }

    private async Task<(long Size, string ETag)> RunAsync(Func<string, Task<long>> send, CancellationToken cancellation)
    {
        var begun = await client.InitiateMultipartUploadAsync(
            new InitiateMultipartUploadRequest { BucketName = address.Bucket, Key = address.Key }, cancellation);
        try
        {
            var size = await send(begun.UploadId);
            await DrainAsync(downTo: 0);
            var completed = await client.CompleteMultipartUploadAsync(
                new CompleteMultipartUploadRequest
                {
                    BucketName = address.Bucket,
                    Key = address.Key,
                    UploadId = begun.UploadId,
                    PartETags = _sent,
                    IfNoneMatch = condition == WriteCondition.IfAbsent ? "*" : null,
                },
                cancellation);
            return (size, completed.ETag);
        }
        catch (Exception failed)
        {
            await AbortAsync(begun.UploadId, failed);
            throw;
        }
    }

    private async Task EnqueueAsync(Task<PartETag> part)
    {
        _underWay.Enqueue(part);
        await DrainAsync(downTo: PartsInFlight - 1);
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

    private async Task<PartETag> SendAsync(string upload, int number, S3Part part, CancellationToken cancellation)
    {
        using (part)
        {
            var request = new UploadPartRequest
            {
                BucketName = address.Bucket,
                Key = address.Key,
                UploadId = upload,
                PartNumber = number,
                PartSize = part.Size,
                InputStream = part.AsStream(),
            };
            return new PartETag(await client.UploadPartAsync(request, cancellation));
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
        return new PartETag(await client.CopyPartAsync(request, cancellation));
    }

    /// <summary>Parts of an upload that is neither finished nor aborted are stored, and paid for, unseen.</summary>
    private async Task AbortAsync(string upload, Exception because)
    {
        try
        {
            // A part that lands after the abort would stay.
            await Task.WhenAll(_underWay).ContinueWith(_ => { }, TaskScheduler.Default);
            using var deadline = new CancellationTokenSource(AbortDeadline);
            await client.AbortMultipartUploadAsync(
                new AbortMultipartUploadRequest { BucketName = address.Bucket, Key = address.Key, UploadId = upload }, deadline.Token);
        }
        catch (Exception alsoFailed) when (alsoFailed is AmazonServiceException or AmazonClientException or HttpRequestException or OperationCanceledException)
        {
            throw new ObjectStoreException(
                $"{address} cannot be written: {because.Message} The parts already sent could not be removed ({alsoFailed.Message}): abort upload {upload} or let a lifecycle rule do it.", because);
        }
    }
}
