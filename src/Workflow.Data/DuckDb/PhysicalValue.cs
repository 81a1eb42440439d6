using System.Buffers.Binary;

namespace Workflow.Data.DuckDb;

/// <summary>How CLR values lie in DuckDB's memory.</summary>
internal static class PhysicalValue
{
    private static readonly int UnixEpochDay = new DateOnly(1970, 1, 1).DayNumber;
    private static readonly UInt128 FirstBit = UInt128.One << 127;

    public static int Days(DateOnly date) => date.DayNumber - UnixEpochDay;

    public static long Micros(DateTime time) => (time.Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    public static DateOnly Date(int days) => DateOnly.FromDayNumber(days + UnixEpochDay);

    public static DateTime Timestamp(long count, long ticksPerUnit) =>
        new(checked(DateTime.UnixEpoch.Ticks + count * ticksPerUnit), DateTimeKind.Unspecified);

    public static UInt128 Bits(Guid guid)
    {
        Span<byte> bytes = stackalloc byte[16];
        guid.TryWriteBytes(bytes, bigEndian: true, out _);
        return BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }

    /// <summary>In a vector a UUID has its first bit flipped, so that it sorts as a signed number.</summary>
    public static UInt128 Uuid(Guid guid) => Bits(guid) ^ FirstBit;

    public static Guid Uuid(UInt128 stored)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, stored ^ FirstBit);
        return new(bytes, bigEndian: true);
    }

    /// <summary>The digits of a decimal as a whole number, its point left out.</summary>
    public static Int128 Unscaled(decimal value)
    {
        Span<int> bits = stackalloc int[4];
        decimal.GetBits(value, bits);
        var magnitude = ((Int128)(uint)bits[2] << 64) | ((Int128)(uint)bits[1] << 32) | (Int128)(uint)bits[0];
        return decimal.IsNegative(value) ? -magnitude : magnitude;
    }

    /// <exception cref="OverflowException">More digits than a <see cref="decimal"/> holds.</exception>
    public static decimal Decimal(Int128 unscaled, int scale)
    {
        var magnitude = unscaled < 0 ? (UInt128)(-unscaled) : (UInt128)unscaled;
        while (scale > 28 && magnitude % 10 == 0)
        {
            (magnitude, scale) = (magnitude / 10, scale - 1);
        }

        return magnitude >> 96 == 0 && scale <= 28
            ? new((int)(uint)magnitude, (int)(uint)(magnitude >> 32), (int)(uint)(magnitude >> 64), unscaled < 0, (byte)scale)
            : throw new OverflowException($"{unscaled} with {scale} digits after the point does not fit a decimal.");
    }
}
