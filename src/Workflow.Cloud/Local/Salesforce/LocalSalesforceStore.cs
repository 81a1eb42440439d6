using System.Text;
using System.Text.Json;

namespace Workflow.Cloud.Local;

/// <summary>
/// What the stand-in for Salesforce keeps, in the data folder: contacts, jobs, uploads, results and the count of requests. Used under
/// <see cref="LockAsync"/>, one holder at a time among all processes that share the folder.
/// </summary>
internal sealed class LocalSalesforceStore
{
    private const long DefaultMax = 15_000;

    private readonly string _folder;
    private readonly TimeProvider _time;

    public LocalSalesforceStore(string dataFolder, TimeProvider time)
    {
        _folder = Path.Combine(dataFolder, "salesforce");
        _time = time;
        Directory.CreateDirectory(Path.Combine(_folder, "jobs"));
    }

    public async Task<IDisposable> LockAsync(CancellationToken cancellation) => await FileLock.TakeAsync(Path.Combine(_folder, "lock"), _time, cancellation);

    public List<LocalContact> Contacts() => Read<List<LocalContact>>("contacts.json") ?? [];

    public void Keep(IReadOnlyList<LocalContact> contacts) => Write("contacts.json", contacts);

    public LocalSalesforceUsage Usage() => Read<LocalSalesforceUsage>("usage.json") ?? new(0, DefaultMax);

    public void Keep(LocalSalesforceUsage usage) => Write("usage.json", usage);

    /// <summary>All jobs in the order they were made.</summary>
    public IReadOnlyList<LocalSalesforceJob> Jobs() =>
        [.. Directory.EnumerateFiles(Path.Combine(_folder, "jobs"), "*.json").Order(StringComparer.Ordinal).Select(file => Read<LocalSalesforceJob>(Path.Combine("jobs", Path.GetFileName(file)))!)];

    public LocalSalesforceJob? FindJob(string id) => id.All(char.IsAsciiLetterOrDigit) ? Read<LocalSalesforceJob>(Path.Combine("jobs", $"{id}.json")) : null;

    public void Keep(LocalSalesforceJob job) => Write(Path.Combine("jobs", $"{job.Id}.json"), job);

    /// <summary>A job's upload or one of its results.</summary>
    public string FileOf(LocalSalesforceJob job, string what) => Path.Combine(_folder, "jobs", $"{job.Id}.{what}.csv");

    /// <summary>The name of a file that is not yet a job's.</summary>
    public string NewFile() => Path.Combine(_folder, $"{Guid.NewGuid():N}.upload");

    private T? Read<T>(string name) where T : class
    {
        var path = Path.Combine(_folder, name);
        return File.Exists(path) ? JsonSerializer.Deserialize<T>(File.ReadAllBytes(path), JsonSerializerOptions.Web) : null;
    }

    private void Write<T>(string name, T content)
    {
        // Whole or not at all: this process may be killed.
        var path = Path.Combine(_folder, name);
        File.WriteAllText(path + ".new", JsonSerializer.Serialize(content, JsonSerializerOptions.Web), new UTF8Encoding(false));
        File.Move(path + ".new", path, overwrite: true);
    }
}

/// <summary>API requests of the stand-in for Salesforce.</summary>
public sealed record LocalSalesforceUsage(long Used, long Max);
