using System.Text.Json.Nodes;

namespace Workflow.Cloud.Aws;

/// <summary>Tables, partitions and runs as Glue's API writes them.</summary>
internal static class GlueShapes
{
    // A table is read with more than it can be written with.
    private static readonly string[] Writable =
    [
        "Name", "Description", "Owner", "LastAccessTime", "LastAnalyzedTime", "Retention", "StorageDescriptor", "PartitionKeys",
        "ViewOriginalText", "ViewExpandedText", "TableType", "Parameters", "TargetTable",
    ];

    public static JsonObject Input(GlueTable table) => new()
    {
        ["Name"] = table.Name,
        ["TableType"] = "EXTERNAL_TABLE",
        ["Parameters"] = new JsonObject { ["classification"] = "parquet" },
        ["PartitionKeys"] = List(table.PartitionKeys),
        ["StorageDescriptor"] = Storage(table, table.Location),
    };

    /// <summary>A table as it is there, with other columns and another location. A column that stays keeps what else is said about it.</summary>
    public static JsonObject Changed(JsonObject there, GlueTable table)
    {
        var input = new JsonObject(there.Where(field => Writable.Contains(field.Key)).Select(field => KeyValuePair.Create(field.Key, field.Value?.DeepClone())));
        var storage = input["StorageDescriptor"] as JsonObject ?? Storage(table, table.Location);
        var before = (storage["Columns"] as JsonArray ?? []).OfType<JsonObject>().ToDictionary(column => (string)column["Name"]!);
        storage["Columns"] = new JsonArray([.. table.Columns.Select(column => Column(before.GetValueOrDefault(column.Name), column))]);
        storage["Location"] = table.Location;
        input["StorageDescriptor"] = storage.DeepClone();
        return input;
    }

    public static JsonObject Input(GlueTable table, GluePartition partition) =>
        new() { ["Values"] = Values(partition), ["StorageDescriptor"] = Storage(table, partition.Location) };

    public static JsonArray Values(GluePartition partition) => new([.. partition.Values.Select(value => JsonValue.Create(value))]);

    public static GlueTable ReadTable(string database, JsonNode table) => new(
        database, (string)table["Name"]!, (string?)table["StorageDescriptor"]?["Location"] ?? "", ReadColumns(table["StorageDescriptor"]?["Columns"]), ReadColumns(table["PartitionKeys"]));

    public static GluePartition ReadPartition(JsonNode partition) =>
        new([.. ((JsonArray)partition["Values"]!).Select(value => (string)value!)], (string?)partition["StorageDescriptor"]?["Location"] ?? "");

    public static GlueJobRun ReadRun(JsonNode run) => new(
        (string)run["Id"]!,
        (string)run["JobRunState"]!,
        (string?)run["ErrorMessage"],
        (run["Arguments"] as JsonObject ?? []).ToDictionary(argument => argument.Key, argument => (string?)argument.Value ?? ""));

    /// <summary>How Parquet files are read, as crawlers write it.</summary>
    private static JsonObject Storage(GlueTable table, string location) => new()
    {
        ["Columns"] = List(table.Columns),
        ["Location"] = location,
        ["InputFormat"] = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
        ["OutputFormat"] = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
        ["SerdeInfo"] = new JsonObject { ["SerializationLibrary"] = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe" },
    };

    private static JsonArray List(IEnumerable<GlueColumn> columns) => new([.. columns.Select(column => Column(null, column))]);

    private static JsonObject Column(JsonObject? before, GlueColumn column)
    {
        var written = (JsonObject?)before?.DeepClone() ?? [];
        written["Name"] = column.Name;
        written["Type"] = column.Type;
        return written;
    }

    private static List<GlueColumn> ReadColumns(JsonNode? columns) =>
        (columns as JsonArray ?? []).Select(column => new GlueColumn((string)column!["Name"]!, (string?)column["Type"] ?? "string")).ToList();
}
