using System.Text;
using Workflow.Data.DuckDb;
using Workflow.Data.FixedWidth;

namespace Workflow.Data.Operations;

/// <summary>
/// The records of many files by custody, domain, operation and load: exact duplicates once, instalments by plan and number, movements by
/// date, the latest first, of metadata the first.
/// </summary>
public sealed class OperationGroups : IDisposable
{
    private readonly DuckDbDatabase _duckDb;
    private readonly DuckDbConnection _connection;
    private readonly RefusedLines _refused;

    private OperationGroups(DuckDbDatabase duckDb, DuckDbConnection connection, RefusedLines refused)
    {
        _duckDb = duckDb;
        _connection = connection;
        _refused = refused;
    }

    public long Lines { get; private set; }

    /// <summary>Lines that say what another line says.</summary>
    public long Duplicates { get; private set; }

    /// <summary>Metadata of a group that has some already.</summary>
    public long RepeatedMetadata { get; private set; }

    /// <summary>Lines that were refused so far.</summary>
    public long Refused => _refused.Count;

    public IReadOnlyList<OperationDisagreement> Disagreements { get; private set; } = [];

    /// <param name="parquetFiles">What <see cref="OperationFile.Parse"/> wrote.</param>
    /// <param name="refused">A CSV file for the lines that are refused for what other lines say; only made for them.</param>
    /// <param name="scratchFolder">Where work is spilled that outgrows the memory.</param>
    public static OperationGroups Group(IEnumerable<string> parquetFiles, string refused, string scratchFolder, CancellationToken cancellation)
    {
        var duckDb = DuckDbDatabase.Open(new() { TempDirectory = scratchFolder });
        var groups = new OperationGroups(duckDb, duckDb.Connect(), new(refused));
        try
        {
            groups.Read([.. parquetFiles], cancellation);
            return groups;
        }
        catch
        {
            groups.Dispose();
            throw;
        }
    }

    /// <summary>The items, in an order that is always the same. Not for two readers at once.</summary>
    public IEnumerable<OperationItem> Items(CancellationToken cancellation)
    {
        using var items = _connection.Query(SqlText.Read("Operations/items.sql"), cancellation);
        foreach (var row in items.Rows(cancellation))
        {
            yield return new((string)row[0]!, (string)row[1]!, (string)row[2]!, (string)row[3]!, (string)row[4]!, (long)row[5]!, (string)row[6]!);
        }
    }

    /// <summary>Takes an item out, and its lines aside.</summary>
    public void Refuse(OperationItem item, LineRefusal why, CancellationToken cancellation)
    {
        object?[] key = [item.Custody, item.Code, item.Operation, item.Load];
        Refuse("lines_of_item", why, cancellation, key);
        _connection.Execute(SqlText.Read("Operations/remove_item.sql"), cancellation, key);
    }

    /// <summary>Writes the items to a Parquet file, a column per attribute.</summary>
    public void Write(string parquet, CancellationToken cancellation) =>
        _connection.Execute(SqlText.Read("Operations/write_items.sql", ("output", SqlText.Literal(parquet))), cancellation);

    public void Dispose()
    {
        _refused.Dispose();
        _connection.Dispose();
        _duckDb.Dispose();
    }

    private void Read(IReadOnlyList<string> parquetFiles, CancellationToken cancellation)
    {
        _connection.Execute(SqlText.Read("Operations/create_lines.sql"), cancellation);
        foreach (var file in parquetFiles)
        {
            _connection.Execute("insert into lines from read_parquet(?)", cancellation, file);
        }

        _connection.Execute(SqlText.Read("Operations/group.sql"), cancellation);
        using (var counts = _connection.Query(SqlText.Read("Operations/counts.sql"), cancellation))
        {
            var row = counts.Rows(cancellation).Single();
            (Lines, Duplicates, RepeatedMetadata) = ((long)row[0]!, (long)row[1]!, (long)row[2]!);
        }

        using (var disagreements = _connection.Query(SqlText.Read("Operations/disagreements.sql"), cancellation))
        {
            Disagreements = [.. disagreements.Rows(cancellation).Select(row =>
                new OperationDisagreement((string)row[0]!, (string)row[1]!, (string)row[2]!, (long)row[3]!, (long)row[4]!, (long)row[5]!, (long)row[6]!))];
        }

        Refuse("second_singles", new("second-record", "the domain has one record per operation and load, and the first says something else"), cancellation);
    }

    private void Refuse(string query, LineRefusal why, CancellationToken cancellation, params ReadOnlySpan<object?> parameters)
    {
        using var lines = _connection.Query(SqlText.Read($"Operations/{query}.sql"), cancellation, parameters);
        foreach (var row in lines.Rows(cancellation))
        {
            _refused.Write(why, (string)row[0]!, (long)row[1]!, Encoding.UTF8.GetBytes((string)row[2]!));
        }
    }
}
