using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Workflow.Cloud.Objects.S3;

/// <summary>
/// How an upload is divided: parts of <paramref name="First"/> bytes, and every hundred parts <paramref name="Step"/> more.
/// It is written beside the object, because a checksum of parts says nothing without their sizes.
/// </summary>
internal sealed record S3PartSizes(long First, long Step)
{
    /// <summary>Smaller objects go up in one request.</summary>
    public const int Smallest = 8 << 20;

    /// <summary>Of the object's metadata.</summary>
    public const string Metadata = "workflow-parts";

    private const int MostParts = 10_000;
    private const int Stride = 100;
    private const long MiB = 1 << 20;

    /// <summary>S3 takes 10,000 parts, and 5 TiB in them: growing so gets there with a last part of 1.1 GiB.</summary>
    public static S3PartSizes OfUnknownLength { get; } = new(Smallest, 11 * MiB);

    /// <summary>All of one size.</summary>
    public static S3PartSizes Of(long length) => new(Math.Max(Smallest, (length + (MostParts * MiB) - 1) / (MostParts * MiB) * MiB), 0);

    public static bool TryParse(string? text, [NotNullWhen(true)] out S3PartSizes? sizes)
    {
        sizes = text?.Split('+') is [var first, var step]
            && long.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out var firstSize)
            && long.TryParse(step, NumberStyles.None, CultureInfo.InvariantCulture, out var stepSize)
            && firstSize > 0
            ? new(firstSize, stepSize)
            : null;
        return sizes is not null;
    }

    /// <param name="number">From 1.</param>
    public long this[int number] => First + ((number - 1) / Stride * Step);

    /// <summary>Into how many parts an object of that length is divided.</summary>
    public int Count(long length)
    {
        var number = 0;
        while (length > 0)
        {
            length -= this[++number];
        }

        return number;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{First}+{Step}");
}
