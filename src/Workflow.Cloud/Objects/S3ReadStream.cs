using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

namespace Workflow.Cloud.Objects;

/// <summary>
/// One forward read of an object. A connection that breaks is taken up again where it broke, as long as the object is still the same.
/// </summary>
internal sealed class S3ReadStream : Stream
{
    private const int Attempts = 5;
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);

    private readonly IAmazonS3 _client;
    private readonly ObjectAddress _address;
    private readonly TimeProvider _time;
    private readonly long _length;
    private readonly string _etag;
    private GetObjectResponse _response;
    private long _position;

    private S3ReadStream(IAmazonS3 client, ObjectAddress address, TimeProvider time, GetObjectResponse response)
    {
        _client = client;
        _address = address;
        _time = time;
        _response = response;
        _length = response.ContentLength;
        _etag = response.ETag;
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => _length;

    public override long Position
    {
        get => _position;
        set => throw new NotSupportedException();
    }

    public static async Task<S3ReadStream> OpenAsync(IAmazonS3 client, ObjectAddress address, TimeProvider time, CancellationToken cancellation)
    {
        var response = await client.GetObjectAsync(new GetObjectRequest { BucketName = address.Bucket, Key = address.Key }, cancellation);
        return new(client, address, time, response);
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        for (var attempt = 1; ; attempt++)
        {
            Exception? broken = null;
            try
            {
                if (attempt > 1)
                {
                    await ReopenAsync(attempt, cancellationToken);
                }

                var read = await _response.ResponseStream.ReadAsync(buffer, cancellationToken);
                _position += read;
                if (read > 0 || buffer.IsEmpty || _position == _length)
                {
                    return read;
                }
            }
            catch (AmazonS3Exception changed) when (changed.StatusCode == System.Net.HttpStatusCode.PreconditionFailed)
            {
                throw new ObjectStoreException($"{_address} was replaced while it was read: read it again from the start.", changed);
            }
            catch (Exception cut) when (cut is IOException or HttpRequestException or AmazonServiceException or AmazonClientException)
            {
                broken = cut;
            }

            // Complete and yet refused: what came is not what was stored.
            if (attempt == Attempts || _position == _length)
            {
                throw new ObjectStoreException($"{_address} broke off after {_position} of {_length} bytes: {broken?.Message ?? "the connection ended early."}", broken);
            }
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException($"{_address} comes over the network: read it asynchronously.");

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _response.Dispose();
        }

        base.Dispose(disposing);
    }

    private async Task ReopenAsync(int attempt, CancellationToken cancellation)
    {
        await Task.Delay(FirstPause * (1 << (attempt - 2)), _time, cancellation);
        _response.Dispose();
        _response = await _client.GetObjectAsync(
            new GetObjectRequest
            {
                BucketName = _address.Bucket,
                Key = _address.Key,
                EtagToMatch = _etag,
                ByteRange = new ByteRange(_position, _length - 1),
            },
            cancellation);
    }
}
