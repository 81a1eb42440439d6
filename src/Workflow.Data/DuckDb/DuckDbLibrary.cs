using System.Runtime.InteropServices;
using Workflow.Cloud.Local;

namespace Workflow.Data.DuckDb;

/// <summary>Finds <c>libduckdb</c>: beside the program, else among the local parts.</summary>
internal static class DuckDbLibrary
{
    public const string Name = "duckdb";

    public static void Register() => NativeLibrary.SetDllImportResolver(
        typeof(DuckDbLibrary).Assembly,
        (name, _, _) => name == Name ? NativeLibrary.Load(Find(AppContext.BaseDirectory, LocalParts.Platform)) : 0);

    /// <exception cref="LocalPartMissingException">The package for this platform is not installed; the message says how to get it.</exception>
    internal static string Find(string programFolder, string platform)
    {
        var file = OperatingSystem.IsMacOS() ? "libduckdb.dylib" : OperatingSystem.IsWindows() ? "duckdb.dll" : "libduckdb.so";
        var beside = Path.Combine(programFolder, file);
        return File.Exists(beside) ? beside : Path.Combine(LocalParts.FindPackage($"@duckdb/node-bindings-{platform.Replace("windows", "win32")}"), file);
    }
}
