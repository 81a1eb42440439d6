using System.Runtime.CompilerServices;
using System.Text.Json;
using Workflow.App.Bookmarks;
using Workflow.App.Hosting;
using Workflow.Cloud.Objects;
using Workflow.Data.Operations;
using Workflow.Durable;

namespace Workflow.App.Pipelines.OperationsToDynamoDb;

/// <summary>One run, and the names that it gives.</summary>
/// <param name="Id">Nobody else's, not even that of a later run that takes over the instance id.</param>
internal sealed record OperationsRun(OperationsToDynamoDbInput Settings, string Pipeline, string Instance, string Id, DateTime StartedAt)
{
    private ObjectAddress Landing => ObjectAddress.Parse(Settings.Object!);

    public ObjectAddress StagingAddress()
    {
        var staging = ObjectAddress.Parse(Settings.Staging);
        return staging.WithKey($"{staging.Key}{Id}/");
    }

    public ObjectAddress RecordsAddress(OperationsObject file) => InStaging($"records/{file.Tag()}.parquet");

    public ObjectAddress ItemsAddress() => InStaging("items.parquet");

    /// <summary>For lines that are refused for what other lines say.</summary>
    public ObjectAddress QuarantineAddress() => Areas.In(Areas.Quarantine, Landing.WithKey($"{Landing.Key[..^Landing.Name.Length]}{Id}.csv"));

    /// <summary>The day of the run in the zone of the settings.</summary>
    public string Day() => Local().ToString("yyyy-MM-dd");

    /// <summary>The run as a version of the catalog's table: its start in the zone of the settings, and what tells it from others that start at once.</summary>
    public string Version() => Runs.InstanceFor(Local().ToString("yyyyMMddHHmmss"), Id);

    private ObjectAddress InStaging(string name) => StagingAddress() is var staging ? staging.WithKey(staging.Key + name) : staging;

    private DateTime Local() => TimeZoneInfo.ConvertTimeFromUtc(DateTime.SpecifyKind(StartedAt, DateTimeKind.Utc), TimeZoneInfo.FindSystemTimeZoneById(Settings.TimeZone));
}

/// <param name="NotTaken">Files that are processed already, or in the hand of another run.</param>
internal sealed record TakenOperations(IReadOnlyList<OperationsObject> Files, int NotTaken);

/// <summary>Takes the file, or those under the prefix, that are not processed yet. A run takes the same again.</summary>
internal sealed class TakeOperations(ObjectStores stores, BookmarkTable bookmarks) : TaskActivity<OperationsRun, TakenOperations>
{
    private const int AskedAtOnce = 500;

    // Of JSON: the files go through history together, which takes twice as much.
    private const int MostBytes = JsonDataConverter.MaxPayloadBytes / 2;

    public override async Task<TakenOperations> RunAsync(TaskActivityContext context, OperationsRun input)
    {
        var (taken, asked, bytes, part) = (new List<OperationsObject>(), 0, 0, new List<ObjectInfo>());
        await foreach (var found in FindAsync(ObjectAddress.Parse(input.Settings.Object!), context.CancellationToken))
        {
            if (IsFull(found))
            {
                await TakeAsync();
                if (IsFull(found))
                {
                    break;
                }
            }

            part.Add(found);
            bytes += Bytes(found);
        }

        await TakeAsync();
        return new(taken, asked - taken.Count);

        bool IsFull(ObjectInfo next) => part.Count == Math.Min(AskedAtOnce, input.Settings.MaxFiles - taken.Count) || bytes + Bytes(next) > MostBytes;

        async Task TakeAsync()
        {
            var ours = await bookmarks.TakeAsync(input.Pipeline, input.Instance, part, context.CancellationToken);
            taken.AddRange(ours.Select(Describe));
            asked += part.Count;
            bytes -= part.Except(ours).Sum(Bytes);
            part.Clear();
        }
    }

    private static OperationsObject Describe(ObjectInfo found) => new(found.Address.ToString(), found.ETag);

    private static int Bytes(ObjectInfo found) => JsonSerializer.SerializeToUtf8Bytes(Describe(found), JsonDataConverter.Options).Length + 1;

    private IAsyncEnumerable<ObjectInfo> FindAsync(ObjectAddress address, CancellationToken cancellation)
    {
        var store = stores.For(address);
        return address.Name.Length > 0
            ? FindOneAsync(store, address, cancellation).Where(found => IsWaiting(found.Address.Key))
            : store.ListAsync(address, cancellation).Where(found => IsWaiting(found.Address.Key[address.Key.Length..]));
    }

    private static async IAsyncEnumerable<ObjectInfo> FindOneAsync(IObjectStore store, ObjectAddress address, [EnumeratorCancellation] CancellationToken cancellation)
    {
        yield return await store.FindAsync(address, cancellation) ?? throw new ObjectNotFoundException(address);
    }

