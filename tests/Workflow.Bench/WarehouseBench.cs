using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Workflow.Cloud.Local;
using Workflow.Data.Schema;
using Workflow.Data.Warehouse;

namespace Workflow.Bench;

/// <summary>
/// A file becomes warehouse rows, twice: all new, then all updates. Beside it the floor, measured in the same run: psql copies the same
/// file into an identical staging table and runs the same merge, with the types known beforehand.
/// </summary>
internal static class WarehouseBench
{
    private const string Key = "user_id";

    public static async Task<int> RunAsync(string[] arguments)
    {
        var (numbers, data) = Arguments.Read(arguments);
        var rows = numbers.Count > 0 ? numbers[0] : 1_000_000;
        await using var postgres = await LocalPostgres.StartAsync(data, TimeProvider.System, NullLogger.Instance, CancellationToken.None);
        await using var warehouse = NpgsqlDataSource.Create(postgres.ConnectionString);
        var schema = "bench_" + Guid.NewGuid().ToString("N")[..8];
        var file = Path.Combine(data, schema + ".csv");
        try
        {
            foreach (var phase in new[] { "new", "update" })
            {
                Generate(file, rows, phase == "new" ? 0 : 1);
                await ExecuteAsync(warehouse, "checkpoint");
                var (seconds, inferred) = await LoadAsync(warehouse, new TableName(schema, "loaded"), file, rows, phase);
                await ExecuteAsync(warehouse, "checkpoint");
                var floor = await FloorAsync(postgres.ConnectionString, inferred, new TableName(schema, "floor"), file, creates: phase == "new");
                Console.WriteLine(JsonSerializer.Serialize(new
                {
                    workload = "csv-to-warehouse",
                    phase,
                    rows,
                    seconds = Math.Round(seconds, 3),
                    rows_per_s = Math.Round(rows / seconds),
                    peak_rss_mb = Process.GetCurrentProcess().PeakWorkingSet64 >> 20,
                    floor_seconds = Math.Round(floor, 3),
                    ratio = Math.Round(seconds / floor, 2),
                }));
            }
        }
        finally
        {
            File.Delete(file);
            await ExecuteAsync(warehouse, $"drop schema if exists {schema} cascade");
        }

        return 0;
    }

    /// <summary>All that the pipeline does with a file on this machine: hash, infer, copy, merge, ledger.</summary>
    private static async Task<(double Seconds, LoadPlan Plan)> LoadAsync(NpgsqlDataSource warehouse, TableName table, string file, int rows, string phase)
    {
        var begun = Stopwatch.GetTimestamp();
        await using var content = File.OpenRead(file);
        var sha256 = Convert.ToHexStringLower(await SHA256.HashDataAsync(content));
        var request = new LoadRequest
        {
            File = file,
            Schema = await SchemaInference.InferAsync(file, null, CancellationToken.None),
            Table = table,
            Key = Key,
            LoadKey = phase,
            Source = file,
            ContentSha256 = sha256,
            QuarantineFile = file + ".quarantine.csv",
        };
        var loaded = await new WarehouseLoader(warehouse).LoadAsync(request, CancellationToken.None);
        var seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
        var expected = phase == "new" ? loaded.Inserted : loaded.Updated;
        return expected == rows ? (seconds, LoadPlan.Make(request, null)) : throw new InvalidOperationException($"{rows} rows were to be loaded, and this happened: {loaded}");
    }

    private static async Task<double> FloorAsync(string connectionString, LoadPlan load, TableName table, string file, bool creates)
    {
        var plan = load with { Table = table };
        var script = new StringBuilder();
        if (creates)
        {
            script.AppendLine(LoadSql.CreateTable(plan) + ";");
        }

        script.AppendLine("begin;");
        script.AppendLine("set local work_mem = '128MB';");
        script.AppendLine(LoadSql.CreateStage(plan) + ";");
        script.AppendLine($"\\copy load_stage ({string.Join(", ", plan.Columns.Select(column => $"c{column.FileIndex}"))}) from '{file}' with (format csv, header true)");
        script.AppendLine(LoadSql.Merge(plan, keysAscend: false) + ";");
        script.AppendLine("commit;");
        var settings = new NpgsqlConnectionStringBuilder(connectionString);
        var psql = new ProcessStartInfo("psql", ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", settings.Host!, "-p", settings.Port.ToString(CultureInfo.InvariantCulture), "-U", settings.Username!, settings.Database!])
        {
            RedirectStandardInput = true,
            Environment = { ["PGPASSWORD"] = settings.Password },
        };
        var begun = Stopwatch.GetTimestamp();
        using var process = Start(psql);
        await process.StandardInput.WriteAsync(script.ToString());
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? Stopwatch.GetElapsedTime(begun).TotalSeconds : throw new InvalidOperationException("psql failed; its reason is above.");
    }

    private static Process Start(ProcessStartInfo psql)
    {
        try
        {
            return Process.Start(psql)!;
        }
        catch (System.ComponentModel.Win32Exception missing)
        {
            throw new InvalidOperationException("psql, which measures the floor, is missing: install postgresql-client with your package manager.", missing);
        }
    }

    /// <summary>Ten columns of mixed types, keys in no order, some values null, some quoted.</summary>
    private static void Generate(string file, int rows, int version)
    {
        using var writer = new StreamWriter(file, false, new UTF8Encoding(false), 1 << 20);
        writer.Write("user_id,name,email,age,score,balance,is_active,signup_date,last_seen,note\n");
        var step = 7_368_787 % rows | 1;
        while (GreatestCommonDivisor(step, rows) != 1)
        {
            step += 2;
        }

        for (long i = 0, id = 1; i < rows; i++, id = (id + step) % rows)
        {
            var n = id + (version * 17);
            writer.Write(string.Create(
                CultureInfo.InvariantCulture,
                $"{id + 1},name {n % 90_000},user{id}@example.com,{(n % 11 == 0 ? "" : (n % 80).ToString(CultureInfo.InvariantCulture))},{(n % 100_000) / 7.0:R},{n % 1_000_000 / 100.0:F2},{(n % 3 == 0 ? "true" : "false")},{2000 + (n % 25)}-{1 + (n % 12):D2}-{1 + (n % 28):D2},2024-{1 + (n % 12):D2}-{1 + (n % 28):D2} {n % 24:D2}:{n % 60:D2}:{n * 7 % 60:D2},\"note, number {n % 1000}\"\n"));
        }
    }

    private static long GreatestCommonDivisor(long a, long b) => b == 0 ? a : GreatestCommonDivisor(b, a % b);

    private static async Task ExecuteAsync(NpgsqlDataSource source, string sql)
    {
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}
