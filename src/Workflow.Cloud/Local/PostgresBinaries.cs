using System.Text.Json;

namespace Workflow.Cloud.Local;

/// <summary>The PostgreSQL programs among the local parts: initdb, pg_ctl and postgres, no client tools.</summary>
internal sealed record PostgresBinaries(string Folder)
{
    public string InitDb => Path.Combine(Folder, "initdb");

    public string PgCtl => Path.Combine(Folder, "pg_ctl");

    public string Postgres => Path.Combine(Folder, "postgres");

    /// <exception cref="LocalPartMissingException">The package for this platform is not installed.</exception>
    public static PostgresBinaries Find()
    {
        if (OperatingSystem.IsWindows())
        {
            throw new LocalPartMissingException("The embedded PostgreSQL runs on Linux and macOS: on Windows, configure a connection string.");
        }

        var package = LocalParts.FindPackage($"@embedded-postgres/{LocalParts.Platform}");
        LinkLibraries(package);
        return new(Path.Combine(package, "native", "bin"));
    }

    /// <summary>
    /// A package cannot carry symbolic links, and its install script, which would make them, does not run.
    /// Whoever comes second finds them made.
    /// </summary>
    private static void LinkLibraries(string package)
    {
        var list = Path.Combine(package, "native", "pg-symlinks.json");
        if (!File.Exists(list))
        {
            return;
        }

        foreach (var link in JsonSerializer.Deserialize<Link[]>(File.ReadAllText(list), JsonSerializerOptions.Web)!)
        {
            var path = Path.Combine(package, link.Target);
            if (File.Exists(path))
            {
                continue;
            }

            var target = Path.GetRelativePath(Path.GetDirectoryName(path)!, Path.Combine(package, link.Source));
            try
            {
                File.CreateSymbolicLink(path, target);
            }
            catch (IOException) when (File.Exists(path))
            {
                // Another process made it between the look and the leap.
            }
            catch (UnauthorizedAccessException denied)
            {
                throw new InvalidOperationException($"The link {path} is missing and this user may not make it: start once as the owner of the checkout.", denied);
            }
        }
    }

    private sealed record Link(string Source, string Target);
}
