// A host of the durable runtime as a process of its own, for the tests that kill and freeze some.
// Arguments: connection string, task hub, lease in seconds. Says "ready" once it works, and leaves in good order when its input closes.
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Workflow.Durable;
using Workflow.Durable.Programs;

var (connection, hub, lease) = (args[0], args[1], double.Parse(args[2], CultureInfo.InvariantCulture));
await using var effects = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(connection) { SearchPath = hub });
var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
builder.Logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace).SetMinimumLevel(LogLevel.Error);
builder.Services.AddDurableTask(
    options =>
    {
        options.ConnectionString = connection;
        options.TaskHub = hub;
        options.LeaseDuration = TimeSpan.FromSeconds(lease);
    },
    registry => StepPrograms.Register(registry
        .AddOrchestratorFunc<int, int>("Chain", async (context, steps) =>
        {
            var sum = 0;
            for (var step = 0; step < steps; step++)
            {
                sum += await context.CallActivityAsync<int>("Effect", 1);
            }

            return sum;
        })
        .AddOrchestratorFunc<int, int>("Parent", async (context, steps) =>
            (await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => context.CallSubOrchestratorAsync<int>("Fragile", steps)))).Sum())
        .AddOrchestratorFunc<int, int>("Fragile", async (context, steps) =>
        {
            var sum = 0;
            for (var step = 0; step < steps; step++)
            {
                sum += await context.CallActivityAsync<int>(step == steps / 2 ? "Breakable" : "Effect", 1);
            }

            return sum;
        })
        .AddActivityFunc<int, int>("Effect", EffectAsync)
        .AddActivityFunc<int, int>("Breakable", async (context, value) =>
        {
            await using var broken = effects.CreateCommand("SELECT EXISTS (SELECT FROM broken)");
            return (bool)(await broken.ExecuteScalarAsync(context.CancellationToken))! ? throw new IOException("broken") : await EffectAsync(context, value);
        })));
using var host = builder.Build();
await host.StartAsync();
Console.WriteLine("ready");
await Console.In.ReadToEndAsync();
await host.StopAsync();

async Task<int> EffectAsync(TaskActivityContext context, int value)
{
    await using var insert = effects.CreateCommand("INSERT INTO effects (step, process) VALUES ($1, $2)");
    insert.Parameters.Add(new NpgsqlParameter { Value = context.IdempotencyKey });
    insert.Parameters.Add(new NpgsqlParameter { Value = Environment.ProcessId });
    await insert.ExecuteNonQueryAsync(context.CancellationToken);
    await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, context.CancellationToken);
    return value;
}
