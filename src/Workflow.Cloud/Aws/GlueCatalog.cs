namespace Workflow.Cloud.Aws;

/// <summary>Keeps a dataset known to the Glue Data Catalog.</summary>
public sealed class GlueCatalog(GlueClient glue)
{
    /// <summary>
    /// Makes the database and the table where they are not there, brings the table's columns up to date, and adds the partitions or
    /// points them to where they are now. Columns that the table has beyond the given ones stay: older partitions have them.
    /// </summary>
    /// <param name="table">As it is to be; names are taken in lower case, as Glue does.</param>
    /// <param name="partitions">With their values in the order of the given table's keys; they are registered in the order of the table's own.</param>
    /// <exception cref="AwsRefusedException">The table that is there has other partition keys, or Glue refused.</exception>
    /// <exception cref="AwsException">Glue could not be reached, or asks for another try.</exception>
    public async Task RegisterAsync(GlueTable table, IReadOnlyList<GluePartition> partitions, CancellationToken cancellation)
    {
        var wanted = table with { Columns = Lower(table.Columns), PartitionKeys = Lower(table.PartitionKeys) };
        await glue.CreateDatabaseAsync(table.Database, cancellation);
        if (await glue.CreateTableAsync(wanted, cancellation))
        {
            await glue.PutPartitionsAsync(wanted, partitions, cancellation);
            return;
        }

        var there = await glue.FindTableAsync(table.Database, table.Name, cancellation)
            ?? throw new AwsException("Glue", "GetTable", null, $"the table {table.Database}.{table.Name} was there a moment ago and is not now.", null);
        var order = Order(wanted, there);
        var merged = wanted with
        {
            PartitionKeys = there.PartitionKeys,
            Columns = [.. wanted.Columns, .. there.Columns.Where(column => !Has(wanted.Columns, column.Name) && !Has(wanted.PartitionKeys, column.Name))],
        };
        if (merged.Location != there.Location || !merged.Columns.SequenceEqual(there.Columns))
        {
            await glue.UpdateTableAsync(merged, cancellation);
        }

        await glue.PutPartitionsAsync(merged, partitions.Select(partition => partition with { Values = [.. order.Select(index => partition.Values[index])] }), cancellation);
    }

    /// <summary>Of each key of the table that is there, its place among the wanted ones.</summary>
    private static int[] Order(GlueTable wanted, GlueTable there)
    {
        var names = wanted.PartitionKeys.Select(key => key.Name).ToList();
        var order = there.PartitionKeys.Select(key => names.IndexOf(key.Name.ToLowerInvariant())).ToArray();
        return order.Length == names.Count && order.All(index => index >= 0)
            ? order
            : throw new AwsRefusedException(
                "Glue", "UpdateTable", null,
                $"the table {wanted.Database}.{wanted.Name} is partitioned by {Names(there)}, and the files by {Names(wanted)}. Partition them as the table, or name another table.", null);
    }

    private static string Names(GlueTable table) => table.PartitionKeys.Count == 0 ? "nothing" : string.Join(", ", table.PartitionKeys.Select(key => key.Name));

    private static bool Has(IReadOnlyList<GlueColumn> columns, string name) => columns.Any(column => column.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    private static IReadOnlyList<GlueColumn> Lower(IReadOnlyList<GlueColumn> columns) => [.. columns.Select(column => column with { Name = column.Name.ToLowerInvariant() })];
}
