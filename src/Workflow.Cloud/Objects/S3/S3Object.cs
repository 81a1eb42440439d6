using Amazon.S3.Model;

namespace Workflow.Cloud.Objects.S3;

/// <summary>One state of an object, to be read as that or not at all.</summary>
/// <param name="ETag">As the store writes it, with its quotes.</param>
/// <param name="Checksum">What it can be checked against; null where the store says nothing that can be computed from the bytes alone.</param>
/// <param name="Parts">How it was uploaded, where it was by us.</param>
internal sealed record S3Object(ObjectAddress Address, long Size, string ETag, S3Checksum? Checksum, S3PartSizes? Parts)
{
    public static S3Object Of(ObjectAddress address, GetObjectResponse found) => Of(
        address, found.ContentLength, found.ETag, found.Metadata[S3PartSizes.Metadata],
        S3Checksum.Parse(S3Algorithm.CRC64NVME, found.ChecksumCRC64NVME), S3Checksum.Parse(S3Algorithm.CRC32C, found.ChecksumCRC32C), S3Checksum.Parse(S3Algorithm.CRC32, found.ChecksumCRC32),
        S3Checksum.Parse(S3Algorithm.SHA256, found.ChecksumSHA256), S3Checksum.Parse(S3Algorithm.SHA1, found.ChecksumSHA1), S3Checksum.OfETag(found.ETag, address.Bucket, found.ServerSideEncryptionMethod?.Value));

    public static S3Object Of(ObjectAddress address, GetObjectMetadataResponse found) => Of(
        address, found.ContentLength, found.ETag, found.Metadata[S3PartSizes.Metadata],
        S3Checksum.Parse(S3Algorithm.CRC64NVME, found.ChecksumCRC64NVME), S3Checksum.Parse(S3Algorithm.CRC32C, found.ChecksumCRC32C), S3Checksum.Parse(S3Algorithm.CRC32, found.ChecksumCRC32),
        S3Checksum.Parse(S3Algorithm.SHA256, found.ChecksumSHA256), S3Checksum.Parse(S3Algorithm.SHA1, found.ChecksumSHA1), S3Checksum.OfETag(found.ETag, address.Bucket, found.ServerSideEncryptionMethod?.Value));

    private static S3Object Of(ObjectAddress address, long size, string etag, string? metadata, params IEnumerable<S3Checksum?> told)
    {
        _ = S3PartSizes.TryParse(metadata, out var parts);
        // Copies keep the metadata and not the parts; of parts that others made, nobody says how large they were.
        var checksum = told.FirstOrDefault(one => one?.Parts == 0 || (one is not null && parts?.Count(size) == one.Parts));
        return new(address, size, etag, checksum, parts);
    }
}
