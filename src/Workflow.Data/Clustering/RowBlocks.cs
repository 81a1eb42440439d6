namespace Workflow.Data.Clustering;

/// <summary>Work on all rows by every core, in blocks of fixed size: sums come out the same however many cores there are.</summary>
internal static class RowBlocks
{
    private const int BlockRows = 1 << 13;

    public static int Count(int rows) => (rows + BlockRows - 1) / BlockRows;

    public static void ForEach(int rows, Action<int, Range> work, CancellationToken cancellation) =>
        Parallel.For(0, Count(rows), new ParallelOptions { CancellationToken = cancellation }, block => work(block, (block * BlockRows)..Math.Min(rows, (block + 1) * BlockRows)));

    public static double Sum(int rows, Func<int, double> term, CancellationToken cancellation)
    {
        var sums = new double[Count(rows)];
        ForEach(rows, (block, range) =>
        {
            var sum = 0.0;
            for (var row = range.Start.Value; row < range.End.Value; row++)
            {
                sum += term(row);
            }

            sums[block] = sum;
        }, cancellation);
        return sums.Sum();
    }
}
