namespace Workflow.Data.DuckDb;

/// <summary>How a database is opened.</summary>
public sealed record DuckDbSettings
{
    /// <summary>The database file; null is a database in memory. One open handle per file and process.</summary>
    public string? Path { get; init; }

    /// <summary>What the buffer manager may hold before it spills, in DuckDB's notation: <c>512MB</c>, <c>4GB</c>.</summary>
    public string MemoryLimit { get; init; } = "512MB";

    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>Where work that outgrows <see cref="MemoryLimit"/> is spilled; null means it fails instead.</summary>
    public string? TempDirectory { get; init; }

    /// <summary>Off lets a bulk statement finish in less memory by giving up the order of its rows.</summary>
    public bool PreserveInsertionOrder { get; init; } = true;

    internal IEnumerable<(string Name, string Value)> Options()
    {
        yield return ("memory_limit", MemoryLimit);
        yield return ("threads", Threads.ToString());
        yield return ("temp_directory", TempDirectory ?? "");
        yield return ("preserve_insertion_order", PreserveInsertionOrder ? "true" : "false");

        // Extensions would be downloaded at their first mention; what is not in the library is not used.
        yield return ("autoinstall_known_extensions", "false");
        yield return ("autoload_known_extensions", "false");
    }
}
