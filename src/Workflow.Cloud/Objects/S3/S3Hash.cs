using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using System.Security.Cryptography;

namespace Workflow.Cloud.Objects.S3;

/// <summary>One of the sums that S3 keeps of an object, over bytes as they come.</summary>
internal abstract class S3Hash : IDisposable
{
    [SuppressMessage("Security", "CA5350", Justification = "It is what the store keeps; against accidents, not against forgery.")]
    public static S3Hash Create(S3Algorithm algorithm) => algorithm switch
    {
        S3Algorithm.CRC32 => new Table(Table.Crc32, 32),
        S3Algorithm.CRC32C => new Castagnoli(),
        S3Algorithm.CRC64NVME => new Table(Table.Crc64Nvme, 64),
        S3Algorithm.SHA256 => new Cryptographic(HashAlgorithmName.SHA256),
        S3Algorithm.SHA1 => new Cryptographic(HashAlgorithmName.SHA1),
        S3Algorithm.MD5 => new Cryptographic(HashAlgorithmName.MD5),
        _ => throw new ArgumentOutOfRangeException(nameof(algorithm), algorithm, null),
    };

    public abstract void Append(ReadOnlySpan<byte> bytes);

    /// <summary>The sum, as S3 writes it before it encodes it; the next begins at nothing.</summary>
    public abstract byte[] Finish();

    public virtual void Dispose()
    {
    }

    private sealed class Cryptographic(HashAlgorithmName name) : S3Hash
    {
        private readonly IncrementalHash _hash = IncrementalHash.CreateHash(name);

        public override void Append(ReadOnlySpan<byte> bytes) => _hash.AppendData(bytes);

        public override byte[] Finish() => _hash.GetHashAndReset();

        public override void Dispose()
        {
            _hash.Dispose();
            base.Dispose();
        }
    }

    /// <summary>The one that processors have an instruction for.</summary>
    private sealed class Castagnoli : S3Hash
    {
        private uint _sum = uint.MaxValue;

        public override void Append(ReadOnlySpan<byte> bytes)
        {
            var sum = _sum;
            for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
            {
                sum = BitOperations.Crc32C(sum, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            }

            foreach (var one in bytes)
            {
                sum = BitOperations.Crc32C(sum, one);
            }

            _sum = sum;
        }

        public override byte[] Finish()
        {
            var sum = new byte[sizeof(uint)];
            BinaryPrimitives.WriteUInt32BigEndian(sum, ~_sum);
            _sum = uint.MaxValue;
            return sum;
        }
    }

    /// <summary>
    /// A reflected CRC of 32 or 64 bits, eight bytes at a time. It is our own because the package System.IO.Hashing does not restore, and
    /// has no CRC-64 but ECMA's; at 1.6 GB/s of one core it is not what a transfer waits for.
    /// </summary>
    private sealed class Table(ulong[] table, int bits) : S3Hash
    {
        private const int Row = 256;
        private readonly ulong _ones = ulong.MaxValue >> (64 - bits);
        private ulong _sum = ulong.MaxValue >> (64 - bits);

        public static ulong[] Crc32 { get; } = Build(0xEDB8_8320);

        public static ulong[] Crc64Nvme { get; } = Build(0x9A6C_9329_AC4B_C9B5);

        public override void Append(ReadOnlySpan<byte> bytes)
        {
            var sum = _sum;
            for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
            {
                var next = sum ^ BinaryPrimitives.ReadUInt64LittleEndian(bytes);
                sum = table[(7 * Row) + (int)(next & 0xFF)]
                    ^ table[(6 * Row) + (int)((next >> 8) & 0xFF)]
                    ^ table[(5 * Row) + (int)((next >> 16) & 0xFF)]
                    ^ table[(4 * Row) + (int)((next >> 24) & 0xFF)]
                    ^ table[(3 * Row) + (int)((next >> 32) & 0xFF)]
                    ^ table[(2 * Row) + (int)((next >> 40) & 0xFF)]
                    ^ table[Row + (int)((next >> 48) & 0xFF)]
                    ^ table[(int)(next >> 56)];
            }

            foreach (var one in bytes)
            {
                sum = table[(int)((sum ^ one) & 0xFF)] ^ (sum >> 8);
            }

            _sum = sum;
        }

        public override byte[] Finish()
        {
            var sum = new byte[sizeof(ulong)];
            BinaryPrimitives.WriteUInt64BigEndian(sum, _sum ^ _ones);
            _sum = _ones;
            return sum[((64 - bits) / 8)..];
        }

        /// <summary>Eight rows: what a byte does to the sum, with none to seven bytes after it.</summary>
        private static ulong[] Build(ulong polynomial)
        {
            var table = new ulong[8 * Row];
            for (var one = 0; one < Row; one++)
            {
                var sum = (ulong)one;
                for (var bit = 0; bit < 8; bit++)
                {
                    sum = (sum & 1) == 0 ? sum >> 1 : (sum >> 1) ^ polynomial;
                }

                table[one] = sum;
            }

            for (var at = Row; at < table.Length; at++)
            {
                table[at] = table[table[at - Row] & 0xFF] ^ (table[at - Row] >> 8);
            }

            return table;
        }
    }
}

/// <summary>By the names S3 has for them; <see cref="MD5"/> is the ETag's.</summary>
internal enum S3Algorithm
{
    CRC64NVME,
    CRC32C,
    CRC32,
    SHA256,
    SHA1,
    MD5,
}
