using Workflow.Data.DuckDb;
using Workflow.Data.Sources;

namespace Workflow.Data.MySql;

/// <summary>A range of a table on a connection that sees the state of when it began.</summary>
internal sealed class MySqlPart(MySqlConnection connection, string select) : ISourcePart
{
    public Task BeginAsync(CancellationToken cancellation) => connection.ExecuteAsync("start transaction with consistent snapshot, read only", cancellation);

    public async Task<long> ReadAsync(DuckDbAppender appender, long firstRow, CancellationToken cancellation)
    {
        var result = await connection.QueryAsync(select, cancellation);
        var row = firstRow;
        while (await result.ReadAsync(cancellation))
        {
            Append(appender, row++, result.Row, result.Columns.Count);
        }

        appender.Complete();
        return row - firstRow;
    }

    public ValueTask DisposeAsync() => connection.DisposeAsync();

    private static void Append(DuckDbAppender appender, long row, PayloadReader fields, int columns)
    {
        appender.Append(row);
        for (var column = 0; column < columns; column++)
        {
            if (fields.TryField(out var value))
            {
                appender.Append(value);
            }
            else
            {
                appender.AppendNull();
            }
        }

        appender.EndRow();
    }
}
