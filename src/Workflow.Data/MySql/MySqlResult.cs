namespace Workflow.Data.MySql;

/// <summary>The rows of a statement, in the server's order and as its text; read to the end before the next statement.</summary>
/// <param name="columns">None for a statement that has no rows.</param>
internal sealed class MySqlResult(MySqlConnection connection, IReadOnlyList<MySqlColumn> columns)
{
    private ReadOnlyMemory<byte>? _row;

    public IReadOnlyList<MySqlColumn> Columns { get; } = columns;

    /// <summary>The fields of the row at hand, one after the other; good until the next row is read.</summary>
    public PayloadReader Row => new((_row ?? throw new InvalidOperationException("There is no row at hand.")).Span);

    /// <returns>False after the last row.</returns>
    /// <exception cref="MySqlException">The server broke off.</exception>
    public async ValueTask<bool> ReadAsync(CancellationToken cancellation)
    {
        _row = Columns.Count == 0 ? null : await connection.ReadRowAsync(cancellation);
        return _row is not null;
    }

    public string?[] Texts()
    {
        var row = Row;
        var texts = new string?[Columns.Count];
        for (var index = 0; index < texts.Length; index++)
        {
            texts[index] = row.Text();
        }

        return texts;
    }
}
