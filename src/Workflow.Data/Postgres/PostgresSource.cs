using Npgsql;
using Workflow.Data.Sources;
using Workflow.Data.Warehouse;

namespace Workflow.Data.Postgres;

/// <summary>
/// Tables (and views) of PostgreSQL. A table is read in ranges of where its rows lie (ctid): they are even whatever the keys are, need no
/// index, and follow each other in the table's order.
/// </summary>
/// <param name="database">Disposed with this.</param>
public sealed class PostgresSource(NpgsqlDataSource database) : ISourceDatabase
{
    private const int FewestBlocks = 128;

    public async Task<SourceSnapshot> OpenAsync(SourceTable table, int reads, CancellationToken cancellation)
    {
        var name = new TableName(table.Schema ?? "public", table.Name);
        var sessions = new List<PostgresSession> { await PostgresSession.OpenAsync(database, null, cancellation) };
        try
        {
            var first = sessions[0];
            var columns = await first.DescribeAsync(name, ValueForm.Text, cancellation);
            var bounds = Bounds(await first.CountBlocksAsync(name, cancellation), reads);
            string? note = null;
            try
            {
                var snapshot = bounds.Count > 1 ? await first.ExportSnapshotAsync(cancellation) : null;
                while (sessions.Count < bounds.Count)
                {
                    sessions.Add(await PostgresSession.OpenAsync(database, snapshot, cancellation));
                }
            }
            catch (PostgresException refused) when (!refused.IsTransient && sessions.Count == 1)
            {
                // Replicas of some services do not, nor does one whose user may not. The refusal has ended the transaction.
                note = $"{name} was read by one connection: the server does not share its snapshot ({refused.MessageText}).";
                bounds = [""];
                await first.DisposeAsync();
                sessions[0] = await PostgresSession.OpenAsync(database, null, cancellation);
            }

            return new(name.ToString(), [.. columns.Select(column => column.Name)], [.. sessions.Zip(bounds, (session, where) => new PostgresPart(session, columns, $"{name.Quoted}{where}"))], note);
        }
        catch
        {
            foreach (var session in sessions)
            {
                await session.DisposeAsync();
            }

            throw;
        }
    }

    public ValueTask DisposeAsync() => database.DisposeAsync();

    /// <summary>The last range is open: rows that came while this was counted are behind it, and not in the snapshot or whole in it.</summary>
    private static List<string> Bounds(long blocks, int reads)
    {
        var parts = Math.Clamp(blocks / FewestBlocks, 1, reads);
        return
        [
            .. from part in Enumerable.Range(0, (int)parts)
               let lower = part == 0 ? null : $"ctid >= '({blocks * part / parts},0)'"
               let upper = part == parts - 1 ? null : $"ctid < '({blocks * (part + 1) / parts},0)'"
               select lower is null && upper is null ? "" : $" where {string.Join(" and ", new[] { lower, upper }.OfType<string>())}",
        ];
    }
}
