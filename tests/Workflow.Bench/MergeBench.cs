using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Workflow.Cloud.Local;
using Workflow.Data.Merge;
using Workflow.Data.Postgres;
using Workflow.Data.Sources;

namespace Workflow.Bench;

/// <summary>A JSON file and a database table of the same size, nine in ten ids in common, become one CSV file.</summary>
internal static class MergeBench
{
    public static async Task<int> RunAsync(string[] arguments)
    {
        var (numbers, data) = Arguments.Read(arguments);
        var rows = numbers.Count > 0 ? numbers[0] : 1_000_000;
        var reads = numbers.Count > 1 ? numbers[1] : 4;
        await using var postgres = await LocalPostgres.StartAsync(data, TimeProvider.System, NullLogger.Instance, CancellationToken.None);
        await using var database = NpgsqlDataSource.Create(postgres.ConnectionString);
        var schema = "bench_" + Guid.NewGuid().ToString("N")[..8];
        var folder = Directory.CreateDirectory(Path.Combine(data, schema)).FullName;
        try
        {
            await ExecuteAsync(database, $"create schema {schema}");
            await ExecuteAsync(
                database,
                $"""
                create table {schema}.customers as
                select n + {rows / 10} as id, 'name ' || n as name, (n % 80)::int as age, (n % 100000) / 100.0::numeric(10, 2) as balance, now() as updated_at
                from generate_series(1, {rows}) n order by md5(n::text)
                """);
            var file = Path.Combine(folder, "customers.json");
            Generate(file, rows);

            var begun = Stopwatch.GetTimestamp();
            var merged = await new SourceMerge(new PostgresSource(database)).RunAsync(
                new MergeRequest { JsonFile = file, Table = new SourceTable(schema, "customers"), ParallelReads = reads, Output = Path.Combine(folder, "merged.csv"), ScratchFolder = folder },
                CancellationToken.None);
            var seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
            if (merged.DatabaseOnly != rows / 10)
            {
                throw new InvalidOperationException($"{rows / 10} rows are in the database only, and the merge says {merged}");
            }

            Console.WriteLine(JsonSerializer.Serialize(new
            {
                workload = "merge-sources",
                rows,
                reads = merged.ParallelReads,
                seconds = Math.Round(seconds, 3),
                rows_per_s = Math.Round(rows / seconds),
                peak_rss_mb = Process.GetCurrentProcess().PeakWorkingSet64 >> 20,
            }));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
            await ExecuteAsync(database, $"drop schema if exists {schema} cascade");
        }

        return 0;
    }

    private static void Generate(string file, int rows)
    {
        using var writer = new StreamWriter(file, false, new UTF8Encoding(false), 1 << 20);
        writer.Write("[\n");
        for (var id = 1; id <= rows; id++)
        {
            writer.Write($$"""{"id":{{id}},"name":{{(id % 5 == 0 ? "null" : $"\"file {id}\"")}},"segment":"s{{id % 7}}","visits":{{id % 1000}}}{{(id == rows ? "" : ",")}}{{"\n"}}""");
        }

        writer.Write("]\n");
    }

    private static async Task ExecuteAsync(NpgsqlDataSource source, string sql)
    {
        await using var command = source.CreateCommand(sql);
        command.CommandTimeout = 0;
        await command.ExecuteNonQueryAsync();
    }
}
