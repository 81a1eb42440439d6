using System.Runtime.InteropServices;

namespace Workflow.Cloud.Local;

/// <summary>
/// The local parts: what the embedded default runs, pinned in <c>infra/local</c> and restored by <c>npm ci</c>.
/// </summary>
public static class LocalParts
{
    /// <summary>Names the folder of the local parts where the program does not run from a checkout.</summary>
    public const string Variable = "WORKFLOW_LOCAL_PARTS";

    /// <summary>The folder that holds <c>node_modules</c> with the local parts.</summary>
    /// <exception cref="LocalPartMissingException">Neither the variable nor a checkout says where.</exception>
    public static string Folder =>
        Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } folder
            ? folder
            : FindAbove(AppContext.BaseDirectory) ?? throw new LocalPartMissingException(
                $"There is no infra/local above {AppContext.BaseDirectory}: set {Variable} to the folder in which npm ci put the local parts.");

    /// <summary>The folder of one package.</summary>
    /// <exception cref="LocalPartMissingException">The package is not installed.</exception>
    public static string FindPackage(string name)
    {
        var package = Path.Combine([Folder, "node_modules", .. name.Split('/')]);
        return Directory.Exists(package)
            ? package
            : throw new LocalPartMissingException($"The local part {name} is not installed in {Folder}: run npm ci --prefix infra/local in the checkout.");
    }

    /// <summary>This machine as npm packages name it: <c>linux-x64</c>, <c>darwin-arm64</c>.</summary>
    public static string Platform
    {
        get
        {
            var system = OperatingSystem.IsLinux() ? "linux" : OperatingSystem.IsMacOS() ? "darwin" : "windows";
#pragma warning disable CA1308 // npm names its platforms in lower case
            return $"{system}-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";
#pragma warning restore CA1308
        }
    }

    private static string? FindAbove(string start)
    {
        for (var folder = new DirectoryInfo(start); folder is not null; folder = folder.Parent)
        {
            var parts = Path.Combine(folder.FullName, "infra", "local");
            if (File.Exists(Path.Combine(parts, "package.json")))
            {
                return parts;
            }
        }

        return null;
    }
}

/// <summary>A local part is not on this machine; the message says which and how to get it.</summary>
public sealed class LocalPartMissingException(string message) : Exception(message);
