using System.Text.Json;
using System.Text.Json.Nodes;
using Npgsql;

namespace Workflow.App.Demo;

/// <summary>Customers in a JSON file, some fields less than the database has, some more, some empty; and a table that has customers the file lacks.</summary>
internal static class MergeSourcesSamples
{
    public static async Task<IReadOnlyList<SampleRun>> PrepareAsync(SampleTarget target, CancellationToken cancellation)
    {
        await WriteCustomersAsync(target.Warehouse, cancellation);
        var address = await target.WriteAsync("local://sources/test.json", CustomersJson(), cancellation);
        return [new("merge-sources", new JsonObject { ["object"] = address })];
    }

    private static byte[] CustomersJson() => JsonSerializer.SerializeToUtf8Bytes(Enumerable.Range(1, 300).Select(id => new Dictionary<string, object?>
    {
        ["id"] = id,
        ["name"] = id % 7 == 0 ? null : SampleNames.Of(id),
        ["segment"] = id % 3 == 0 ? "business" : "private",
        ["discount"] = id % 5 == 0 ? null : id % 10 / 100m,
    }));

    private static IEnumerable<Customer> Customers() => Enumerable.Range(201, 150).Select(id =>
        new Customer(id, $"{SampleNames.Of(id)} (old)", $"{SampleNames.Of(id)}.{id}@example.com", id % 4 == 0 ? null : id * 10));

    private static async Task WriteCustomersAsync(NpgsqlDataSource warehouse, CancellationToken cancellation)
    {
        await using var connection = await warehouse.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await using (var create = new NpgsqlCommand(SqlText.Read("Demo/create_customers.sql"), connection))
        {
            await create.ExecuteNonQueryAsync(cancellation);
        }

        await using var batch = new NpgsqlBatch(connection, transaction);
        var put = SqlText.Read("Demo/put_customer.sql");
        foreach (var customer in Customers())
        {
            batch.BatchCommands.Add(new(put)
            {
                Parameters = { new() { Value = customer.Id }, new() { Value = customer.Name }, new() { Value = customer.Email }, new() { Value = (object?)customer.Credit ?? DBNull.Value } },
            });
        }

        await batch.ExecuteNonQueryAsync(cancellation);
        await transaction.CommitAsync(cancellation);
    }

    private sealed record Customer(int Id, string Name, string Email, int? Credit);
}
