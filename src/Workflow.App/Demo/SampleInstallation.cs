using Npgsql;
using Workflow.App.Hosting;
using Workflow.Cloud.Objects;

namespace Workflow.App.Demo;

/// <summary>Puts the sample data where the default pipelines look for it.</summary>
internal static class SampleInstallation
{
    /// <returns>What to run: a pipeline and an object, each.</returns>
    /// <exception cref="UsageException">The databases are not the embedded ones: made-up rows have no business in others.</exception>
    public static async Task<IReadOnlyList<(string Pipeline, string Object)>> PrepareAsync(Service service, CancellationToken cancellation)
    {
        if (service.Databases is not { Embedded: { } embedded } databases || databases.Warehouse != embedded.ConnectionString)
        {
            throw new UsageException("The samples are for the embedded database, and ConnectionStrings:Warehouse names another one. Run ./workflow serve, or pass another --data DIR.");
        }

        await WriteCustomersAsync(databases.Warehouse, cancellation);
        var runs = new List<(string Pipeline, string Object)>();
        foreach (var (name, content) in Samples.CsvFiles())
        {
            runs.Add(("csv-to-warehouse", await WriteAsync(service.Objects, $"local://landing/csv/samples/{name}", content, cancellation)));
        }

        runs.Add(("merge-sources", await WriteAsync(service.Objects, "local://sources/test.json", Samples.CustomersJson(), cancellation)));
        return runs;
    }

    private static async Task<string> WriteAsync(ObjectStores objects, string address, byte[] content, CancellationToken cancellation)
    {
        var to = ObjectAddress.Parse(address);
        await objects.For(to).WriteAsync(to, new MemoryStream(content), WriteCondition.Always, cancellation);
        return address;
    }

    private static async Task WriteCustomersAsync(string warehouse, CancellationToken cancellation)
    {
        await using var data = NpgsqlDataSource.Create(warehouse);
        await using var connection = await data.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await using (var create = new NpgsqlCommand(ReadSql("Demo/create_customers.sql"), connection))
        {
            await create.ExecuteNonQueryAsync(cancellation);
        }

        await using var batch = new NpgsqlBatch(connection, transaction);
        var put = ReadSql("Demo/put_customer.sql");
        foreach (var customer in Samples.Customers())
        {
            batch.BatchCommands.Add(new(put)
            {
                Parameters = { new() { Value = customer.Id }, new() { Value = customer.Name }, new() { Value = customer.Email }, new() { Value = (object?)customer.Credit ?? DBNull.Value } },
            });
        }

        await batch.ExecuteNonQueryAsync(cancellation);
        await transaction.CommitAsync(cancellation);
    }

    private static string ReadSql(string name)
    {
        using var reader = new StreamReader(typeof(SampleInstallation).Assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }
}
