using System.Text;

namespace Workflow.Durable.Store;

/// <summary>
/// What processes on one hub call to each other: who calls, whether there is work that nobody holds, and which instances ended.
/// A call may be lost; whoever waits also looks by himself now and then.
/// </summary>
internal static class Call
{
    /// <summary>No process: each takes the call for another's.</summary>
    public const string Nobody = "";

    private const int MaxBytes = 7900;  // PostgreSQL carries up to 8,000

    /// <summary>Null when there is nothing that another process could be waiting for.</summary>
    public static string? For(string process, bool leavesWork, string[] ended)
    {
        if (ended.Length == 0 && !leavesWork)
        {
            return null;
        }

        var call = $"{process}\n{leavesWork}\n{string.Join('\n', ended)}";
        return Encoding.UTF8.GetByteCount(call) <= MaxBytes ? call : $"{process}\n{leavesWork}\n*";
    }

    /// <summary>Ended is null when it is not known which.</summary>
    public static (string Process, bool LeavesWork, IReadOnlySet<string>? Ended) Read(string call)
    {
        var lines = call.Split('\n');
        return lines.Length < 3
            ? ("", true, null)
            : (lines[0], lines[1] == bool.TrueString, lines[2] == "*" ? null : lines[2..].Where(id => id.Length > 0).ToHashSet());
    }
}
