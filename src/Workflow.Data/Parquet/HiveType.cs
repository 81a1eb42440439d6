using Workflow.Data.DuckDb;

namespace Workflow.Data.Parquet;

/// <summary>Types as catalogs write them for Parquet files of DuckDB.</summary>
public static class HiveType
{
    /// <exception cref="BadInputException">The type has no counterpart; the message says what to cast it to.</exception>
    public static string Of(DuckDbType type) => type.Id switch
    {
        DuckDbTypeId.Boolean => "boolean",
        DuckDbTypeId.TinyInt => "tinyint",
        DuckDbTypeId.SmallInt or DuckDbTypeId.UTinyInt => "smallint",
        DuckDbTypeId.Integer or DuckDbTypeId.USmallInt => "int",
        DuckDbTypeId.BigInt or DuckDbTypeId.UInteger => "bigint",
        DuckDbTypeId.Float => "float",
        DuckDbTypeId.Double => "double",
        DuckDbTypeId.Decimal => $"decimal({type.Width},{type.Scale})",
        DuckDbTypeId.Varchar or DuckDbTypeId.Enum => "string",
        DuckDbTypeId.Blob => "binary",
        DuckDbTypeId.Date => "date",
        DuckDbTypeId.Timestamp or DuckDbTypeId.TimestampSeconds or DuckDbTypeId.TimestampMillis or DuckDbTypeId.TimestampNanos or DuckDbTypeId.TimestampTz => "timestamp",
        DuckDbTypeId.List or DuckDbTypeId.Array => $"array<{Of(type.Children[0].Type)}>",
        DuckDbTypeId.Map => $"map<{Of(type.Children[0].Type)},{Of(type.Children[1].Type)}>",
        DuckDbTypeId.Struct => $"struct<{string.Join(',', type.Children.Select(field => $"{field.Name}:{Of(field.Type)}"))}>",
        _ => throw new BadInputException($"A column of type {type.Id} has no counterpart in the catalog: cast it, for example to varchar or decimal(38,0)."),
    };
}
