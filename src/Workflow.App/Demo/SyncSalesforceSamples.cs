using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Workflow.Cloud.Local;

namespace Workflow.App.Demo;

/// <summary>
/// Segments of users, with their addresses, and contacts in the stand-in for Salesforce: some with the segment already, some twice, some
/// that cannot be updated now, and some users without any. The customers of segment-customers are contacts, too.
/// </summary>
internal static class SyncSalesforceSamples
{
    private const int Customers = 2_000;
    private const int FirstUser = 5_001;
    private const int LastUser = 5_400;
    private const int Twins = 100_000;

    public static async Task<IReadOnlyList<SampleRun>> PrepareAsync(SampleTarget target, CancellationToken cancellation)
    {
        var salesforce = new LocalSalesforce(target.Data.Path, TimeProvider.System);
        var there = (await salesforce.ReadContactsAsync(cancellation)).Select(contact => contact.Id).ToHashSet(StringComparer.Ordinal);
        await salesforce.PutContactsAsync([.. Contacts().Where(contact => !there.Contains(contact.Id))], cancellation);
        var address = await target.WriteAsync("local://segments/predictions/csv/samples/segments.csv", Segments(), cancellation);
        return [new("sync-salesforce", new JsonObject { ["object"] = address })];
    }

    private static IEnumerable<LocalContact> Contacts()
    {
        foreach (var id in Enumerable.Range(1, Customers))
        {
            yield return LocalContact.Create(id, Email(id));
        }

        foreach (var id in Enumerable.Range(FirstUser, LastUser - FirstUser + 1).Where(id => id % 10 != 0))
        {
            var contact = LocalContact.Create(id, Email(id).ToUpperInvariant(), id % 7 == 0 ? Segment(id) : null);
            yield return id % 97 == 0 ? contact with { Refusal = "UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record:--" } : contact;
        }

        foreach (var id in Enumerable.Range(FirstUser, LastUser - FirstUser + 1).Where(id => id % 50 == 1))
        {
            yield return LocalContact.Create(Twins + id, Email(id), "0");
        }
    }

    private static byte[] Segments()
    {
        var csv = new StringBuilder("user_id,segment,distance,email\n");
        foreach (var id in Enumerable.Range(FirstUser, LastUser - FirstUser + 1))
        {
            csv.Append(CultureInfo.InvariantCulture, $"{id},{(id % 131 == 0 ? "" : Segment(id))},{id * 37 % 400 / 100m:0.00},{Email(id)}\n");
        }

        return Encoding.UTF8.GetBytes(csv.ToString());
    }

    private static string Segment(int id) => $"{1 + (id * 31 % 5)}";

    private static string Email(int id) => $"{SampleNames.Of(id)}.{id}@example.com";
}
