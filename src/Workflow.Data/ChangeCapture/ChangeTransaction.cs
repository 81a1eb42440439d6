using Npgsql;
using Workflow.Data.Csv;
using Workflow.Data.Warehouse;

namespace Workflow.Data.ChangeCapture;

/// <summary>The work of one batch, file by file, and what came of it.</summary>
internal sealed class ChangeTransaction(NpgsqlConnection connection, IChangeWarehouse warehouse, ChangeBatch batch, ChangeLog log, QuarantineFile refused)
{
    private ChangeSql _sql = warehouse.SqlFor(batch.Table, [.. batch.Key.Select(TableName.Fold)], batch.Options.SoftDelete);
    private readonly List<string> _added = [];
    private bool _startsOver = batch.StartsOver;
    private bool _created;
    private int _files;
    private int _known;
    private long _rows;
    private long _loaded;
    private long _superseded;
    private long _late;
    private long _inserted;
    private long _updated;
    private long _deleted;
    private long _cut;

    public async Task ApplyAsync(ChangeSource source, CancellationToken cancellation)
    {
        if (batch.StartsOver)
        {
            await log.ForgetAsync(connection, batch.Table, source, cancellation);
        }

        if (await log.IsAppliedAsync(connection, batch.Table, source, cancellation))
        {
            _known++;
            return;
        }

        using var input = await Task.Run(() => ChangeInput.Open(source, batch, cancellation), cancellation);
        var target = await PrepareAsync(ChangeLayout.NamesOf(input.Reader), input.Types, source, cancellation);
        var layout = ChangeLayout.Of(source, input.Reader, input.Text, target, batch, warehouse.Types);
        var rows = new ChangeRows(source, input.Reader, layout, batch.Options, refused);
        await warehouse.StageAsync(connection, batch, layout, rows.Fill, cancellation);
        await MergeAsync(layout, target, rows.Staged, cancellation);
        await log.RecordAsync(connection, batch.Table, source, input.Reader.Row, cancellation);
        _files++;
        _rows += input.Reader.Row;
        _cut += layout.Columns.Sum(column => column.Cut);
    }

    public async Task<ChangeResult> ResultAsync(CancellationToken cancellation) => new(
        RowsIn: _rows,
        Loaded: _loaded,
        Quarantined: refused.Rows,
        Skipped: _superseded + _late,
        Duplicates: _superseded,
        Inserted: _inserted,
        Updated: _updated,
        Deleted: _deleted,
        Late: _late,
        LobsCut: _cut,
        Files: _files,
        FilesKnown: _known,
        CreatedTable: _created,
        AddedColumns: _added,
        Watermark: await log.ReadWatermarkAsync(connection, batch.Table, cancellation));

    private async Task MergeAsync(ChangeLayout layout, TargetTable target, long staged, CancellationToken cancellation)
    {
        await ExecuteAsync(_sql.KeepLast(layout), cancellation);
        await CountAsync(staged, cancellation);
        await ExecuteAsync(_sql.Delete, cancellation);
        await ExecuteAsync(_sql.Merge(layout, target), cancellation);
        await ExecuteAsync(_sql.Remember, cancellation);
    }

    private async Task CountAsync(long staged, CancellationToken cancellation)
    {
        await using var count = new NpgsqlCommand(_sql.Count, connection) { CommandTimeout = 0 };
        await using var row = await count.ExecuteReaderAsync(cancellation);
        await row.ReadAsync(cancellation);
        var (last, newer) = (row.GetInt64(0), row.GetInt64(1));
        _loaded += last;
        _superseded += newer - last;
        _late += staged - newer;
        _inserted += row.GetInt64(2);
        _updated += row.GetInt64(3);
        _deleted += row.GetInt64(4);
    }

    /// <summary>Makes the table, or its columns, where they are missing.</summary>
    private async Task<TargetTable> PrepareAsync(IReadOnlyList<string> names, IReadOnlyDictionary<string, string> fileTypes, ChangeSource source, CancellationToken cancellation)
    {
        var target = await warehouse.FindAsync(connection, batch.Table, cancellation);
        var missing = names.Where(name => target?.Find(name) is null).Select(name => (name, TypeOf(name))).ToList();
        var lacking = batch.Key.Select(TableName.Fold).FirstOrDefault(key => !names.Contains(key));
        if (lacking is not null)
        {
            throw new BadInputException($"{source.Address} has no column {lacking}, which is of the key. It has {string.Join(", ", names)}.");
        }

        if (target is null)
        {
            await ExecuteAsync(_sql.CreateTable(missing), cancellation);
            _created = true;
        }

        foreach (var (name, type) in target is null ? [] : missing)
        {
            await ExecuteAsync(_sql.AddColumn(name, type), cancellation);
            _added.Add(name);
        }

        if (batch.Options.SoftDelete && target?.Find(ChangeSql.DeletedColumn) is null)
        {
            await ExecuteAsync(_sql.AddDeletedColumn, cancellation);
        }

        target = (await warehouse.FindAsync(connection, batch.Table, cancellation))!;
        _sql = warehouse.SqlFor(batch.Table, [.. batch.Key.Select(key => target.Find(TableName.Fold(key))!.Name)], batch.Options.SoftDelete);
        await ExecuteAsync(_sql.CreatePositions(target), cancellation);
        if (_startsOver)
        {
            await ExecuteAsync(_sql.StartOver, cancellation);
            _startsOver = false;
        }

        return target;

        string TypeOf(string name) => batch.Types.GetValueOrDefault(name) ?? (fileTypes.TryGetValue(name, out var type) ? warehouse.Types.Of(type) : warehouse.Types.Text.ToString());
    }

    private async Task ExecuteAsync(string sql, CancellationToken cancellation)
    {
        // A merge takes as long as it takes; the token is what ends it.
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellation);
    }
}
