using Npgsql;

namespace Workflow.Data.Postgres;

internal static class CopyStream
{
    /// <summary>Ends a copy after a failure, so that disposing does not complete it. What failed first is what the caller reports.</summary>
    public static async Task AbandonAsync(this NpgsqlRawCopyStream stream)
    {
        try
        {
            await stream.CancelAsync();
        }
        catch (ObjectDisposedException)
        {
            // The failure has ended the copy already.
        }
        catch (NpgsqlException)
        {
            // The connection is gone, and with it the copy.
        }
    }
}
