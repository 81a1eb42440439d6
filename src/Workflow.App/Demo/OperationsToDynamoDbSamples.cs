using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Workflow.App.Demo;

/// <summary>
/// Operations with their instalments and movements in fixed-width records: two files that arrive online, and the day's batch. There are
/// records that come twice, some out of order, an operation whose last instalment is missing, and lines that are no records.
/// </summary>
internal static class OperationsToDynamoDbSamples
{
    private const string Online = "local://landing/operations/online/";
    private const string Offline = "local://landing/operations/offline/";
    private static readonly DateOnly Contracted = new(2024, 10, 14);
    private static readonly string[] Means = ["DEBITO_CONTA", "PIX         ", "BOLETO      "];

    public static async Task<IReadOnlyList<SampleRun>> PrepareAsync(SampleTarget target, CancellationToken cancellation)
    {
        await WriteAsync($"{Online}trancode-1.txt", Operations(1, 60, "ONLINE000000001") + Incomplete(81, "ONLINE000000001"));
        await WriteAsync($"{Online}trancode-2.txt", Operations(40, 80, "ONLINE000000001") + Unfit);
        await WriteAsync($"{Offline}trancode-batch.txt", Operations(1_001, 1_400, "OFFLINE00000001"));
        return
        [
            new("operations-to-dynamodb", new JsonObject { ["object"] = Online }),
            new("operations-to-dynamodb-offline", new JsonObject { ["object"] = Offline }),
        ];

        Task<string> WriteAsync(string address, string lines) => target.WriteAsync(address, Encoding.UTF8.GetBytes(lines), cancellation);
    }

    /// <summary>A line that is cut off, one of an unknown domain, one with a day that does not exist.</summary>
    private const string Unfit = """
        SF01000000
        SF77000000001ONLINE000000001
        SF01000000002ONLINE000000001SF0000000022024-02-30

        """;

    private static string Operations(int first, int last, string load) => string.Concat(Enumerable.Range(first, last - first + 1).Select(id => Operation(id, load, missing: 0)));

    private static string Incomplete(int id, string load) => Operation(id, load, missing: 1);

    private static string Operation(int id, string load, int missing)
    {
        var (instalments, movements) = (1 + id % 12, id % 4);
        var records = new StringBuilder();
        Add("99", "", $"{instalments:000}{movements:000}");
        Add("01", Key(), $"{Contracted.AddDays(id % 300):yyyy-MM-dd}");
        Add("02", Key(), Means[id % Means.Length]);
        for (var number = instalments - missing; number > 0; number--)
        {
            Add("03", Key(), $"{number:00}{Contracted.AddDays(id % 300).AddMonths(number):yyyy-MM-dd}");
        }

        for (var number = 1; number <= movements; number++)
        {
            Add("04", Key(), $"{number * 111:000}{Contracted.AddDays(id % 300 + 31 * number):yyyy-MM-dd}");
        }

        return records.ToString();

        string Key() => $"SF{id:000000000}";

        void Add(string domain, string key, string rest) => records.Append(CultureInfo.InvariantCulture, $"SF{domain}{id:000000000}{load}{key}{rest}\n");
    }
}
