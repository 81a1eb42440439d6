using Workflow.Data.DuckDb;
using Workflow.Data.Json;
using Workflow.Data.Quality;

namespace Workflow.Data.Mapping;

/// <summary>A JSON file, and what to call it where its records are refused.</summary>
public sealed record JsonSource(string File, string Name);

/// <summary>
/// The records of JSON files as the typed rows of <c>temp_data</c> (<see cref="QualityRules"/>), and beside them those that could not be
/// cast. Objects and lists stay structs and lists.
/// </summary>
/// <param name="Rows">Records in all files.</param>
/// <param name="Refused">Of them, those that could not be cast; they are not in <c>temp_data</c>.</param>
/// <param name="Columns">Of <c>temp_data</c>, but for the row's number.</param>
public sealed record JsonRecords(long Rows, long Refused, IReadOnlyList<string> Columns)
{
    /// <summary>What the quarantine calls the rule that a value fits its column's type.</summary>
    public const string CastRule = "cast";

    private IReadOnlyList<string> Properties { get; init; } = [];

    /// <exception cref="BadInputException">A file is not JSON objects, or columns have one name.</exception>
    public static Task<JsonRecords> LoadAsync(DuckDbDatabase database, IReadOnlyList<JsonSource> sources, JsonMapping mapping, CancellationToken cancellation) =>
        Task.Run(() => Load(database, sources, mapping, cancellation), cancellation);

    /// <summary>
    /// A query of what was refused, by a cast or by a rule: <c>rule, reason, source, line, content</c>, the line being the number of the
    /// record in its source. For after <see cref="QualityRules.RunAsync"/>.
    /// </summary>
    public string Quarantine()
    {
        var content = Properties.Select((name, index) => $"{SqlText.Literal(name)}, r.c{index}::json");
        return SqlText.Read("Mapping/quarantine.sql", ("cast_rule", SqlText.Literal(CastRule)), ("content", $"json_object({string.Join(", ", content)})"));
    }

    private static JsonRecords Load(DuckDbDatabase database, IReadOnlyList<JsonSource> sources, JsonMapping mapping, CancellationToken cancellation)
    {
        using var connection = database.Connect();
        var (properties, rows) = Read(connection, sources, cancellation);
        var columns = Resolve(mapping, properties);
        if (columns.Count == 0)
        {
            if (rows > 0)
            {
                throw new BadInputException("No property of the records becomes a column. Map some, or drop less.");
            }

            connection.Execute("create table json_typed (_row bigint, reason varchar); create view temp_data as select _row from json_typed where false", cancellation);
            return new(rows, 0, []);
        }

        connection.Execute($"create table json_values as select _row, {string.Join(", ", columns.Select((column, index) => $"{column.Source} as s{index}"))} from json_records", cancellation);
        var types = columns.Select((column, index) => column.Type ?? Infer(connection, $"s{index}", cancellation)).ToList();
        connection.Execute(TypedSql(columns, types), cancellation);
        connection.Execute(
            $"create view temp_data as select _row, {string.Join(", ", columns.Select((column, index) => $"v{index} as {SqlText.Identifier(column.Name)}"))} from json_typed where reason = ''", cancellation);
        var refused = (long)connection.Scalar("select count(*) from json_typed where reason <> ''", cancellation)!;
        return new(rows, refused, [.. columns.Select(column => column.Name)]) { Properties = properties };
    }

    private static (IReadOnlyList<string> Properties, long Rows) Read(DuckDbConnection connection, IReadOnlyList<JsonSource> sources, CancellationToken cancellation)
    {
        connection.Execute("create table json_sources (name varchar, rows_before bigint, rows bigint)", cancellation);
        using var writer = new JsonTableWriter(connection, "json_records", asJson: true);
        var counts = new List<(string Name, long Before, long Rows)>();
        long rows = 0;
        foreach (var source in sources)
        {
            using var records = new JsonRecordReader(source.File);
            while (records.Read())
            {
                cancellation.ThrowIfCancellationRequested();
                writer.Write(records, rowsBefore: rows);
            }

            counts.Add((source.Name, rows, records.Row));
            rows += records.Row;
        }

        writer.Complete();
        foreach (var (name, before, count) in counts)
        {
            connection.Execute("insert into json_sources values (?, ?, ?)", cancellation, name, before, count);
        }

        return (writer.Columns, rows);
    }

    private static List<Column> Resolve(JsonMapping mapping, IReadOnlyList<string> properties)
    {
        var columns = mapping.Columns.Select(column => new Column(column.Column, SourceOf(column.From, properties), column.Type)).ToList();
        if (mapping.Columns.Count == 0 || mapping.KeepOthers)
        {
            var others = properties.Where(name => !mapping.Drop.Contains(name) && mapping.Columns.All(column => column.From != name));
            columns.AddRange(others.Select(name => new Column(name, SourceOf(name, properties), null)));
        }

        var taken = columns.Append(new(QualityRules.RowColumn, "", null)).GroupBy(column => column.Name, StringComparer.OrdinalIgnoreCase).FirstOrDefault(same => same.Count() > 1);
        return taken is null ? columns : throw new BadInputException(
            $"Two columns would be called '{taken.Key}' (upper and lower case are one, and {QualityRules.RowColumn} is the row's number): map one of them to another name, or drop it.");
    }

    /// <summary>The value's JSON in <c>json_records</c>.</summary>
    private static string SourceOf(string from, IReadOnlyList<string> properties)
    {
        if (properties.ToList().IndexOf(from) is >= 0 and var whole)
        {
            return $"c{whole}";
        }

        var path = from.Split('.');
        if (path.Length == 1 || properties.ToList().IndexOf(path[0]) is not (>= 0 and var first))
        {
            return "null::varchar";
        }

        var pointer = string.Concat(path.Skip(1).Select(part => "/" + part.Replace("~", "~0").Replace("/", "~1")));
        return $"nullif(json_extract(c{first}::json, {SqlText.Literal(pointer)})::varchar, 'null')";
    }

    private static string Infer(DuckDbConnection connection, string column, CancellationToken cancellation)
    {
        using var found = connection.Query(SqlText.Read("Mapping/infer.sql", ("column", column)), cancellation);
        var row = found.Rows(cancellation).Single();
        return JsonType.Of((string?)row[0], wide: (bool)row[1]!);
    }

    private static string TypedSql(List<Column> columns, List<string> types)
    {
        var values = columns.Select((_, index) => $"{Cast($"s{index}", types[index])} as v{index}");
        var reasons = columns.Select((column, index) =>
            $"case when s{index} is not null and v{index} is null then {SqlText.Literal($"{column.Name} is not {types[index]}: ")} || left(s{index}, 100) end");
        return $"create table json_typed as select _row, {string.Join(", ", values)}, concat_ws('; ', {string.Join(", ", reasons)}) as reason from json_values";
    }

    private static string Cast(string json, string type)
    {
        if (JsonType.IsNested(type))
        {
            return $"try_cast({json}::json as {type})";
        }

        var text = $"case when starts_with({json}, '\"') then json_extract_string({json}::json, '$') else {json} end";
        // A cast to a whole number rounds; 1.5 is none.
        return JsonMapping.IsWhole(type) ? $"case when try_cast({text} as decimal(38,10)) = try_cast({text} as bigint) then try_cast({text} as {type}) end"
            : type == "varchar" ? text
            : $"try_cast({text} as {type})";
    }

    private sealed record Column(string Name, string Source, string? Type);
}