    /// <summary>What lies in an area for what is done or refused does not wait.</summary>
    /// <param name="path">Of a prefix: what is below it; whoever names such an area as the prefix means what lies there.</param>
    private static bool IsWaiting(string path) =>
        !path.Split('/')[..^1].Any(segment => segment is OperationsObject.Done or Areas.Quarantine or Areas.Error);
}

internal sealed record OperationsStep(OperationsRun Run, OperationsObject File);

internal sealed record ParsedOperations(OperationsObject File, long Lines, long Refused, string? QuarantineObject);

/// <summary>Checks the lines of a file. What it writes has names of its own, so that doing it again replaces it by the same.</summary>
internal sealed class ParseOperations(ObjectStores stores, Scratch scratch) : TaskActivity<OperationsStep, ParsedOperations>
{
    public override async Task<ParsedOperations> RunAsync(TaskActivityContext context, OperationsStep input)
    {
        var cancellation = context.CancellationToken;
        using var folder = scratch.CreateFolder();
        var file = await stores.FetchAsync(input.File, folder, cancellation);
        var (records, refused) = (folder.File("records.parquet"), folder.File("refused.csv"));
        var counts = await Task.Run(() => OperationFile.Parse(file, input.File.Address, records, refused, folder.File("spill"), cancellation), cancellation);
        await stores.UploadAsync(records, input.Run.RecordsAddress(input.File), WriteCondition.Always, cancellation);
        var quarantine = counts.Refused == 0 ? null : await stores.PlaceAsync(
            () => Task.FromResult<Stream>(File.OpenRead(refused)), Areas.In(Areas.Quarantine, ObjectAddress.Parse(input.File.Address)), input.File.Tag(), cancellation);
        return new(input.File, counts.Lines, counts.Refused, quarantine?.ToString());
    }
}

/// <summary>
/// Puts a file that is loaded aside, and its records into the archive of the day; then marks it as processed, and then removes it from
/// where it landed. A crash in between leaves a copy too many, which the next attempt finds.
/// </summary>
internal sealed class FinishOperations(ObjectStores stores, BookmarkTable bookmarks, Scratch scratch) : TaskActivity<OperationsStep, string>
{
    public override async Task<string> RunAsync(TaskActivityContext context, OperationsStep input)
    {
        var (cancellation, file, run) = (context.CancellationToken, input.File, input.Run);
        var from = ObjectAddress.Parse(file.Address);
        var store = stores.For(from);
        if ((await store.FindAsync(from, cancellation))?.ETag != file.ETag)
        {
            // An attempt before this one has removed it, or another has come in its place, which is no business of this run.
            var placed = await stores.FindPlacedAsync(file.DoneAddress(day: null), file.Tag(), cancellation);
            await bookmarks.SetAsync(run.Pipeline, run.Instance, file.Address, file.ETag, placed?.ToString(), cancellation);
            return placed?.ToString() ?? file.Address;
        }

        var moved = await CopyAsync(input, cancellation);
        await bookmarks.SetAsync(run.Pipeline, run.Instance, file.Address, file.ETag, moved, cancellation);
        if ((await store.FindAsync(from, cancellation))?.ETag == file.ETag)
        {
            await store.DeleteAsync(from, cancellation);
        }

        return moved;
    }

    private async Task<string> CopyAsync(OperationsStep input, CancellationToken cancellation)
    {
        using var folder = scratch.CreateFolder();
        var file = await stores.FetchAsync(input.File, folder, cancellation);
        var archive = folder.File("archive.txt");
        await using (var output = File.Create(archive))
        {
            OperationFile.Archive(file, output, cancellation);
        }

        await PlaceAsync(archive, input.Run.Day());
        return await PlaceAsync(file, day: null);

        async Task<string> PlaceAsync(string content, string? day) =>
            (await stores.PlaceAsync(() => Task.FromResult<Stream>(File.OpenRead(content)), input.File.DoneAddress(day), input.File.Tag(), cancellation)).ToString();
    }
}

/// <summary>Removes what a run has left between its steps.</summary>
internal sealed class RemoveStagedOperations(ObjectStores stores) : TaskActivity<OperationsRun, bool>
{
    public override async Task<bool> RunAsync(TaskActivityContext context, OperationsRun input)
    {
        var staging = input.StagingAddress();
        var store = stores.For(staging);
        await foreach (var left in store.ListAsync(staging, context.CancellationToken))
        {
            await store.DeleteAsync(left.Address, context.CancellationToken);
        }

        return true;
    }
}

internal static class OperationsObjects
{
    /// <summary>Fetches the content that the run is about.</summary>
    public static async Task<string> FetchAsync(this ObjectStores stores, OperationsObject wanted, ScratchFolder folder, CancellationToken cancellation)
    {
        var address = ObjectAddress.Parse(wanted.Address);
        var file = folder.File("in", address.Name);
        await stores.DownloadAsync(address, file, cancellation);
        return (await stores.For(address).FindAsync(address, cancellation))?.ETag == wanted.ETag
            ? file
            : throw new NonRetriableException($"{address} was replaced while it was being read. The next run takes the new one.");
    }
}
