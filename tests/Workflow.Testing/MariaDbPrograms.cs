using Workflow.Cloud.Local;

namespace Workflow.Testing;

/// <summary>MariaDB's server: the one in the local parts, or the machine's own.</summary>
/// <param name="Folder">Where <c>sbin</c> and <c>share</c> are.</param>
/// <param name="Libraries">Folders of libraries that the machine may lack, for the loader.</param>
internal sealed record MariaDbPrograms(string Folder, string Libraries)
{
    public string Server => Path.Combine(Folder, "sbin", "mariadbd");

    public string Share => Path.Combine(Folder, "share", "mysql");

    /// <exception cref="LocalPartMissingException">Neither is there.</exception>
    public static MariaDbPrograms Find()
    {
        var unpacked = Path.Combine(LocalParts.Folder, "mariadb");
        var found = new[] { new MariaDbPrograms(Path.Combine(unpacked, "usr"), LibrariesIn(unpacked)), new MariaDbPrograms("/usr", "") }.FirstOrDefault(programs => File.Exists(programs.Server));
        return found ?? throw new LocalPartMissingException($"MariaDB is neither in {unpacked} nor in /usr/sbin: ./test fetches it where there is apt; elsewhere install its server.");
    }

    /// <summary>A script for <c>--bootstrap</c>, which takes one statement per line or up to a semicolon at a line's end.</summary>
    public Task<string> ReadScriptAsync(string name, CancellationToken cancellation) => File.ReadAllTextAsync(Path.Combine(Share, name), cancellation);

    private static string LibrariesIn(string root) => string.Join(':', new[] { "usr/lib", "lib" }
        .Select(folder => Path.Combine(root, folder))
        .Where(Directory.Exists)
        .SelectMany(folder => Directory.GetDirectories(folder, "*-linux-*")));
}
