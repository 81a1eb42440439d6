namespace Workflow.Data.Warehouse;

/// <summary>What became of a load's rows, for its ledger row. Always <c>RowsIn = Loaded + Quarantined + Skipped</c>.</summary>
/// <param name="Duplicates">Of the skipped, those whose key another row has.</param>
public record LoadCounts(long RowsIn, long Loaded, long Quarantined, long Skipped, long Duplicates);

/// <summary>What a load did. Always <c>RowsIn = Loaded + Quarantined + Skipped</c> and <c>Loaded = Inserted + Updated</c>.</summary>
/// <param name="RowsIn">Records in the file; the header and blank lines are none.</param>
/// <param name="Quarantined">Refused, each with its line and reason in the quarantine file.</param>
/// <param name="Skipped">Not needed: a later row has the same key, or the whole file was loaded before.</param>
/// <param name="Duplicates">Of the skipped, those whose key a later row has.</param>
/// <param name="SameContent">The file was the last one loaded into this table, so that nothing was to do.</param>
/// <param name="CreatedTable">The table was not there before.</param>
/// <param name="Columns">Of the file: their types and the rows that decided them.</param>
public sealed record LoadResult(
    long RowsIn,
    long Loaded,
    long Inserted,
    long Updated,
    long Quarantined,
    long Skipped,
    long Duplicates,
    bool SameContent,
    bool CreatedTable,
    IReadOnlyList<string> AddedColumns,
    IReadOnlyList<WidenedColumn> WidenedColumns,
    IReadOnlyList<LoadedColumn> Columns) : LoadCounts(RowsIn, Loaded, Quarantined, Skipped, Duplicates);

/// <summary>A column of the table that got a wider type.</summary>
/// <param name="Evidence">The row of the file that asked for it: <c>line 9 is '3000000000', beyond integer</c>.</param>
public sealed record WidenedColumn(string Name, string From, string To, string Evidence);

/// <summary>A column of the file.</summary>
/// <param name="Name">As the warehouse has it.</param>
/// <param name="Type">As the file has it.</param>
/// <param name="Nulls">Empty values.</param>
/// <param name="Evidence">Null where no row has a value.</param>
public sealed record LoadedColumn(string Name, string Type, long Nulls, string? Evidence);
