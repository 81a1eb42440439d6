using System.Text.Json.Nodes;

namespace Workflow.Cloud.Local;

/// <summary>The Data Catalog of the stand-in for AWS Glue: databases, tables, partitions. Names are in lower case, as there.</summary>
internal sealed class LocalGlueCatalog
{
    private const int LargestBatch = 100;
    private const int MostResults = 1_000;

    public SortedDictionary<string, JsonObject> Databases { get; init; } = [];

    /// <summary>By <c>database.table</c>.</summary>
    public SortedDictionary<string, LocalGlueTable> Tables { get; init; } = [];

    public JsonObject? Call(string operation, JsonObject input) => operation switch
    {
        "GetDatabase" => new() { ["Database"] = FindDatabase(Name(input, "Name")).DeepClone() },
        "CreateDatabase" => CreateDatabase(LocalAwsInput.Structure(input, "DatabaseInput")),
        "GetTable" => new() { ["Table"] = FindTable(Name(input, "DatabaseName"), Name(input, "Name")).Definition.DeepClone() },
        "CreateTable" => CreateTable(Name(input, "DatabaseName"), LocalAwsInput.Structure(input, "TableInput")),
        "UpdateTable" => UpdateTable(Name(input, "DatabaseName"), LocalAwsInput.Structure(input, "TableInput")),
        "BatchCreatePartition" => CreatePartitions(FindTable(input), LocalAwsInput.Structures(input, "PartitionInputList", LargestBatch)),
        "BatchUpdatePartition" => UpdatePartitions(FindTable(input), LocalAwsInput.Structures(input, "Entries", LargestBatch)),
        "GetPartitions" => GetPartitions(FindTable(input), input),
        _ => null,
    };

    private JsonObject CreateDatabase(JsonObject definition)
    {
        var name = Name(definition, "Name");
        return Databases.TryAdd(name, With(definition, "Name", name)) ? [] : throw new LocalAwsException("AlreadyExistsException", "Database already exists.");
    }

    private JsonObject CreateTable(string database, JsonObject definition)
    {
        FindDatabase(database);
        var name = Name(definition, "Name");
        return Tables.TryAdd($"{database}.{name}", new(Described(database, name, definition), []))
            ? []
            : throw new LocalAwsException("AlreadyExistsException", "Table already exists.");
    }

    private JsonObject UpdateTable(string database, JsonObject definition)
    {
        var name = Name(definition, "Name");
        Tables[$"{database}.{name}"] = FindTable(database, name) with { Definition = Described(database, name, definition) };
        return [];
    }

    private static JsonObject CreatePartitions(LocalGlueTable table, IReadOnlyList<JsonObject> inputs)
    {
        var errors = new JsonArray();
        foreach (var input in inputs)
        {
            table.CheckValues(input);
            if (table.FindPartition(input["Values"]) is null)
            {
                table.Partitions.Add((JsonObject)input.DeepClone());
            }
            else
            {
                errors.Add(Error("PartitionValues", input["Values"], "AlreadyExistsException", "Partition already exists."));
            }
        }

        return new() { ["Errors"] = errors };
    }

    private static JsonObject UpdatePartitions(LocalGlueTable table, IReadOnlyList<JsonObject> entries)
    {
        var errors = new JsonArray();
        foreach (var entry in entries)
        {
            if (table.FindPartition(entry["PartitionValueList"]) is { } found)
            {
                table.Partitions[table.Partitions.IndexOf(found)] = (JsonObject)LocalAwsInput.Structure(entry, "PartitionInput").DeepClone();
            }
            else
            {
                errors.Add(Error("PartitionValueList", entry["PartitionValueList"], "EntityNotFoundException", "Partition not found."));
            }
        }

        return new() { ["Errors"] = errors };
    }

    private static JsonObject GetPartitions(LocalGlueTable table, JsonObject input)
    {
        var page = LocalAwsInput.Page(table.Partitions, input, MostResults, out var next);
        return new() { ["Partitions"] = new JsonArray([.. page.Select(partition => partition.DeepClone())]), ["NextToken"] = next };
    }

    private JsonObject FindDatabase(string name) =>
        Databases.GetValueOrDefault(name) ?? throw new LocalAwsException("EntityNotFoundException", $"Database {name} not found.");

    private LocalGlueTable FindTable(JsonObject input) => FindTable(Name(input, "DatabaseName"), Name(input, "TableName"));

    private LocalGlueTable FindTable(string database, string name)
    {
        FindDatabase(database);
        return Tables.GetValueOrDefault($"{database}.{name}") ?? throw new LocalAwsException("EntityNotFoundException", $"Table {name} not found.");
    }

    private static string Name(JsonObject input, string field) => LocalAwsInput.Text(input, field).ToLowerInvariant();

    private static JsonObject Described(string database, string name, JsonObject definition) => With(With(definition, "Name", name), "DatabaseName", database);

    private static JsonObject With(JsonObject definition, string field, string value)
    {
        var changed = (JsonObject)definition.DeepClone();
        changed[field] = value;
        return changed;
    }

    private static JsonObject Error(string field, JsonNode? values, string code, string message) =>
        new() { [field] = values?.DeepClone(), ["ErrorDetail"] = new JsonObject { ["ErrorCode"] = code, ["ErrorMessage"] = message } };
}

/// <summary>A table of the catalog as it was given, with its partitions.</summary>
public sealed record LocalGlueTable(JsonObject Definition, List<JsonObject> Partitions)
{
    internal JsonObject? FindPartition(JsonNode? values) => Partitions.Find(partition => JsonNode.DeepEquals(partition["Values"], values));

    internal void CheckValues(JsonObject partition)
    {
        var (keys, values) = ((Definition["PartitionKeys"] as JsonArray)?.Count ?? 0, (partition["Values"] as JsonArray)?.Count ?? 0);
        if (keys != values)
        {
            throw new LocalAwsException("InvalidInputException", $"The number of partition keys do not match the number of partition values: {keys} and {values}.");
        }
    }
}
