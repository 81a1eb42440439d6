using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using FsCheck;
using FsCheck.Fluent;
using Workflow.Cloud.Objects;
using Workflow.Cloud.Objects.S3;

namespace Workflow.Cloud.Tests.Objects.S3;

public sealed class S3ChecksumTests
{
    private const long TiB = 1L << 40;
    private static readonly ObjectAddress Address = new("s3", "bucket", "key");

    /// <summary>The check values that the catalogue of CRCs gives for these nine digits, and those of the standards for the others.</summary>
    [Theory]
    [InlineData(S3Algorithm.CRC32, "cbf43926")]
    [InlineData(S3Algorithm.CRC32C, "e3069283")]
    [InlineData(S3Algorithm.CRC64NVME, "ae8b14860a799888")]
    [InlineData(S3Algorithm.SHA1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441")]
    [InlineData(S3Algorithm.SHA256, "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225")]
    [InlineData(S3Algorithm.MD5, "25f9e794323b453885f5181f1b624d0b")]
    internal void Each_sum_is_the_one_of_its_name(S3Algorithm algorithm, string sum)
    {
        using var hash = S3Hash.Create(algorithm);

        for (var time = 0; time < 2; time++)
        {
            hash.Append("1234"u8);
            hash.Append("56789"u8);
            Assert.Equal(sum, Convert.ToHexStringLower(hash.Finish()));
        }
    }

    [Theory]
    [InlineData(S3Algorithm.CRC32)]
    [InlineData(S3Algorithm.CRC32C)]
    [InlineData(S3Algorithm.CRC64NVME)]
    internal void However_the_bytes_come_their_sum_is_the_same(S3Algorithm algorithm)
    {
        var property = Prop.ForAll<byte[], int>((content, cut) =>
        {
            var at = content.Length == 0 ? 0 : (int)((uint)cut % content.Length);
            return Sum(algorithm, content).SequenceEqual(Sum(algorithm, content[..at], content[at..])) && Sum(algorithm, content).SequenceEqual(Sum(algorithm, [.. content.Select(one => new[] { one })]));
        });
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(200), property);
    }

    [Fact]
    [SuppressMessage("Security", "CA5351", Justification = "An ETag is an MD5.")]
    public void An_ETag_of_parts_is_the_sum_of_their_sums()
    {
        var content = RandomNumberGenerator.GetBytes((3 * S3PartSizes.Smallest) + 5);
        var parts = content.Chunk(S3PartSizes.Smallest).ToArray();
        var etag = Convert.ToHexStringLower(MD5.HashData([.. parts.SelectMany(MD5.HashData)])) + "-4";
        var told = new S3Object(Address, content.Length, etag, S3Checksum.OfETag($"\"{etag}\"", "bucket", null), S3PartSizes.Of(content.Length));

        Assert.True(Matches(told, content));
        content[^3] ^= 1;
        Assert.False(Matches(told, content));
    }

    [Fact]
    public void A_checksum_of_parts_is_the_sum_of_their_sums()
    {
        var content = RandomNumberGenerator.GetBytes(2 * S3PartSizes.Smallest);
        var sums = content.Chunk(S3PartSizes.Smallest).Select(part => Sum(S3Algorithm.CRC32, part)).ToArray();
        var told = S3Checksum.Parse(S3Algorithm.CRC32, Convert.ToBase64String(Sum(S3Algorithm.CRC32, sums)) + "-2");

        Assert.Equal(2, told!.Parts);
        Assert.True(Matches(new(Address, content.Length, "", told, S3PartSizes.Of(content.Length)), content));
    }

    [Theory]
    [InlineData("\"d41d8cd98f00b204e9800998ecf8427e\"", "bucket", null, true)]
    [InlineData("\"d41d8cd98f00b204e9800998ecf8427e\"", "bucket", "AES256", true)]
    [InlineData("\"d41d8cd98f00b204e9800998ecf8427e\"", "bucket", "aws:kms", false)]
    [InlineData("\"d41d8cd98f00b204e9800998ecf8427e\"", "bucket", "aws:kms:dsse", false)]
    [InlineData("\"d41d8cd98f00b204e9800998ecf8427e\"", "name--use1-az4--x-s3", null, false)]
    [InlineData("\"opaque\"", "bucket", null, false)]
    [InlineData(null, "bucket", null, false)]
    public void Not_every_ETag_is_a_sum(string? etag, string bucket, string? encryption, bool isSum) => Assert.Equal(isSum, S3Checksum.OfETag(etag, bucket, encryption) is not null);

    [Fact]
    public void Five_tebibytes_fit_into_ten_thousand_parts_that_S3_takes()
    {
        foreach (var sizes in new[] { S3PartSizes.OfUnknownLength, S3PartSizes.Of(5 * TiB) })
        {
            Assert.InRange(sizes.Count(5 * TiB), 2, 10_000);
            Assert.InRange(sizes[10_000], 5 << 20, 5L << 30);
        }

        Assert.Equal(S3PartSizes.Smallest, S3PartSizes.Of(50L << 30)[1]);
        Assert.Equal(100, S3PartSizes.OfUnknownLength.Count(100L * S3PartSizes.Smallest));
    }

    [Fact]
    public void Part_sizes_are_read_as_they_are_written()
    {
        Assert.True(S3PartSizes.TryParse(S3PartSizes.OfUnknownLength.ToString(), out var sizes));
        Assert.Equal(S3PartSizes.OfUnknownLength, sizes);
        foreach (var other in new[] { null, "", "8", "0+1", "-8+0", "8+0+1", "eight+0" })
        {
            Assert.False(S3PartSizes.TryParse(other, out _));
        }
    }

    private static bool Matches(S3Object told, byte[] content)
    {
        using var digest = S3Digest.Of(told)!;
        foreach (var piece in content.Chunk(1_000_003))
        {
            digest.Append(piece);
        }

        return digest.Matches();
    }

    private static byte[] Sum(S3Algorithm algorithm, params byte[][] pieces)
    {
        using var hash = S3Hash.Create(algorithm);
        foreach (var piece in pieces)
        {
            hash.Append(piece);
        }

        return hash.Finish();
    }
}
