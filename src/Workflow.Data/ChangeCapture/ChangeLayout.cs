using Workflow.Data.Csv;
using Workflow.Data.Warehouse;

namespace Workflow.Data.ChangeCapture;

/// <summary>Which column of a file is what.</summary>
/// <param name="OpIndex">Null where a full load has no operations: all rows are inserts.</param>
/// <param name="OrderIndex">Null where nothing in the row orders it.</param>
internal sealed record ChangeLayout(int? OpIndex, int? OrderIndex, IReadOnlyList<ChangeColumn> Columns, ChangeText Text)
{
    public const string Op = "Op";

    // Columns that DMS adds are not the table's: AR_H_CHANGE_SEQ, AR_H_COMMIT_TIMESTAMP, AR_H_OPERATION …
    private const string Added = "ar_h_";

    /// <summary>The names of a file's columns that belong into the table, folded.</summary>
    public static IReadOnlyList<string> NamesOf(CsvReader reader) =>
        [.. reader.Header.Select(TableName.Fold).Where((name, index) => IsOfTable(name, index))];

    /// <param name="table">Has all columns of the file by now.</param>
    /// <exception cref="BadInputException">The file says of its changes neither what they are nor how they are ordered.</exception>
    public static ChangeLayout Of(ChangeSource source, CsvReader reader, ChangeText text, TargetTable table, ChangeBatch batch, ChangeTypes types)
    {
        var names = reader.Header.Select(TableName.Fold).ToList();
        int? op = IsOp(names[0], 0) ? 0 : null;
        if (op is null && !source.File.IsFullLoad)
        {
            throw Bad(source, $"has no column {Op} first. Files of changes must have one");
        }

        int? order = batch.Options.OrderColumn is { } wanted && names.IndexOf(TableName.Fold(wanted)) is >= 0 and var found ? found : null;
        if (order is null && batch.Options.OrderColumn is not null && !source.File.IsFullLoad)
        {
            throw Bad(source, $"has no column {batch.Options.OrderColumn} to order its changes by. Name the one that does, or none");
        }

        var keys = batch.Key.Select(TableName.Fold).ToHashSet();
        return new(op, order, [.. names.Index()
            .Where(column => IsOfTable(column.Item, column.Index))
            .Select(column => new ChangeColumn(table.Find(column.Item)!, column.Index, keys.Contains(column.Item), batch.Options.LobLimit, types))], text);
    }

    /// <summary>Where a row is in the file as it came: a line of CSV, a row of Parquet.</summary>
    public long LineOf(CsvReader reader) => Text switch
    {
        ChangeText.Made => reader.Row,
        ChangeText.Headed => reader.Line - 1,
        _ => reader.Line,
    };

    private static bool IsOfTable(string name, int index) => !IsOp(name, index) && !name.StartsWith(Added, StringComparison.Ordinal);

    private static bool IsOp(string name, int index) => index == 0 && name.Equals(Op, StringComparison.OrdinalIgnoreCase);

    private static BadInputException Bad(ChangeSource source, string what) => new($"{source.Address} {what}.");
}

/// <summary>How a file's text came to be.</summary>
internal enum ChangeText
{
    /// <summary>As it came.</summary>
    Own,

    /// <summary>With a line in front that names the columns.</summary>
    Headed,

    /// <summary>Written from Parquet.</summary>
    Made,
}
