using System.Globalization;
using System.Text.Json.Nodes;
using Npgsql;

namespace Workflow.App.Demo;

/// <summary>
/// Users around five kinds of customers, who differ in age, spend, what they buy and how long ago; some of them inactive, unknown to the
/// CRM, with gaps, or with values that cannot be.
/// </summary>
internal static class SegmentCustomersSamples
{
    private const int Users = 2_000;

    // The day that the samples were last active on: the run is of that day, so that it finds the same segments whenever it runs.
    private static readonly DateOnly Day = new(2026, 1, 31);

    private static readonly Kind[] Kinds =
    [
        new(Age: 22, Spend: 150, DaysSince: 20, "Electronics", "f"),
        new(Age: 33, Spend: 900, DaysSince: 45, "Clothing", "f"),
        new(Age: 45, Spend: 2_400, DaysSince: 10, "Home & Kitchen", "m"),
        new(Age: 58, Spend: 4_500, DaysSince: 90, "Books", "f"),
        new(Age: 70, Spend: 600, DaysSince: 300, "Books", "m"),
    ];

    public static async Task<IReadOnlyList<SampleRun>> PrepareAsync(SampleTarget target, CancellationToken cancellation)
    {
        await using var connection = await target.Warehouse.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await using (var create = new NpgsqlCommand(SqlText.Read("Demo/create_app_users.sql"), connection))
        {
            await create.ExecuteNonQueryAsync(cancellation);
        }

        await CopyAsync(connection, "copy app_users (user_id, email, age, gender, is_active) from stdin (format csv)", AppUsers(), cancellation);
        await CopyAsync(connection, "copy crm_customers (user_id, total_spend, last_purchase_date, product_category) from stdin (format csv)", CrmCustomers(), cancellation);
        await transaction.CommitAsync(cancellation);
        return
        [
            new("segment-customers", new JsonObject { ["date"] = $"{Day:yyyy-MM-dd}" }),

            // In a place of its own: the latest model under the usual one stays that of the pipeline's own engine.
            new("segment-customers", new JsonObject { ["date"] = $"{Day:yyyy-MM-dd}", ["engine"] = "SageMaker", ["output"] = "local://segments/sagemaker/" }),
        ];
    }

    private static IEnumerable<string> AppUsers()
    {
        for (var id = 1; id <= Users; id++)
        {
            var kind = Kinds[id % Kinds.Length];
            var age = id % 97 == 0 ? "" : id % 499 == 0 ? "999" : $"{kind.Age + Spread(id, 7, 3)}";
            yield return $"{id},{SampleNames.Of(id)}.{id}@example.com,{age},{(id % 89 == 0 ? "" : kind.Gender)},{(id % 20 == 0 ? "false" : "true")}";
        }
    }

    /// <summary>All but a user in fifty, who has not bought anything yet.</summary>
    private static IEnumerable<string> CrmCustomers()
    {
        foreach (var id in Enumerable.Range(1, Users).Where(id => id % 50 != 1))
        {
            var kind = Kinds[id % Kinds.Length];
            var spend = id % 401 == 0 ? -1 : kind.Spend + (Spread(id, 13, 9) * kind.Spend / 100m);
            yield return string.Create(CultureInfo.InvariantCulture, $"{id},{spend:0.00},{Day.AddDays(-kind.DaysSince + Spread(id, 5, 4)):yyyy-MM-dd},{(id % 83 == 0 ? "" : kind.Category)}");
        }
    }

    private static async Task CopyAsync(NpgsqlConnection connection, string copy, IEnumerable<string> lines, CancellationToken cancellation)
    {
        await using var rows = await connection.BeginTextImportAsync(copy, cancellation);
        foreach (var line in lines)
        {
            await rows.WriteLineAsync(line.AsMemory(), cancellation);
        }
    }

    /// <summary>From -most to most, and not in step with anything else.</summary>
    private static int Spread(int id, int step, int most) => (id * 7919 / 31 * step % ((2 * most) + 1)) - most;

    private sealed record Kind(int Age, int Spend, int DaysSince, string Category, string Gender);
}
