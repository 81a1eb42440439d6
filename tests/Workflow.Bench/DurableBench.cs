using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Workflow.Cloud.Local;
using Workflow.Durable;

namespace Workflow.Bench;

/// <summary>How many steps a second the durable runtime takes, on the embedded PostgreSQL with its durability on.</summary>
internal static class DurableBench
{
    public static async Task<int> RunAsync(string workload, string[] arguments)
    {
        var (numbers, data) = Arguments.Read(arguments);
        var (orchestrations, stepsEach, concurrency) = workload switch
        {
            "W1" => (numbers.ElementAtOrDefault(0, 2000), 5, numbers.ElementAtOrDefault(1, 64)),
            "W2" => (numbers.ElementAtOrDefault(0, 200), 3, 1),
            "W3" => (1, numbers.ElementAtOrDefault(0, 10_000), 1),
            _ => throw new ArgumentException($"There is no workload '{workload}'; give W1, W2 or W3."),
        };

        await using var postgres = await LocalPostgres.StartAsync(data, TimeProvider.System, NullLogger.Instance, CancellationToken.None);
        using var host = await StartHostAsync(postgres.ConnectionString);
        var client = host.Services.GetRequiredService<DurableTaskClient>();
        await RunManyAsync(client, workload == "W3" ? "FanOut" : "Sequence", Math.Min(orchestrations, 200), Math.Min(stepsEach, 100), concurrency);  // warm

        await using var counters = NpgsqlDataSource.Create(postgres.ConnectionString);
        var commitsBefore = await CommitsAsync(counters);
        var cpuBefore = Process.GetCurrentProcess().TotalProcessorTime;
        var begun = Stopwatch.GetTimestamp();
        var latencies = await RunManyAsync(client, workload == "W3" ? "FanOut" : "Sequence", orchestrations, stepsEach, concurrency);
        var seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
        var process = Process.GetCurrentProcess();
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            workload,
            orchestrations,
            steps = orchestrations * stepsEach,
            seconds = Math.Round(seconds, 3),
            steps_per_s = Math.Round(orchestrations * stepsEach / seconds),
            p50_ms = Percentile(latencies, 0.50),
            p99_ms = Percentile(latencies, 0.99),
            cpu_s = Math.Round((process.TotalProcessorTime - cpuBefore).TotalSeconds, 3),
            commits = await CommitsAsync(counters) - commitsBefore,
            peak_rss_mb = process.PeakWorkingSet64 >> 20,
        }));
        await host.StopAsync();
        return 0;
    }

    private static async Task<IHost> StartHostAsync(string connectionString)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders().AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace).SetMinimumLevel(LogLevel.Warning);
        builder.Services.AddDurableTask(
            options =>
            {
                options.ConnectionString = connectionString;
                options.TaskHub = "bench_" + Guid.NewGuid().ToString("N")[..8];
            },
            registry => registry
                .AddOrchestratorFunc<int, int>("Sequence", async (context, steps) =>
                {
                    for (var i = 0; i < steps; i++)
                    {
                        await context.CallActivityAsync<int>("Trivial", i);
                    }

                    return steps;
                })
                .AddOrchestratorFunc<int, int>("FanOut", async (context, steps) =>
                    (await Task.WhenAll(Enumerable.Range(0, steps).Select(i => context.CallActivityAsync<int>("Trivial", i)))).Length)
                .AddActivityFunc<int, int>("Trivial", (_, i) => Task.FromResult(i + 1)));
        var host = builder.Build();
        await host.StartAsync();
        return host;
    }

    private static async Task<double[]> RunManyAsync(DurableTaskClient client, string orchestrator, int orchestrations, int steps, int concurrency)
    {
        var latencies = new double[orchestrations];
        await Parallel.ForAsync(0, orchestrations, new ParallelOptions { MaxDegreeOfParallelism = concurrency }, async (i, cancellation) =>
        {
            var begun = Stopwatch.GetTimestamp();
            var id = await client.ScheduleNewOrchestrationInstanceAsync(orchestrator, steps, cancellation: cancellation);
            var ended = await client.WaitForInstanceCompletionAsync(id, cancellation: cancellation);
            if (ended.RuntimeStatus != OrchestrationRuntimeStatus.Completed || ended.ReadOutputAs<int>() != steps)
            {
                throw new InvalidOperationException($"Instance {id} ended {ended.RuntimeStatus}: {ended.FailureDetails}");
            }

            latencies[i] = Stopwatch.GetElapsedTime(begun).TotalMilliseconds;
        });
        return latencies;
    }

    // The server's own count. Sessions hand theirs in within a second of falling idle.
    private static async Task<long> CommitsAsync(NpgsqlDataSource source)
    {
        await Task.Delay(TimeSpan.FromSeconds(1.5), TimeProvider.System);
        await using var command = source.CreateCommand("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()");
        return (long)(await command.ExecuteScalarAsync())!;
    }

    private static double Percentile(double[] values, double share) =>
        Math.Round(values.Order().ElementAt((int)Math.Min(values.Length - 1, values.Length * share)), 2);

    private static int ElementAtOrDefault(this IReadOnlyList<int> numbers, int index, int otherwise) =>
        index < numbers.Count ? numbers[index] : otherwise;
}

internal static class Arguments
{
    /// <summary>Numbers, and <c>--data DIR</c> (by default a folder for this run alone).</summary>
    public static (IReadOnlyList<int> Numbers, string Data) Read(string[] arguments)
    {
        var numbers = new List<int>();
        var data = Path.Combine(Path.GetTempPath(), "workflow-bench");
        for (var i = 0; i < arguments.Length; i++)
        {
            if (arguments[i] == "--data" && i + 1 < arguments.Length)
            {
                data = arguments[++i];
            }
            else
            {
                numbers.Add(int.Parse(arguments[i].Replace("_", "", StringComparison.Ordinal), NumberStyles.AllowThousands, CultureInfo.InvariantCulture));
            }
        }

        return (numbers, data);
    }
}
