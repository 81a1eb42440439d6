using Workflow.Data.DuckDb;
using Workflow.Data.Sources;

namespace Workflow.Data.Postgres;

/// <summary>Some blocks of a table.</summary>
/// <param name="from">What follows <c>from</c> in the select.</param>
internal sealed class PostgresPart(PostgresSession session, IReadOnlyList<PostgresColumn> columns, string from) : ISourcePart
{
    public Task<long> ReadAsync(DuckDbAppender appender, long firstRow, CancellationToken cancellation) => session.CopyAsync(columns, from, appender, firstRow, cancellation);

    public ValueTask DisposeAsync() => session.DisposeAsync();
}
