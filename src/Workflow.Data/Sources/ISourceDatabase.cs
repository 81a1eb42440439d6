namespace Workflow.Data.Sources;

/// <summary>A database that tables are read from. Its values arrive as the text it writes them in.</summary>
public interface ISourceDatabase : IAsyncDisposable
{
    /// <summary>Opens connections that all see one state of the table, whatever is written meanwhile.</summary>
    /// <param name="reads">At most so many connections, each for a part of the table.</param>
    /// <exception cref="BadInputException">There is no such table.</exception>
    /// <exception cref="System.Data.Common.DbException">PostgreSQL is out of reach or refuses.</exception>
    /// <exception cref="MySql.MySqlException">MySQL or MariaDB is out of reach or refuses.</exception>
    Task<SourceSnapshot> OpenAsync(SourceTable table, int reads, CancellationToken cancellation);
}

/// <summary>A table by its name as it is written in the database's own SQL.</summary>
/// <param name="Schema">Null for the usual one: <c>public</c> in PostgreSQL, the connection's database in MySQL and MariaDB.</param>
public sealed record SourceTable(string? Schema, string Name)
{
    public override string ToString() => Schema is null ? Name : $"{Schema}.{Name}";
}

/// <summary>A part of a table, on a connection of its own.</summary>
internal interface ISourcePart : IAsyncDisposable
{
    /// <summary>Reads the part's rows in the table's order, their numbers in the first column.</summary>
    /// <param name="firstRow">The number of the first row.</param>
    /// <returns>How many there were; all of them are in the appender's table then.</returns>
    Task<long> ReadAsync(DuckDb.DuckDbAppender appender, long firstRow, CancellationToken cancellation);
}
