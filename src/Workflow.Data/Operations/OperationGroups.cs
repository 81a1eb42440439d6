using System.Text;
using Workflow.Data.Csv;
using Workflow.Data.DuckDb;
using Workflow.Data.FixedWidth;

namespace Workflow.Data.Operations;

/// <summary>
/// The records of many files, and of the items that there are already, by custody, domain, operation and load: exact duplicates once,
/// instalments by plan and number, movements by date, the latest first, of metadata the first. Records of items that there are come first.
/// </summary>
/// <remarks><see cref="Read"/>, then <see cref="Add"/> what there is of <see cref="Keys"/>, then <see cref="Group"/>; the rest is known then.</remarks>
public sealed class OperationGroups : IDisposable
{
    private const int LinesAtOnce = 250_000;

    private readonly DuckDbDatabase _duckDb;
    private readonly DuckDbConnection _connection;
    private readonly QuarantineFile _refused;

    private OperationGroups(DuckDbDatabase duckDb, DuckDbConnection connection, QuarantineFile refused)
    {
        _duckDb = duckDb;
        _connection = connection;
        _refused = refused;
    }

    /// <summary>Lines of the files.</summary>
    public long Lines { get; private set; }

    /// <summary>Lines that say what another line of the files says.</summary>
    public long Duplicates { get; private set; }

    /// <summary>Metadata of a group that has some already.</summary>
    public long RepeatedMetadata { get; private set; }

    /// <summary>Lines that were refused so far.</summary>
    public long Refused => _refused.Rows;

    public IReadOnlyList<OperationDisagreement> Disagreements { get; private set; } = [];

    /// <param name="parquetFiles">What <see cref="OperationFile.Parse"/> wrote.</param>
    /// <param name="refused">A CSV file for the lines that are refused for what other lines say; only made for them.</param>
    /// <param name="scratchFolder">Where work is spilled that outgrows the memory.</param>
    public static OperationGroups Read(IEnumerable<string> parquetFiles, string refused, string scratchFolder, CancellationToken cancellation)
    {
        var duckDb = DuckDbDatabase.Open(new() { TempDirectory = scratchFolder });
        var groups = new OperationGroups(duckDb, duckDb.Connect(), new(refused));
        try
        {
            groups._connection.Execute(SqlText.Read("Operations/create_lines.sql"), cancellation);
            groups._connection.Execute(SqlText.Read("Operations/create_groups.sql"), cancellation);
            foreach (var file in parquetFiles)
            {
                groups._connection.Execute("insert into lines from read_parquet(?)", cancellation, file);
            }

            return groups;
        }
        catch
        {
            groups.Dispose();
            throw;
        }
    }

    /// <summary>The loads that the files are of.</summary>
    public IReadOnlyList<string> Loads(CancellationToken cancellation)
    {
        using var loads = _connection.Query("select distinct load from lines", cancellation);
        return [.. loads.Rows(cancellation).Select(row => (string)row[0]!)];
    }

    /// <summary>The items that the files bring or have a part in: of each operation also those that its metadata count.</summary>
    public IEnumerable<OperationKey> Keys(CancellationToken cancellation)
    {
        using var connection = _duckDb.Connect();
        using var keys = connection.Query(SqlText.Read("Operations/keys.sql"), cancellation);
        foreach (var row in keys.Rows(cancellation))
        {
            yield return Key(row);
        }
    }

    /// <summary>Adds items that there are already.</summary>
    public void Add(IEnumerable<OperationItem> stored)
    {
        using var appender = _connection.Append("stored");
        foreach (var (key, data) in stored)
        {
            appender.Append(key.Custody);
            appender.Append(key.Code);
            appender.Append(key.Operation);
            appender.Append(key.Load);
            appender.Append(data);
            appender.EndRow();
        }

        appender.Complete();
    }

    /// <exception cref="DuckDbException">An item that was added has records of another shape.</exception>
    public void Group(CancellationToken cancellation)
    {
        _connection.Execute(SqlText.Read("Operations/add_stored.sql"), cancellation);
        var parts = 1 + (long)_connection.Scalar("select count(*) from lines", cancellation)! / LinesAtOnce;
        for (var part = 0L; part < parts; part++)
        {
            _connection.Execute(SqlText.Read("Operations/group.sql", ("parts", $"{parts}"), ("part", $"{part}")), cancellation);
        }

        _connection.Execute(SqlText.Read("Operations/remove_untouched.sql"), cancellation);
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

    /// <summary>The items, in an order that is always the same. Not for two readers at once.</summary>
    public IEnumerable<OperationItem> Items(CancellationToken cancellation)
    {
        using var items = _connection.Query(SqlText.Read("Operations/items.sql"), cancellation);
        foreach (var row in items.Rows(cancellation))
        {
            yield return new(Key(row), (string)row[4]!);
        }
    }

    /// <summary>Takes an item out, and the lines aside that it would have brought.</summary>
    public void Refuse(OperationKey item, LineRefusal why, CancellationToken cancellation)
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

    private static OperationKey Key(object?[] row) => new((string)row[0]!, (string)row[1]!, (string)row[2]!, (string)row[3]!);

    private void Refuse(string query, LineRefusal why, CancellationToken cancellation, params ReadOnlySpan<object?> parameters)
    {
        using var lines = _connection.Query(SqlText.Read($"Operations/{query}.sql"), cancellation, parameters);
        foreach (var row in lines.Rows(cancellation))
        {
            _refused.Write(why.Rule, why.Reason, (string)row[0]!, (long)row[1]!, why.Field, Encoding.UTF8.GetBytes((string)row[2]!));
        }
    }
}
