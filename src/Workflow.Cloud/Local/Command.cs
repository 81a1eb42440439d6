using System.ComponentModel;
using System.Diagnostics;

namespace Workflow.Cloud.Local;

/// <summary>One run of a program to its end.</summary>
/// <param name="Output">What it wrote to both streams, trimmed.</param>
internal sealed record CommandResult(int ExitCode, string Output)
{
    public bool Succeeded => ExitCode == 0;
}

internal static class Command
{
    private const int NotFound = 127;

    /// <summary>Runs a program with a neutral locale and without the PG* variables of the caller's shell.</summary>
    /// <returns>Exit code 127 where the program is not on this machine, as a shell would.</returns>
    public static async Task<CommandResult> RunAsync(IEnumerable<string> line, string input, CancellationToken cancellation)
    {
        var words = line.ToArray();
        var start = new ProcessStartInfo(words[0], words[1..])
        {
            // The caller's folder may be closed to the user the program runs as.
            WorkingDirectory = "/",
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("PG", StringComparison.Ordinal)).ToArray())
        {
            start.Environment.Remove(name);
        }

        start.Environment["LC_ALL"] = "C";

        using var process = new Process { StartInfo = start };
        try
        {
            process.Start();
        }
        catch (Win32Exception absent)
        {
            return new(NotFound, absent.Message);
        }

        try
        {
            var output = process.StandardOutput.ReadToEndAsync(cancellation);
            var errors = process.StandardError.ReadToEndAsync(cancellation);
            await WriteInputAsync(process, input);
            var text = await output + await errors;
            await process.WaitForExitAsync(cancellation);
            return new(process.ExitCode, text.Trim());
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw;
        }
    }

    private static async Task WriteInputAsync(Process process, string input)
    {
        try
        {
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended without reading; its exit code says why.
        }
    }
}
