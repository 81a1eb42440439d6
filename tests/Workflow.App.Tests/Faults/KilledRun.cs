using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using Workflow.App.Api;
using Workflow.App.Commands;
using Workflow.App.Hosting;
using Workflow.Testing;

namespace Workflow.App.Tests.Faults;

/// <summary>A run whose process was killed after each of its activities, and what came of it.</summary>
/// <param name="Kills">The activities after which it was killed: <c>instance/step activity:Name</c>.</param>
internal sealed record KilledRun(Run Run, IReadOnlyList<string> Kills)
{
    private const string Instance = "killed";
    private const int KilledBySignal9 = 128 + 9;
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(3);

    /// <summary>
    /// Runs a pipeline in the real program, which is killed with SIGKILL each time an activity has done its work for the first time and
    /// its result is not recorded yet, and started again until the run has ended. All records of states are one to it.
    /// </summary>
    /// <param name="recordsToo">Kill it after each record of a state: for those who test just that.</param>
    public static async Task<KilledRun> CompleteAsync(Installation installation, string pipeline, object input, bool recordsToo = false)
    {
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        enough.CancelAfter(Deadline);
        var seen = Path.Combine(installation.Data.Path, "killed-after");
        var environment = new Dictionary<string, string>
        {
            ["DOTNET_STARTUP_HOOKS"] = typeof(KilledRun).Assembly.Location,
            [KillAfterEachActivity.SeenIn] = seen,
        };
        if (recordsToo)
        {
            environment[KillAfterEachActivity.RecordsToo] = "yes";
        }

        installation.WriteSettings();
        while (true)
        {
            await using var service = WorkflowProcess.Serve(installation, environment);
            if (await EndAsync(installation, service, pipeline, input, enough.Token) is { } run)
            {
                return new(run, File.Exists(seen) ? await File.ReadAllLinesAsync(seen, enough.Token) : []);
            }

            var ended = await service.WaitAsync();
            Assert.True(ended.ExitCode == KilledBySignal9, $"The service ended by itself with {ended.ExitCode}:\n{ended.Errors}");
        }
    }

    /// <returns>The run when it has ended, or null when the process was killed before.</returns>
    private static async Task<Run?> EndAsync(Installation installation, WorkflowProcess service, string pipeline, object input, CancellationToken cancellation)
    {
        if (await service.FindAddressAsync(installation, cancellation) is not { } address)
        {
            return null;
        }

        using var client = installation.CreateClient(address);
        try
        {
            // The same start every time: after a kill it finds the run that goes on.
            await client.StartAsync(pipeline, (JsonObject)JsonSerializer.SerializeToNode(input)!, Instance, cancellation);
            return await client.WaitAsync(Instance, cancellation);
        }
        catch (Exception cut) when (cut is HttpRequestException or IOException or SocketException or ServiceException { IsUsage: false })
        {
            await service.WaitAsync();
            return null;
        }
    }
}
