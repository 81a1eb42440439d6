namespace Workflow.Cloud.Aws;

/// <param name="Type">As Hive writes it, for example <c>bigint</c>, <c>decimal(18,2)</c>, <c>struct&lt;a:int,b:array&lt;string&gt;&gt;</c>.</param>
public sealed record GlueColumn(string Name, string Type);

/// <summary>A table of Parquet files in the Data Catalog.</summary>
/// <param name="Location">Where its files are; ends in a slash.</param>
/// <param name="PartitionKeys">The columns that are in the paths, in the order of the paths.</param>
public sealed record GlueTable(string Database, string Name, string Location, IReadOnlyList<GlueColumn> Columns, IReadOnlyList<GlueColumn> PartitionKeys);

/// <summary>A partition of a table.</summary>
/// <param name="Values">Of the table's partition keys, in their order.</param>
/// <param name="Location">Where its files are; ends in a slash.</param>
public sealed record GluePartition(IReadOnlyList<string> Values, string Location);
