using Workflow.Data.DuckDb;

namespace Workflow.Data.Quality;

/// <summary>
/// The records of a CSV, JSON or Parquet file as a DuckDB table of typed columns, with their line or record number in <c>_row</c>.
/// A column of text has the narrowest type that holds all its values; how these are written stays known (<see cref="GoodAsWritten"/>).
/// </summary>
/// <param name="Rows">Records in the table.</param>
/// <param name="Malformed">Records that are none and not in the table.</param>
public sealed record RecordTable(string Name, long Rows, long Malformed)
{
    /// <summary>False only for JSON without a record: nothing says which columns there are.</summary>
    public bool HasColumns => Texts is not { Count: 0 };

    /// <summary>Columns of the source text by their names; null where the source is typed itself.</summary>
    private IReadOnlyList<string>? Texts { get; init; }

    /// <summary>The name says what kind of file it is, as <c>orders.json</c> does, or <c>orders.csv.gz</c>.</summary>
    public static bool IsNamed(string file) => RecordFormat.Named(file) is not null;

    /// <summary>Reads a file into a table (or view) of this name; the database is not locked yet.</summary>
    /// <exception cref="BadInputException">The file as a whole is not what its name says.</exception>
    public static Task<RecordTable> LoadAsync(DuckDbDatabase database, string name, string file, CancellationToken cancellation) => RecordFormat.Of(file) switch
    {
        RecordFormat.Kind.Csv => Task.Run(
            () =>
            {
                var (columns, rows, malformed) = SourceText.LoadCsv(database, name, file, cancellation);
                return Type(database, new RecordTable(name, rows, malformed) { Texts = columns }, file, cancellation);
            },
            cancellation),
        RecordFormat.Kind.Json => LoadJsonAsync(database, name, file, cancellation),
        _ => Task.Run(() => LoadParquet(database, name, file, cancellation), cancellation),
    };

    /// <summary>The query of the records that may go on, as they are written in the file and in its order.</summary>
    public string GoodAsWritten() =>
        $"select {Written} from {Source} s where exists (from {QualityRules.GoodRows} g where g._row = s._row) order by s._row";

    /// <summary>The query of the records set aside for an error type: rule, reason, source, line, and the record as it is written in the file.</summary>
    /// <param name="source">What to call the file.</param>
    public string BadAsWritten(string errorType, string source) =>
        $"select b.\"rule\", b.reason, {SqlText.Literal(source)} as source, b.line, {Written} from {QualityRules.BadRows} b join {Source} s on s._row = b.line where b.error_type = {SqlText.Literal(errorType)} order by b.line, b.\"rule\"";

    /// <summary>The query of the records that are none: rule, reason, source, line, and their text.</summary>
    /// <param name="rule">What to call the rule.</param>
    /// <param name="source">What to call the file.</param>
    public string MalformedAsWritten(string rule, string source) =>
        $"select {SqlText.Literal(rule)} as \"rule\", reason, {SqlText.Literal(source)} as source, _row as line, raw from {SqlText.Identifier(SourceText.MalformedOf(Name))} order by line";

    private string Source => SqlText.Identifier(Texts is null ? Name : SourceText.TableOf(Name));

    private string Written => Texts is null ? "s.* exclude (_row)" : string.Join(", ", Texts.Select((column, index) => $"s.c{index} as {SqlText.Identifier(column)}"));

    private static async Task<RecordTable> LoadJsonAsync(DuckDbDatabase database, string name, string file, CancellationToken cancellation)
    {
        var json = await Json.JsonTable.LoadAsync(database, SourceText.TableOf(name), file, cancellation);
        return await Task.Run(() => Type(database, new RecordTable(name, json.Rows, 0) { Texts = json.Columns }, file, cancellation), cancellation);
    }

    private static RecordTable Type(DuckDbDatabase database, RecordTable table, string file, CancellationToken cancellation)
    {
        CheckNames(table.Texts!, file);
        if (table is { Rows: > 0, HasColumns: false })
        {
            throw InputFile.Bad(file, "has no record with a field");
        }

        SourceText.CreateViews(database, table.Name, table.Texts!, cancellation);
        return table;
    }

    private static RecordTable LoadParquet(DuckDbDatabase database, string name, string file, CancellationToken cancellation)
    {
        using var connection = database.Connect();
        try
        {
            var read = $"read_parquet({SqlText.Literal(file)}";
            using (var nothing = connection.Query($"select * from {read}) limit 0", cancellation))
            {
                CheckNames([.. nothing.Columns.Select(column => column.Name)], file);
            }

            connection.Execute(
                $"create table {SqlText.Identifier(name)} as select file_row_number + 1 as _row, * exclude (file_row_number) from {read}, file_row_number = true)", cancellation);
            return new(name, (long)connection.Scalar($"select count(*) from {SqlText.Identifier(name)}", cancellation)!, 0);
        }
        catch (DuckDbException unreadable)
        {
            throw InputFile.Bad(file, $"is not Parquet: {unreadable.Message.Split('\n')[0]}", unreadable);
        }
    }

    private static void CheckNames(IReadOnlyList<string> columns, string file)
    {
        if (columns.FirstOrDefault(column => column.Equals(QualityRules.RowColumn, StringComparison.OrdinalIgnoreCase)) is { } reserved)
        {
            throw InputFile.Bad(file, $"has a column '{reserved}', which is the word for the number of a row here. Name it differently");
        }

        if (columns.GroupBy(column => column, StringComparer.OrdinalIgnoreCase).FirstOrDefault(group => group.Count() > 1) is { } twice)
        {
            throw InputFile.Bad(file, $"has columns that SQL does not tell apart: {string.Join(", ", twice.Select(column => $"'{column}'"))}. Name each differently");
        }
    }
}
