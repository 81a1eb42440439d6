using System.Security.Cryptography;
using System.Text.Json;
using Workflow.App.Api.Access;

namespace Workflow.App.Hosting;

/// <summary>
/// Who serves a data folder, as <c>service.json</c> says. Where several do, it is the one that started last;
/// they share the database, so any of them will do.
/// </summary>
/// <param name="Id">New at each start: an address or a process id may have gone to somebody else since.</param>
internal sealed record ServiceRecord(Uri Address, int ProcessId, string Id)
{
    private const int NonceDigits = 32;
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(5);

    public async Task WriteAsync(DataFolder data, CancellationToken cancellation)
    {
        var whole = $"{data.ServiceFile}.{Id}";
        await File.WriteAllTextAsync(whole, JsonSerializer.Serialize(this, JsonSerializerOptions.Web), cancellation);
        File.Move(whole, data.ServiceFile, overwrite: true);
    }

    public void Remove(DataFolder data)
    {
        if (Read(data) is { } current && current.Id == Id)
        {
            File.Delete(data.ServiceFile);
        }
    }

    /// <summary>The service that answers now, or null: a record left behind by a killed process counts for nothing.</summary>
    public static async Task<ServiceRecord?> FindAsync(DataFolder data, CancellationToken cancellation)
    {
        if (Read(data) is not { } record)
        {
            return null;
        }

        // An address may have gone to somebody else of this machine, who knows the id from before: no key goes to one who does not know it already.
        var (key, nonce) = (LocalKey.Find(data).Key, RandomNumberGenerator.GetHexString(NonceDigits));
        using var http = new HttpClient { BaseAddress = record.Address, Timeout = AnswerWithin };
        try
        {
            var live = await http.GetFromJsonAsync<Liveness>($"health/live?nonce={nonce}", cancellation);
            return live?.Service == record.Id && (key is null || live.Proof == key.Prove(nonce)) ? record : null;
        }
        catch (Exception silent) when (silent is HttpRequestException or JsonException || (silent is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            return null;
        }
    }

    private static ServiceRecord? Read(DataFolder data)
    {
        try
        {
            return JsonSerializer.Deserialize<ServiceRecord>(File.ReadAllText(data.ServiceFile), JsonSerializerOptions.Web);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }
}

/// <summary>What <c>/health/live</c> answers.</summary>
/// <param name="Service">The id of the service's record.</param>
/// <param name="Proof">That it knows the key of the data folder, for who sent a nonce.</param>
internal sealed record Liveness(string Status, string Service, string? Proof);
