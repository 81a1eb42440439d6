using System.Buffers.Binary;

namespace Workflow.Data.Warehouse;

/// <summary>PostgreSQL's numeric on the wire: digits to the base of 10,000, weighted from the point; leading and trailing zero digits are left out.</summary>
internal static class NumericField
{
    private const ushort Negative = 0x4000;
    private const int UsualGroups = 20;

    /// <summary>Far below what a numeric without a precision takes, far beyond what is ever meant.</summary>
    private const int MostGroups = 500;

    /// <param name="integer">Digits before the point, without leading zeros.</param>
    /// <param name="fraction">Digits after it; as many as are given are the value's scale.</param>
    /// <returns>False where there are more digits than are written.</returns>
    public static bool TryWrite(CopyBuffer buffer, bool isNegative, ReadOnlySpan<byte> integer, ReadOnlySpan<byte> fraction)
    {
        var integerGroups = (integer.Length + 3) / 4;
        var count = integerGroups + (fraction.Length + 3) / 4;
        if (count > MostGroups)
        {
            return false;
        }

        Span<short> digits = count <= UsualGroups ? stackalloc short[UsualGroups] : new short[count];
        for (var group = 0; group < integerGroups; group++)
        {
            var end = integer.Length - (integerGroups - 1 - group) * 4;
            digits[group] = Group(integer[Math.Max(0, end - 4)..end]);
        }

        for (var group = integerGroups; group < count; group++)
        {
            var begin = (group - integerGroups) * 4;
            var part = fraction[begin..Math.Min(begin + 4, fraction.Length)];
            digits[group] = (short)(Group(part) * (part.Length switch { 1 => 1000, 2 => 100, 3 => 10, _ => 1 }));
        }

        var first = 0;
        while (first < count && digits[first] == 0)
        {
            first++;
        }

        while (count > first && digits[count - 1] == 0)
        {
            count--;
        }

        var isZero = first == count;
        var field = buffer.WriteField(sizeof(short) * (4 + count - first));
        BinaryPrimitives.WriteInt16BigEndian(field, (short)(count - first));
        BinaryPrimitives.WriteInt16BigEndian(field[2..], isZero ? (short)0 : (short)(integerGroups - 1 - first));
        BinaryPrimitives.WriteUInt16BigEndian(field[4..], isNegative && !isZero ? Negative : (ushort)0);
        BinaryPrimitives.WriteInt16BigEndian(field[6..], (short)fraction.Length);
        for (var index = first; index < count; index++)
        {
            BinaryPrimitives.WriteInt16BigEndian(field[(8 + (index - first) * 2)..], digits[index]);
        }

        return true;
    }

    private static short Group(ReadOnlySpan<byte> digits)
    {
        var value = 0;
        foreach (var digit in digits)
        {
            value = value * 10 + (digit - '0');
        }

        return (short)value;
    }
}
