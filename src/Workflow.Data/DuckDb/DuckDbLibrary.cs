using System.Reflection;
using System.Runtime.InteropServices;

namespace Workflow.Data.DuckDb;

/// <summary>Finds <c>libduckdb</c>: beside the program, else among the local parts of the checkout the program runs from.</summary>
internal static class DuckDbLibrary
{
    public const string Name = "duckdb";

    private const string LocalParts = "infra/local";

    public static void Register() =>
        NativeLibrary.SetDllImportResolver(typeof(DuckDbLibrary).Assembly, Resolve);

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath) =>
        name == Name ? NativeLibrary.Load(Find(AppContext.BaseDirectory)) : 0;

    internal static string Find(string from)
    {
        var (package, file) = PackageAndFile();
        var beside = Path.Combine(from, file);
        if (File.Exists(beside))
        {
            return beside;
        }

        for (var directory = new DirectoryInfo(from); directory is not null; directory = directory.Parent)
        {
            var installed = Path.Combine(directory.FullName, LocalParts, "node_modules", "@duckdb", package, file);
            if (File.Exists(installed))
            {
                return installed;
            }
        }

        throw new DllNotFoundException(
            $"{file} is neither beside the program ({from}) nor in {LocalParts}/node_modules/@duckdb/{package} of a folder above it. " +
            $"Run `npm ci` in {LocalParts}, or put {file} beside the program.");
    }

    private static (string Package, string File) PackageAndFile()
    {
        var architecture = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "arm64" : "x64";
        return OperatingSystem.IsMacOS() ? ($"node-bindings-darwin-{architecture}", "libduckdb.dylib")
            : OperatingSystem.IsWindows() ? ($"node-bindings-win32-{architecture}", "duckdb.dll")
            : ($"node-bindings-linux-{architecture}", "libduckdb.so");
    }
}
