using System.Diagnostics;
using System.Text;
using Workflow.App.Hosting;
using Workflow.Testing;

namespace Workflow.App.Tests;

/// <summary>What a run of the program left behind.</summary>
internal sealed record ProcessResult(int ExitCode, string Output, string Errors);

/// <summary>The program as users start it, in a process of its own.</summary>
internal sealed class WorkflowProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _errors = new();

    private WorkflowProcess(IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "workflow.dll"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetTempPath(),
        };
        // What other tests have told this process of AWS is none of the program's business.
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("AWS_", StringComparison.Ordinal)).ToList())
        {
            start.Environment.Remove(name);
        }

        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        _process = new() { StartInfo = start };
        _process.OutputDataReceived += (_, line) => _output.AppendLine(line.Data);
        _process.ErrorDataReceived += (_, line) => _errors.AppendLine(line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public bool HasExited => _process.HasExited;

    /// <summary>Runs a command to its end.</summary>
    public static async Task<ProcessResult> RunAsync(Installation installation, params string[] arguments)
    {
        await using var process = new WorkflowProcess([.. arguments, "--data", installation.Data.Path], null);
        return await process.WaitAsync();
    }

    /// <summary>Starts <c>workflow serve</c> and waits until it answers.</summary>
    public static async Task<WorkflowProcess> ServeAsync(Installation installation, IReadOnlyDictionary<string, string>? environment = null)
    {
        var process = Serve(installation, environment);
        return await process.FindAddressAsync(installation, TestContext.Current.CancellationToken) is null
            ? throw new InvalidOperationException($"The service ended before it answered:\n{process._errors}")
            : process;
    }

    /// <summary>Starts <c>workflow serve</c>.</summary>
    public static WorkflowProcess Serve(Installation installation, IReadOnlyDictionary<string, string>? environment = null) =>
        new(["serve", "--data", installation.Data.Path, "--urls", "http://127.0.0.1:0"], environment);

    /// <summary>Starts a command.</summary>
    public static WorkflowProcess Start(IEnumerable<string> arguments, IReadOnlyDictionary<string, string> environment) => new(arguments, environment);

    /// <summary>Where the service answers, once it does; null when it ended before.</summary>
    public async Task<Uri?> FindAddressAsync(Installation installation, CancellationToken cancellation)
    {
        ServiceRecord? record = null;
        await Eventually.TrueAsync(
            async () => _process.HasExited || (record = await ServiceRecord.FindAsync(installation.Data, cancellation))?.ProcessId == _process.Id,
            TimeSpan.FromSeconds(60));
        return _process.HasExited ? null : record!.Address;
    }

    public async Task<ProcessResult> WaitAsync()
    {
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return new(_process.ExitCode, _output.ToString(), _errors.ToString());
    }

    /// <summary>kill -TERM.</summary>
    public void Terminate()
    {
        using var kill = Process.Start("kill", ["-TERM", $"{_process.Id}"]);
        kill.WaitForExit();
    }

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            await KillAsync();
        }

        // Shown where the test has failed.
        TestContext.Current.TestOutputHelper?.WriteLine($"{_process.StartInfo.ArgumentList[1]}:\n{_output}{_errors}");
        _process.Dispose();
    }
}
