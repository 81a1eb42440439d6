using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Workflow.App.Demo;

/// <summary>Orders as CSV and JSON, with every kind of row in them that the default rules are for, and lines that are none.</summary>
internal static class QualityGateSamples
{
    private static readonly string[] Categories = ["Electronics", "Books", "Clothing", "Home & Kitchen", "Toys"];
    private static readonly JsonSerializerOptions Snake = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public static async Task<IReadOnlyList<SampleRun>> PrepareAsync(SampleTarget target, CancellationToken cancellation) =>
    [
        Run(await target.WriteAsync("local://quality/incoming/samples/orders.csv", Csv(), cancellation)),
        Run(await target.WriteAsync("local://quality/incoming/samples/orders.json", Json(), cancellation)),
    ];

    private static SampleRun Run(string address) => new("quality-gate", new JsonObject { ["object"] = address });

    private static byte[] Csv()
    {
        var csv = new StringBuilder("order_id,user_id,email,product_category,price\n");
        foreach (var order in Orders(1, 500))
        {
            csv.Append(CultureInfo.InvariantCulture, $"{order.OrderId},{order.UserId},{order.Email},{order.ProductCategory},{order.Price:0.00}\n");
        }

        return Encoding.UTF8.GetBytes(csv.Append("501,short\n").ToString());
    }

    private static byte[] Json() => JsonSerializer.SerializeToUtf8Bytes(Orders(1_001, 300), Snake);

    private static IEnumerable<Order> Orders(int first, int count) => Enumerable.Range(first, count).Select(id => new Order(
        $"o{(id % 97 == 0 ? id - 1 : id)}",
        id % 41 == 0 ? null : id * 7 % 1_000,
        id % 53 == 0 ? "nobody" : $"{SampleNames.Of(id)}.{id}@example.com",
        Categories[id % 29 == 0 ? 4 : id % 4],
        id % 61 == 0 ? -1 : id * 37 % 10_000 / 100m + 0.5m));

    private sealed record Order(string OrderId, int? UserId, string Email, string ProductCategory, decimal Price);
}
