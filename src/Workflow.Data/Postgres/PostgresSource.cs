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
            var columns = await sessions[0].DescribeAsync(name, ValueForm.Text, cancellation);
            var bounds = Bounds(await sessions[0].CountBlocksAsync(name, cancellation), reads);
            var refusal = bounds.Count > 1 ? await TryShareAsync(sessions, bounds.Count, cancellation) : null;
            if (refusal is not null)
            {
                bounds = [""];
            }

            var note = refusal is null ? null : $"{name} was read by one connection: the server does not share its snapshot ({refusal}).";
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

    /// <summary>Opens the other sessions in the state of the first.</summary>
    /// <returns>Why the server does not let them: replicas of some services do not, nor does one whose user may not; null where it does.</returns>
    private async Task<string?> TryShareAsync(List<PostgresSession> sessions, int count, CancellationToken cancellation)
    {
        try
        {
            var snapshot = await sessions[0].ExportSnapshotAsync(cancellation);
            while (sessions.Count < count)
            {
                sessions.Add(await PostgresSession.OpenAsync(database, snapshot, cancellation));
            }

            return null;
        }
        catch (PostgresException refused) when (!refused.IsTransient && sessions.Count == 1)
        {
            // The refusal has ended the transaction.
            await sessions[0].DisposeAsync();
            sessions[0] = await PostgresSession.OpenAsync(database, null, cancellation);
            return refused.MessageText;
        }
    }

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
