using Workflow.Data.Csv;
using Workflow.Data.DuckDb;
using Workflow.Data.Schema;

namespace Workflow.Data.Quality;

/// <summary>The text of a file's records in a table of <c>_row, c0, c1, …</c>, and the views that give it names and types, or names alone.</summary>
internal static class SourceText
{
    public static string TableOf(string name) => $"{name}_source";

    /// <summary>The table of the records that are none: <c>_row, reason, raw</c>.</summary>
    public static string MalformedOf(string name) => $"{name}_malformed";

    /// <returns>The columns, and how many records are in the table and how many are none.</returns>
    public static (IReadOnlyList<string> Columns, long Rows, long Malformed) LoadCsv(DuckDbDatabase database, string name, string file, CancellationToken cancellation)
    {
        using var reader = new CsvReader(file);
        using var connection = database.Connect();
        var (source, malformed) = (TableOf(name), MalformedOf(name));
        connection.Execute($"create table {SqlText.Identifier(source)} (_row bigint{string.Concat(reader.Header.Select((_, index) => $", c{index} varchar"))})", cancellation);
        connection.Execute($"create table {SqlText.Identifier(malformed)} (_row bigint, reason varchar, raw varchar)", cancellation);
        using var rows = connection.Append(source);
        using var faults = connection.Append(malformed);
        long faulty = 0;
        while (reader.Read())
        {
            cancellation.ThrowIfCancellationRequested();
            if (reader.Fault is { } fault)
            {
                faulty++;
                faults.Append(reader.Line);
                faults.Append(fault);
                faults.Append(QuarantineFile.Readable(reader.Raw));
                faults.EndRow();
            }
            else
            {
                Append(rows, reader);
            }
        }

        rows.Complete();
        faults.Complete();
        return (reader.Header, reader.Row - faulty, faulty);
    }

    public static void CreateViews(DuckDbDatabase database, string name, IReadOnlyList<string> columns, CancellationToken cancellation)
    {
        using var connection = database.Connect();
        var types = Infer(connection, name, columns, cancellation);
        var texts = types.Select((type, index) => type is null ? $"c{index}" : $"nullif(c{index}, '')").ToList();
        CreateView(QualityRules.TextOf(name), texts);
        CreateView(name, texts.Select((text, index) => types[index] is { } type ? $"cast({text} as {type})" : text));

        void CreateView(string view, IEnumerable<string> values)
        {
            var named = values.Zip(columns, (value, column) => $", {value} as {SqlText.Identifier(column)}");
            connection.Execute($"create view {SqlText.Identifier(view)} as select _row{string.Concat(named)} from {SqlText.Identifier(TableOf(name))}", cancellation);
        }
    }

    /// <returns>DuckDB's type per column; null for text.</returns>
    private static string?[] Infer(DuckDbConnection connection, string name, IReadOnlyList<string> columns, CancellationToken cancellation)
    {
        if (columns.Count == 0)
        {
            return [];
        }

        var inferences = columns.Select(column => new ColumnInference(column)).ToArray();
        using (var rows = connection.Query($"select * exclude (_row) from {SqlText.Identifier(TableOf(name))}", cancellation))
        {
            while (rows.NextChunk(cancellation) is { } chunk)
            {
                using (chunk)
                {
                    Observe(chunk, inferences);
                }
            }
        }

        var types = Array.ConvertAll(inferences, inference => TypeName(inference.Result().Type));
        if (types.All(type => type is null))
        {
            return types;
        }

        // Where DuckDB reads a form less than the house does, the column stays text: a rule must not crash on what is right.
        var unfit = types.Select((type, index) => type is null ? "0" : $"count(*) filter (where nullif(c{index}, '') is not null and try_cast(nullif(c{index}, '') as {type}) is null)");
        using var counts = connection.Query($"select {string.Join(", ", unfit)} from {SqlText.Identifier(TableOf(name))}", cancellation);
        var counted = counts.Rows(cancellation).Single();
        return [.. types.Select((type, index) => Convert.ToInt64(counted[index]) == 0 ? type : null)];
    }

    private static void Observe(DuckDbChunk chunk, ColumnInference[] inferences)
    {
        for (var column = 0; column < inferences.Length; column++)
        {
            var values = chunk.Column(column);
            for (var row = 0; row < chunk.RowCount; row++)
            {
                inferences[column].Observe(values.IsNull(row) ? [] : values.Bytes(row), row, row);
            }
        }
    }

    private static string? TypeName(ColumnType type) => type.Kind switch
    {
        ColumnKind.Text => null,
        ColumnKind.TimestampTz => "timestamptz",
        ColumnKind.Decimal => $"decimal({type.Precision},{type.Scale})",
        var kind => kind.ToString().ToLowerInvariant(),
    };

    private static void Append(DuckDbAppender rows, CsvReader reader)
    {
        rows.Append(reader.Line);
        for (var index = 0; index < reader.FieldCount; index++)
        {
            if (reader[index].IsEmpty)
            {
                rows.AppendNull();
            }
            else
            {
                rows.Append(reader[index]);
            }
        }

        rows.EndRow();
    }
}
