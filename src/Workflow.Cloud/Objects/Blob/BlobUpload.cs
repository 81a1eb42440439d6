using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;
using Azure;
using Azure.Core;

namespace Workflow.Cloud.Objects.Blob;

/// <summary>
/// One write. A small object is one request; a larger one is staged in blocks, which nobody sees until the list of them is
/// committed. Blocks of a write that failed are dropped by the service: with the next write of that key, or after a week.
/// </summary>
/// <param name="blockSize">Up to here an object is written in one request.</param>
internal sealed class BlobUpload(BlobAccount account, ObjectAddress address, WriteCondition condition, int blockSize)
{
    private const int BlocksInFlight = 4;

    // Writers of one key at the same time stage into one heap: their blocks must not meet.
    private readonly string _write = Guid.NewGuid().ToString("N");
    private readonly List<string> _blocks = [];
    private readonly Queue<Task> _underWay = [];

    /// <summary>Sends a stream of unknown length, holding only the blocks that are under way in memory.</summary>
    public async Task<ObjectInfo> SendAsync(Stream content, CancellationToken cancellation)
    {
        var first = await ObjectPart.ReadAsync(content, blockSize, cancellation);
        return first.IsLast ? await PutAsync(first, cancellation) : await StageAsync(first, content, cancellation);
    }

    private async Task<ObjectInfo> PutAsync(ObjectPart whole, CancellationToken cancellation)
    {
        using (whole)
        using (var message = account.Ask(RequestMethod.Put, address))
        {
            message.Request.Headers.SetValue("x-ms-blob-type", "BlockBlob");
            whole.PutInto(message.Request);
            return await PublishAsync(message, whole.Size, cancellation);
        }
    }

    private async Task<ObjectInfo> StageAsync(ObjectPart first, Stream content, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        try
        {
            var (size, md5) = await StageAllAsync(first, content, stop.Token);
            using var message = account.Ask(RequestMethod.Put, address, "?comp=blocklist");
            message.Request.Content = RequestContent.Create(Encoding.UTF8.GetBytes(BlockList()));
            message.Request.Headers.SetValue("Content-Type", "application/xml");
            message.Request.Headers.SetValue("x-ms-blob-content-type", "application/octet-stream");
            message.Request.Headers.SetValue("x-ms-blob-content-md5", md5);
            return await PublishAsync(message, size, cancellation);
        }
        finally
        {
            // A block must not be staged, nor its memory used again, after this has ended.
            await stop.CancelAsync();
            await Task.WhenAll(_underWay).ContinueWith(_ => { }, TaskScheduler.Default);
        }
    }

    private async Task<(long Size, string Md5)> StageAllAsync(ObjectPart first, Stream content, CancellationToken cancellation)
    {
        using var hash = Md5.Begin();
        var size = 0L;
        for (var block = first; ; block = await ObjectPart.ReadAsync(content, NextSize, cancellation))
        {
            if (block.Size == 0)
            {
                block.Dispose();
                break;
            }

            size += block.Size;
            hash.AppendData(block.Bytes.Span);
            await EnqueueAsync(block, cancellation);
            if (block.IsLast)
            {
                break;
            }
        }

        await DrainAsync(downTo: 0);
        return (size, Md5.End(hash));
    }

    // The service takes 50,000 blocks: growing by one size every thousand is far beyond what one object may be.
    private int NextSize => blockSize * (1 + _blocks.Count / 1000);

    private async Task EnqueueAsync(ObjectPart block, CancellationToken cancellation)
    {
        var id = Convert.ToBase64String(Encoding.ASCII.GetBytes($"{_write}{_blocks.Count.ToString("D5", CultureInfo.InvariantCulture)}"));
        _blocks.Add(id);
        _underWay.Enqueue(StageAsync(id, block, cancellation));
        await DrainAsync(downTo: BlocksInFlight - 1);
    }

    private async Task StageAsync(string id, ObjectPart block, CancellationToken cancellation)
    {
        using (block)
        using (var message = account.Ask(RequestMethod.Put, address, $"?comp=block&blockid={Uri.EscapeDataString(id)}"))
        {
            block.PutInto(message.Request);
            await account.SendAsync(message, cancellation);
        }
    }

    private async Task DrainAsync(int downTo)
    {
        while (_underWay.Count > downTo)
        {
            // Leaves the queue once it has ended: a failure must find every block that is still under way.
            await _underWay.Peek();
            _ = _underWay.Dequeue();
        }
    }

    // Latest, not uncommitted: an answer that was lost is asked for again, and by then they are committed.
    private string BlockList() => new XDocument(new XElement("BlockList", _blocks.Select(id => new XElement("Latest", id)))).ToString(SaveOptions.DisableFormatting);

    private async Task<ObjectInfo> PublishAsync(HttpMessage message, long size, CancellationToken cancellation)
    {
        if (condition == WriteCondition.IfAbsent)
        {
            message.Request.Headers.SetValue("If-None-Match", "*");
            message.Request.Headers.SetValue(BlobProperties.WriteMark, _write);
        }

        try
        {
            return BlobProperties.Of(address, await account.SendAsync(message, cancellation), size).Info;
        }
        catch (RequestFailedException taken) when (condition == WriteCondition.IfAbsent && taken.Status is 409 or 412)
        {
            // A write whose answer was lost, and which was then repeated, finds its own object.
            return await account.FindAsync(address, cancellation) is { } found && found.Write == _write ? found.Info : throw new ObjectExistsException(address, taken);
        }
    }
}
