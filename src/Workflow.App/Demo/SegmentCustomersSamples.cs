using System.Text.Json.Nodes;
using Npgsql;
using NpgsqlTypes;

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

        await WriteUsersAsync(connection, cancellation);
        await WriteCrmAsync(connection, cancellation);
        await transaction.CommitAsync(cancellation);
        return [new("segment-customers", new JsonObject { ["date"] = $"{Day:yyyy-MM-dd}" })];
    }

    private static async Task WriteUsersAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var rows = await connection.BeginBinaryImportAsync("copy app_users (user_id, email, age, gender, is_active) from stdin (format binary)", cancellation);
        for (var id = 1; id <= Users; id++)
        {
            var kind = Kinds[id % Kinds.Length];
            await rows.StartRowAsync(cancellation);
            await rows.WriteAsync(id, NpgsqlDbType.Integer, cancellation);
            await rows.WriteAsync($"{SampleNames.Of(id)}.{id}@example.com", NpgsqlDbType.Text, cancellation);
            await WriteAsync(rows, id % 97 == 0 ? null : id % 499 == 0 ? 999 : kind.Age + Spread(id, 7, 3), NpgsqlDbType.Integer, cancellation);
            await WriteAsync(rows, id % 89 == 0 ? null : kind.Gender, NpgsqlDbType.Text, cancellation);
            await rows.WriteAsync(id % 20 != 0, NpgsqlDbType.Boolean, cancellation);
        }

        await rows.CompleteAsync(cancellation);
    }

    private static async Task WriteCrmAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var rows = await connection.BeginBinaryImportAsync("copy crm_customers (user_id, total_spend, last_purchase_date, product_category) from stdin (format binary)", cancellation);
        for (var id = 1; id <= Users; id++)
        {
            // A user in fifty has not bought anything yet.
            if (id % 50 != 1)
            {
                var kind = Kinds[id % Kinds.Length];
                await rows.StartRowAsync(cancellation);
                await rows.WriteAsync(id % 401 == 0 ? -1m : kind.Spend + (Spread(id, 13, 9) * kind.Spend / 100m), NpgsqlDbType.Numeric, cancellation);
                await rows.WriteAsync(Day.AddDays(-kind.DaysSince + Spread(id, 5, 4)), NpgsqlDbType.Date, cancellation);
                await WriteAsync(rows, id % 83 == 0 ? null : kind.Category, NpgsqlDbType.Text, cancellation);
            }
        }

        await rows.CompleteAsync(cancellation);
    }

    /// <summary>From -most to most, and not in step with anything else.</summary>
    private static int Spread(int id, int step, int most) => (id * 7919 / 31 * step % ((2 * most) + 1)) - most;

    private static Task WriteAsync(NpgsqlBinaryImporter rows, object? value, NpgsqlDbType type, CancellationToken cancellation) =>
        value is null ? rows.WriteNullAsync(cancellation) : rows.WriteAsync(value, type, cancellation);

    private sealed record Kind(int Age, int Spend, int DaysSince, string Category, string Gender);
}
