using Npgsql;

namespace Workflow.Durable.Store;

/// <summary>What passes by itself, so that trying again is right.</summary>
internal static class Outages
{
    // After a batch has failed, the driver takes its later statements for prepared although the server never got to see them.
    private const string UnknownPreparedStatement = "26000";

    /// <summary>The database is out of reach, restarting, or gave up this transaction for another; nothing was refused for what it is.</summary>
    public static bool IsOutage(this NpgsqlException error) =>
        error is not PostgresException refused || refused.IsTransient || refused.SqlState == UnknownPreparedStatement;
}
