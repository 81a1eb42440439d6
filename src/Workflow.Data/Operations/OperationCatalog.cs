using Workflow.Data.DuckDb;
using Workflow.Data.Parquet;

namespace Workflow.Data.Operations;

/// <summary>The items as a dataset: a partition for each version and load.</summary>
public static class OperationCatalog
{
    private const long TargetBytes = 128L << 20;

    /// <summary>The columns besides the partition's.</summary>
    public static IReadOnlyList<string> Columns { get; } = ["custodia", "dominio", "dominio_enum", "id_operacao", "codigo_identificador_carga", "dados_dominio"];

    /// <param name="items">What <see cref="OperationGroups.Write"/> wrote.</param>
    /// <param name="version">The value of <c>data_versao</c>.</param>
    /// <param name="partitionBy"><c>data_versao</c> and <c>id_carga</c>, in the order of the paths.</param>
    public static IReadOnlyList<ParquetFile> Export(string items, string folder, string version, IReadOnlyList<string> partitionBy, CancellationToken cancellation)
    {
        using var duckDb = DuckDbDatabase.Open(new() { TempDirectory = Path.Combine(Path.GetDirectoryName(items)!, "spill") });
        using var connection = duckDb.Connect();
        var query = SqlText.Read("Operations/catalog.sql", ("items", SqlText.Literal(items)), ("version", SqlText.Literal(version)));
        return connection.ExportParquet(query, folder, partitionBy, TargetBytes, cancellation);
    }
}
