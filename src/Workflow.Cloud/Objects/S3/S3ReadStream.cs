using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Workflow.Cloud.Aws;

namespace Workflow.Cloud.Objects.S3;

/// <summary>
/// One forward read of an object or a range of it. A connection that breaks or falls silent is taken up again where it was, as long
/// as the object is still the same; of a whole object, the last bytes come only once all of them are what the store says.
/// </summary>
internal sealed class S3ReadStream : Stream
{
    private readonly S3Requests _requests;
    private readonly S3Object _source;
    private readonly long _end;
    private readonly S3Digest? _digest;
    private GetObjectResponse? _response;
    private long _position;

    private S3ReadStream(S3Requests requests, S3Object source, GetObjectResponse response)
        : this(requests, source, 0, source.Size)
    {
        _response = response;
        _digest = S3Digest.Of(source);
    }

    /// <summary>A range: from a byte, up to and without another.</summary>
    public S3ReadStream(S3Requests requests, S3Object source, long first, long end)
    {
        _requests = requests;
        _source = source;
        _position = first;
        _end = end;
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => _end;

    public override long Position
    {
        get => _position;
        set => throw new NotSupportedException();
    }

    public static async Task<S3ReadStream> OpenAsync(S3Requests requests, ObjectAddress address, CancellationToken cancellation)
    {
        var request = new GetObjectRequest { BucketName = address.Bucket, Key = address.Key, ChecksumMode = ChecksumMode.ENABLED };
        var response = await requests.SendAsync(client => client.GetObjectAsync(request, cancellation), cancellation);
        return new(requests, S3Object.Of(address, response), response);
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty || _position == _end)
        {
            return 0;
        }

        for (var attempt = 1; ; attempt++)
        {
            Exception? broken = null;
            try
            {
                if (await WithinLimitAsync(token => ReadOnceAsync(buffer, attempt, token), cancellationToken) is var read and > 0)
                {
                    Take(buffer.Span[..read]);
                    return read;
                }
            }
            catch (AmazonServiceException changed) when (changed.StatusCode == System.Net.HttpStatusCode.PreconditionFailed)
            {
                throw new S3ReplacedException(_source.Address, changed);
            }
            catch (AmazonServiceException removed) when (removed.StatusCode == System.Net.HttpStatusCode.NotFound)
            {
                throw new ObjectNotFoundException(_source.Address, removed);
            }
            catch (Exception cut) when (AwsFailures.IsOfTheWay(cut))
            {
                broken = cut;
            }

            if (attempt == S3Requests.Attempts)
            {
                throw new ObjectStoreException($"{_source.Address} broke off after {_position} of {_source.Size} bytes: {broken?.Message ?? "the connection ended early."}", broken);
            }

            CloseResponse();
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException($"{_source.Address} comes over the network: read it asynchronously.");

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
            CloseResponse();
            _digest?.Dispose();
        }

        base.Dispose(disposing);
    }

    private void CloseResponse()
    {
        try
        {
            _response?.Dispose();
        }
        catch (AmazonClientException)
        {
            // The SDK's own check of what came; it is ours that counts, over all attempts.
        }

        _response = null;
    }

    private async Task<int> ReadOnceAsync(Memory<byte> buffer, int attempt, CancellationToken cancellation)
    {
        if (_response is null)
        {
            await (attempt == 1 ? Task.CompletedTask : _requests.PauseAsync(attempt, cancellation));
            await ReopenAsync(cancellation);
        }

        return await _response!.ResponseStream.ReadAsync(buffer[..(int)Math.Min(buffer.Length, _end - _position)], cancellation);
    }

    private async Task ReopenAsync(CancellationToken cancellation)
    {
        var request = new GetObjectRequest
        {
            BucketName = _source.Address.Bucket,
            Key = _source.Address.Key,
            EtagToMatch = _source.ETag,
            ByteRange = new ByteRange(_position, _end - 1),
        };
        _response = await _requests.SendAsync(client => client.GetObjectAsync(request, cancellation), cancellation);
        if (_response.ContentLength != _end - _position)
        {
            throw new IOException($"the store sends {_response.ContentLength} bytes where {_end - _position} were asked for.");
        }
    }

    private void Take(ReadOnlySpan<byte> bytes)
    {
        _position += bytes.Length;
        _digest?.Append(bytes);
        if (_position == _end && _digest?.Matches() == false)
        {
            throw new S3CorruptedException($"{_source.Address} did not arrive as the store has it: its {_source.Checksum!.Algorithm} is another. Read it again.");
        }
    }

    private async Task<int> WithinLimitAsync(Func<CancellationToken, Task<int>> read, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(_requests.StallLimit, _requests.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            return await read(either.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new IOException($"nothing came for {_requests.StallLimit.TotalSeconds:0.#} s.");
        }
    }
}
