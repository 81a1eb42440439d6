using System.IO.Compression;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Workflow.App.Demo;

/// <summary>Orders with their lines: an array in one file, packed lines in another, and some whose total is no number, or negative.</summary>
internal static class JsonToParquetSamples
{
    private const int PerFile = 400;

    public static async Task<IReadOnlyList<SampleRun>> PrepareAsync(SampleTarget target, CancellationToken cancellation)
    {
        await target.WriteAsync("local://landing/json/orders-1.json", JsonSerializer.SerializeToUtf8Bytes(Enumerable.Range(1, PerFile).Select(Order)), cancellation);
        await target.WriteAsync("local://landing/json/orders-2.json.gz", PackedLines(Enumerable.Range(PerFile + 1, PerFile).Select(Order)), cancellation);
        return [new("json-to-parquet", new JsonObject { ["object"] = "local://landing/json/" })];
    }

    private static JsonObject Order(int id) => new()
    {
        ["order_id"] = $"{id}",
        ["ordered_at"] = $"2024-03-{1 + (id % 5):00}T{id % 24:00}:{id % 60:00}:00Z",
        ["day"] = $"2024-03-{1 + (id % 5):00}",
        ["customer"] = new JsonObject { ["name"] = SampleNames.Of(id % 200), ["address"] = new JsonObject { ["city"] = SampleNames.Of(id % 12) } },
        ["lines"] = new JsonArray([.. Enumerable.Range(1, 1 + (id % 3)).Select(line => new JsonObject { ["sku"] = $"sku-{(id + line) % 50}", ["count"] = line })]),
        ["total"] = id % 97 == 0 ? "on request" : id % 101 == 0 ? "-1.00" : $"{id % 90}.{id % 100:00}",
        ["trace"] = $"made up, number {id}",
    };

    private static byte[] PackedLines(IEnumerable<JsonObject> orders)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
        {
            foreach (var order in orders)
            {
                gzip.Write(JsonSerializer.SerializeToUtf8Bytes(order));
                gzip.Write("\n"u8);
            }
        }

        return packed.ToArray();
    }
}
