using System.Security.Cryptography;
using Workflow.Cloud.Objects;

namespace Workflow.App.Pipelines;

/// <summary>
/// Puts an object where it belongs without ever replacing another: a name that is taken by other content gets a tag.
/// Doing it again, after a crash at any point, ends at the same address.
/// </summary>
internal static class Placing
{
    /// <param name="tag">The same for the same content; short.</param>
    /// <returns>Where the content lies now.</returns>
    public static async Task<ObjectAddress> PlaceAsync(
        this ObjectStores stores, Func<Task<Stream>> open, ObjectAddress wanted, string tag, CancellationToken cancellation)
    {
        for (var time = 0; ; time++)
        {
            var address = Tagged(wanted, tag, time);
            await using var content = await open();
            try
            {
                await stores.For(address).WriteAsync(address, content, WriteCondition.IfAbsent, cancellation);
                return address;
            }
            catch (ObjectExistsException)
            {
                if (await IsSameAsync(stores, open, address, cancellation))
                {
                    return address;
                }
            }
        }
    }

    /// <summary>Where content that was placed is found again when only its tag is known.</summary>
    public static async Task<ObjectAddress?> FindPlacedAsync(this ObjectStores stores, ObjectAddress wanted, string tag, CancellationToken cancellation)
    {
        // The tagged name first: it can be nobody else's.
        foreach (var address in new[] { Tagged(wanted, tag, 1), wanted })
        {
            if (await stores.For(address).FindAsync(address, cancellation) is not null)
            {
                return address;
            }
        }

        return null;
    }

    /// <summary><c>a/x.csv</c>, then <c>a/x.1f3a9c00.csv</c>, then <c>a/x.1f3a9c00-2.csv</c>.</summary>
    private static ObjectAddress Tagged(ObjectAddress wanted, string tag, int time)
    {
        if (time == 0)
        {
            return wanted;
        }

        var folder = wanted.Key[..^wanted.Name.Length];
        var dot = wanted.Name.IndexOf('.', Math.Min(1, wanted.Name.Length));
        var (name, extension) = dot < 0 ? (wanted.Name, "") : (wanted.Name[..dot], wanted.Name[dot..]);
        return wanted.WithKey($"{folder}{name}.{tag}{(time == 1 ? "" : $"-{time}")}{extension}");
    }

    private static async Task<bool> IsSameAsync(ObjectStores stores, Func<Task<Stream>> open, ObjectAddress address, CancellationToken cancellation)
    {
        await using var ours = await open();
        await using var theirs = await stores.For(address).OpenReadAsync(address, cancellation);
        var (one, other) = (await SHA256.HashDataAsync(ours, cancellation), await SHA256.HashDataAsync(theirs, cancellation));
        return one.AsSpan().SequenceEqual(other);
    }
}
