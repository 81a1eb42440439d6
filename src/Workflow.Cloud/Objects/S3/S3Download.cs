namespace Workflow.Cloud.Objects.S3;

/// <summary>One object by several ranged reads at a time, put together in order and checked as a whole.</summary>
internal sealed class S3Download(S3Requests requests, S3Object source)
{
    private const int PieceSize = 8 << 20;
    private const int PiecesInFlight = 6;

    /// <exception cref="S3CorruptedException">Everything came, and it is not what the store says it has.</exception>
    /// <exception cref="S3ReplacedException">Meanwhile there is another object.</exception>
    public async Task CopyToAsync(Stream target, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var digest = S3Digest.Of(source);
        var underWay = new Queue<Task<ObjectPart>>();
        try
        {
            for (long next = 0; next < source.Size || underWay.Count > 0;)
            {
                for (; next < source.Size && underWay.Count < PiecesInFlight; next += PieceSize)
                {
                    underWay.Enqueue(FetchAsync(next, stop.Token));
                }

                using var piece = await underWay.Peek();
                _ = underWay.Dequeue();
                digest?.Append(piece.Bytes.Span);
                await target.WriteAsync(piece.Bytes, cancellation);
            }
        }
        finally
        {
            await stop.CancelAsync();
            await DropAsync(underWay);
        }

        if (digest?.Matches() == false)
        {
            throw new S3CorruptedException($"{source.Address} did not arrive as the store has it: its {source.Checksum!.Algorithm} is another. Read it again.");
        }
    }

    private async Task<ObjectPart> FetchAsync(long first, CancellationToken cancellation)
    {
        var end = Math.Min(first + PieceSize, source.Size);
        await using var range = new S3ReadStream(requests, source, first, end);
        return await ObjectPart.ReadAsync(range, (int)(end - first), cancellation);
    }

    /// <summary>Their memory goes back; why they failed is told by the one that was waited for.</summary>
    private static async Task DropAsync(IEnumerable<Task<ObjectPart>> underWay)
    {
        foreach (var piece in underWay)
        {
            await piece.ContinueWith(_ => { }, TaskScheduler.Default);
            if (piece.IsCompletedSuccessfully)
            {
                (await piece).Dispose();
            }
        }
    }
}
