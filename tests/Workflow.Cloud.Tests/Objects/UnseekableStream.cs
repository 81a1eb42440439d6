namespace Workflow.Cloud.Tests.Objects;

/// <summary>Content as it comes over a wire: of unknown length, in small pieces, and sometimes broken off.</summary>
internal sealed class UnseekableStream(byte[] content) : Stream
{
    private int _position;

    /// <summary>How much was read of it.</summary>
    public int Taken => _position;

    public int BreaksAfter { get; init; } = int.MaxValue;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count)
    {
        if (_position >= BreaksAfter)
        {
            throw new IOException("The source broke off.");
        }

        var read = Math.Min(Math.Min(count, 60_000), content.Length - _position);
        content.AsSpan(_position, read).CopyTo(buffer.AsSpan(offset));
        _position += read;
        return read;
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
