using System.Diagnostics;

namespace Workflow.Cloud.Tests.Local;

/// <summary>Another process that uses the embedded PostgreSQL of a data folder.</summary>
internal sealed class PostgresUser : IDisposable
{
    private readonly Process _process;

    private PostgresUser(Process process) => _process = process;

    public static PostgresUser Start(string dataFolder, string[]? prefix = null, IReadOnlyDictionary<string, string>? environment = null)
    {
        string[] line = [.. prefix ?? [], "dotnet", Path.Combine(AppContext.BaseDirectory, "Workflow.Testing.Process.dll"), dataFolder];
        var start = new ProcessStartInfo(line[0], line[1..])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        return new(Process.Start(start)!);
    }

    public async Task<string> ConnectionStringAsync(CancellationToken cancellation) =>
        await _process.StandardOutput.ReadLineAsync(cancellation)
        ?? throw new InvalidOperationException(await _process.StandardError.ReadToEndAsync(cancellation));

    public async Task<(int ExitCode, string Errors)> LeaveAsync(CancellationToken cancellation)
    {
        _process.StandardInput.Close();
        var errors = await _process.StandardError.ReadToEndAsync(cancellation);
        await _process.WaitForExitAsync(cancellation);
        return (_process.ExitCode, errors);
    }

    public async Task KillAsync(CancellationToken cancellation)
    {
        _process.Kill();
        await _process.WaitForExitAsync(cancellation);
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
    }
}
