using Azure;
using Azure.Core;

namespace Workflow.Cloud.Objects.Blob;

/// <summary>
/// One copy within the account, which the service makes by itself: within an account it is nearly always done when it answers,
/// otherwise it is asked until it is.
/// </summary>
internal sealed class BlobCopy(BlobAccount account, ObjectInfo source, ObjectAddress to, TimeProvider time)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan AbortDeadline = TimeSpan.FromSeconds(30);

    public async Task<ObjectInfo> RunAsync(CancellationToken cancellation)
    {
        var begun = await BeginAsync(cancellation);
        if (begun.CopyStatus == "success")
        {
            return begun.Info;
        }

        try
        {
            return await WaitAsync(begun.CopyId, cancellation);
        }
        catch (Exception failed)
        {
            await RemoveUnfinishedAsync(begun.CopyId, failed);
            throw;
        }
    }

    private async Task<BlobProperties> BeginAsync(CancellationToken cancellation)
    {
        using var message = account.Ask(RequestMethod.Put, to);
        message.Request.Headers.SetValue("x-ms-copy-source", account.UrlOf(source.Address));
        message.Request.Headers.SetValue("x-ms-source-if-match", $"\"{source.ETag}\"");
        return BlobProperties.Of(to, await account.SendAsync(message, cancellation), source.Size);
    }

    private async Task<ObjectInfo> WaitAsync(string? copy, CancellationToken cancellation)
    {
        for (var pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            await Task.Delay(pause, time, cancellation);
            var seen = await account.FindAsync(to, cancellation);
            if (seen?.CopyId != copy)
            {
                throw new ObjectStoreException($"{source.Address} cannot be copied to {to}: somebody else wrote or removed it at this moment. Try again.");
            }

            if (seen!.CopyStatus != "pending")
            {
                return seen.CopyStatus == "success"
                    ? seen.Info
                    : throw new ObjectStoreException($"{source.Address} cannot be copied to {to}: the service's copy {copy} is {seen.CopyStatus} ({seen.CopyDescription}). Try again.");
            }
        }
    }

    /// <summary>Until it is whole the service shows an empty object in its place.</summary>
    private async Task RemoveUnfinishedAsync(string? copy, Exception because)
    {
        using var deadline = new CancellationTokenSource(AbortDeadline);
        try
        {
            await RemoveUnfinishedAsync(copy, deadline.Token);
        }
        catch (Exception alsoFailed) when (alsoFailed is RequestFailedException or AggregateException or OperationCanceledException)
        {
            throw new ObjectStoreException(
                $"{source.Address} cannot be copied to {to}: {because.Message} The empty object that stands there for now could not be removed ({alsoFailed.Message}): delete it.", because);
        }
    }

    private async Task RemoveUnfinishedAsync(string? copy, CancellationToken cancellation)
    {
        if (await account.FindAsync(to, cancellation) is not { } left || left.CopyId != copy || left.CopyStatus == "success")
        {
            return;
        }

        if (left.CopyStatus == "pending")
        {
            using var abort = account.Ask(RequestMethod.Put, to, $"?comp=copy&copyid={copy}");
            abort.Request.Headers.SetValue("x-ms-copy-action", "abort");
            await account.SendAsync(abort, cancellation);
            left = await account.FindAsync(to, cancellation);
        }

        if (left is not null && left.CopyId == copy)
        {
            using var delete = account.Ask(RequestMethod.Delete, to);
            delete.Request.Headers.SetValue("If-Match", $"\"{left.Info.ETag}\"");
            await account.SendAsync(delete, cancellation);
        }
    }
}
