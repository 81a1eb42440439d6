using System.Diagnostics;
using System.Globalization;
using Workflow.Durable.Tests.Hosting;

namespace Workflow.Durable.Tests.Faults;

/// <summary>A host of the runtime in a process of its own.</summary>
internal sealed class HostProcess : IDisposable
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(120);

    private readonly Process _process;

    private HostProcess(Process process) => _process = process;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<HostProcess> StartAsync(TestHub hub, double leaseSeconds = 15)
    {
        var program = Path.Combine(AppContext.BaseDirectory, "Workflow.Durable.Process.dll");
        var start = new ProcessStartInfo("dotnet", [program, hub.ConnectionString, hub.Name, leaseSeconds.ToString(CultureInfo.InvariantCulture)])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        var host = new HostProcess(Process.Start(start)!);
        Assert.Equal("ready", await host._process.StandardOutput.ReadLineAsync(Cancellation).AsTask().WaitAsync(s_deadline, TimeProvider.System, Cancellation));
        return host;
    }

    public void Kill()
    {
        _process.Kill();  // SIGKILL
        _process.WaitForExit();
    }

    /// <summary>As on Ctrl-C.</summary>
    public async Task StopAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync(Cancellation).WaitAsync(s_deadline, TimeProvider.System, Cancellation);
        Assert.Equal(0, _process.ExitCode);
    }

    public void Signal(string name)
    {
        using var kill = Process.Start("kill", [$"-{name}", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
        Assert.Equal(0, kill.ExitCode);
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Kill();
        }

        _process.Dispose();
    }
}
