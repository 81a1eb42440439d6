using System.Security.Cryptography;
using System.Text;
using Workflow.Cloud.Objects;
using Workflow.Durable;

namespace Workflow.App.Pipelines.CsvToWarehouse;

/// <summary>An object as it was when the run found it.</summary>
/// <param name="ETag">Of the content that the run is about.</param>
/// <param name="Arrival">The run that its arrival asks for.</param>
internal sealed record FoundObject(string Address, long Size, string ETag, string Arrival)
{
    /// <summary>A few characters that stand for this content at this address.</summary>
    public string Tag() => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{Address}\n{ETag}")).AsSpan(0, 4));
}

internal sealed record FindObjectsInput(string Pipeline, string Address);

/// <summary>The one object at an address, or all objects under a prefix.</summary>
internal sealed class FindObjects(ObjectStores stores) : TaskActivity<FindObjectsInput, IReadOnlyList<FoundObject>>
{
    // They must fit into one payload of the history.
    private const int MaxObjects = 2_000;

    public override async Task<IReadOnlyList<FoundObject>> RunAsync(TaskActivityContext context, FindObjectsInput input)
    {
        var address = ObjectAddress.Parse(input.Address);
        var store = stores.For(address);
        if (address.Name.Length > 0)
        {
            return await store.FindAsync(address, context.CancellationToken) is { } info ? [Found(input, info)] : throw new ObjectNotFoundException(address);
        }

        var found = new List<FoundObject>();
        await foreach (var info in store.ListAsync(address, context.CancellationToken))
        {
            found.Add(Found(input, info));
            if (found.Count > MaxObjects)
            {
                throw new NonRetriableException($"There are more than {MaxObjects} objects under {address}. Run it for narrower prefixes.");
            }
        }

        return found;
    }

    private static FoundObject Found(FindObjectsInput input, ObjectInfo info) =>
        new(info.Address.ToString(), info.Size, info.ETag, Runs.InstanceFor(input.Pipeline, info));
}

/// <param name="Area">Where to: <see cref="Areas.Processed"/> or <see cref="Areas.Error"/>.</param>
internal sealed record MoveObjectInput(FoundObject Object, string Area);

/// <summary>Moves an object to an area and returns where it lies then.</summary>
/// <remarks>
/// The copy is whole before the object is deleted, so that a crash leaves one of them, or both; both is what the next attempt begins with.
/// An object that was replaced after the run found it is left where it is: that one has not been loaded and gets a run of its own.
/// </remarks>
internal sealed class MoveObject(ObjectStores stores) : TaskActivity<MoveObjectInput, string>
{
    public override async Task<string> RunAsync(TaskActivityContext context, MoveObjectInput input)
    {
        var cancellation = context.CancellationToken;
        var from = ObjectAddress.Parse(input.Object.Address);
        var to = Areas.In(input.Area, from);
        var store = stores.For(from);
        var there = await store.FindAsync(from, cancellation);
        if (there is null)
        {
            // An attempt before this one has moved it, and its answer was lost.
            var placed = await stores.FindPlacedAsync(to, input.Object.Tag(), cancellation) ?? throw new ObjectNotFoundException(from);
            return placed.ToString();
        }

        if (to == from || there.ETag != input.Object.ETag)
        {
            return from.ToString();
        }

        var moved = await stores.PlaceAsync(() => store.OpenReadAsync(from, cancellation), to, input.Object.Tag(), cancellation);
        if ((await store.FindAsync(from, cancellation))?.ETag == input.Object.ETag)
        {
            await store.DeleteAsync(from, cancellation);
        }

        return moved.ToString();
    }
}
