using System.Threading.Channels;
using Npgsql;
using Workflow.Data.Postgres;

namespace Workflow.Data.Warehouse;

/// <summary>Copies rows into a table by binary COPY: one thread encodes while the other end receives, a few buffers ahead at most.</summary>
internal static class BinaryCopy
{
    private const int BufferSize = 1 << 18;
    private const int BuffersInFlight = 4;

    /// <summary>Adds whole rows to the buffer until it holds about as many bytes as it is told.</summary>
    /// <returns>False where there are no more.</returns>
    public delegate bool FillBuffer(CopyBuffer buffer, int size);

    public static async Task RunAsync(NpgsqlConnection connection, string copy, FillBuffer fill, CancellationToken cancellation)
    {
        var filled = Channel.CreateBounded<CopyBuffer>(new BoundedChannelOptions(BuffersInFlight) { SingleReader = true, SingleWriter = true });
        var empty = Channel.CreateUnbounded<CopyBuffer>();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        await using var stream = await connection.BeginRawBinaryCopyAsync(copy, cancellation);
        var encoding = Task.Run(() => EncodeAsync(fill, filled.Writer, empty.Reader, stop.Token), cancellation);
        try
        {
            await foreach (var buffer in filled.Reader.ReadAllAsync(cancellation))
            {
                await stream.WriteAsync(buffer.Written, cancellation);
                empty.Writer.TryWrite(buffer);
            }

            await encoding;
        }
        catch
        {
            // Without this the end of the stream would complete the copy.
            await stop.CancelAsync();
            await Task.WhenAny(encoding);
            await stream.AbandonAsync();
            cancellation.ThrowIfCancellationRequested();  // the driver says of a write that is cancelled that the connection broke
            throw;
        }
    }

    private static async Task EncodeAsync(FillBuffer fill, ChannelWriter<CopyBuffer> filled, ChannelReader<CopyBuffer> empty, CancellationToken cancellation)
    {
        Exception? failure = null;
        try
        {
            var more = true;
            for (var first = true; more; first = false)
            {
                var buffer = empty.TryRead(out var used) ? used : new CopyBuffer(BufferSize + (BufferSize >> 2));
                buffer.Truncate(0);
                if (first)
                {
                    buffer.WriteHeader();
                }

                more = fill(buffer, BufferSize);
                if (!more)
                {
                    buffer.WriteFieldCount(-1);
                }

                await filled.WriteAsync(buffer, cancellation);
            }
        }
        catch (Exception exception)
        {
            failure = exception;
            throw;
        }
        finally
        {
            filled.Complete(failure);
        }
    }
}
