using System.Buffers.Text;

namespace Workflow.Data.Schema;

/// <summary>
/// The text forms of typed values, in one place, so that what inference takes for a number or a date is exactly what a load can write.
/// </summary>
internal static class ValueText
{
    private const int DaysOf1970 = 719_162;
    private const long MicrosPerDay = 86_400_000_000;

    /// <summary><c>true</c> and <c>false</c> in any case; no other word.</summary>
    public static bool TryBoolean(ReadOnlySpan<byte> text, out bool value)
    {
        value = text.Length == 4;
        return value
            ? (text[0] | 0x20) == 't' && (text[1] | 0x20) == 'r' && (text[2] | 0x20) == 'u' && (text[3] | 0x20) == 'e'
            : text.Length == 5 && (text[0] | 0x20) == 'f' && (text[1] | 0x20) == 'a' && (text[2] | 0x20) == 'l' && (text[3] | 0x20) == 's' && (text[4] | 0x20) == 'e';
    }

    /// <summary>
    /// A number as programs write it: <c>0</c>, <c>-12</c>, <c>0.50</c>, <c>.5</c>, <c>1e-5</c>. Not <c>007</c>, <c>+1</c>, <c>1,000</c> or
    /// anything with blanks: those would not come back as they were.
    /// </summary>
    public static bool TryNumber(ReadOnlySpan<byte> text, out NumberShape shape)
    {
        shape = default;
        var position = 0;
        if (text.Length > 0 && text[0] == '-')
        {
            shape.IsNegative = true;
            position = 1;
        }

        shape.IntegerStart = position;
        position += Digits(text[position..]);
        shape.IntegerDigits = position - shape.IntegerStart;
        if (shape.IntegerDigits > 1 && text[shape.IntegerStart] == '0')
        {
            return false;
        }

        if (position < text.Length && text[position] == '.')
        {
            shape.Scale = Digits(text[++position..]);
            position += shape.Scale;
            if (shape.Scale == 0)
            {
                return false;
            }
        }
        else if (shape.IntegerDigits == 0)
        {
            return false;
        }

        if (position < text.Length && (text[position] | 0x20) == 'e')
        {
            shape.HasExponent = true;
            position++;
            position += position < text.Length && text[position] is (byte)'+' or (byte)'-' ? 1 : 0;
            var digits = Digits(text[position..]);
            position += digits;
            if (digits == 0)
            {
                return false;
            }
        }

        return position == text.Length;
    }

    /// <summary>A whole number that 64 bits hold, of a shape <see cref="TryNumber"/> accepted.</summary>
    public static bool TryBigint(ReadOnlySpan<byte> text, in NumberShape shape, out long value)
    {
        value = 0;
        return shape.IsWhole && Utf8Parser.TryParse(text, out value, out var used) && used == text.Length;
    }

    /// <summary>A finite 64-bit float, of a shape <see cref="TryNumber"/> accepted.</summary>
    public static bool TryDouble(ReadOnlySpan<byte> text, out double value) =>
        Utf8Parser.TryParse(text, out value, out var used) && used == text.Length && double.IsFinite(value);

    /// <summary><c>2024-02-29</c>, a day of the years 1 to 9999.</summary>
    /// <param name="days">Since 1970-01-01.</param>
    public static bool TryDate(ReadOnlySpan<byte> text, out int days)
    {
        days = 0;
        return text.Length == 10 && TryDay(text, out days);
    }

    /// <summary>
    /// <c>2024-02-29 12:30</c> or <c>2024-02-29T12:30:59.123456+02:00</c>: a blank or T between, seconds and their fraction optional,
    /// then nothing, Z, or an offset. A fraction finer than microseconds is taken only where nothing but zeros is lost.
    /// </summary>
    /// <param name="micros">Since 1970-01-01 00:00:00; in UTC where there is a zone.</param>
    public static bool TryTimestamp(ReadOnlySpan<byte> text, out long micros, out bool hasZone)
    {
        micros = 0;
        hasZone = false;
        if (text.Length < 16 || text[10] is not ((byte)' ' or (byte)'T') || !TryDay(text, out var days)
            || !TryTwo(text, 11, 23, out var hour) || text[13] != ':' || !TryTwo(text, 14, 59, out var minute))
        {
            return false;
        }

        var second = 0;
        var fraction = 0L;
        var rest = text[16..];
        if (rest.Length >= 3 && rest[0] == ':')
        {
            if (!TryTwo(rest, 1, 59, out second))
            {
                return false;
            }

            rest = rest[3..];
            if (rest.Length > 0 && rest[0] == '.' && !TryFraction(ref rest, out fraction))
            {
                return false;
            }
        }

        hasZone = rest.Length > 0;
        var offset = 0;
        if (hasZone && !TryOffset(rest, out offset))
        {
            return false;
        }

        micros = days * MicrosPerDay + ((hour * 60L + minute - offset) * 60 + second) * 1_000_000 + fraction;
        return true;
    }

    private static int Digits(ReadOnlySpan<byte> text)
    {
        var count = 0;
        while (count < text.Length && (uint)(text[count] - '0') <= 9)
        {
            count++;
        }

        return count;
    }

    private static bool TryDay(ReadOnlySpan<byte> text, out int days)
    {
        days = 0;
        if (text[4] != '-' || text[7] != '-' || !TryTwo(text, 0, 99, out var century) || !TryTwo(text, 2, 99, out var yearOfCentury)
            || !TryTwo(text, 5, 12, out var month) || !TryTwo(text, 8, 31, out var day))
        {
            return false;
        }

        var year = century * 100 + yearOfCentury;
        if (year == 0 || month == 0 || day == 0 || (day > 28 && day > DateTime.DaysInMonth(year, month)))
        {
            return false;
        }

        days = new DateOnly(year, month, day).DayNumber - DaysOf1970;
        return true;
    }

    private static bool TryTwo(ReadOnlySpan<byte> text, int at, int most, out int value)
    {
        var (tens, ones) = (text[at] - '0', text[at + 1] - '0');
        value = tens * 10 + ones;
        return (uint)tens <= 9 && (uint)ones <= 9 && value <= most;
    }

    private static bool TryFraction(ref ReadOnlySpan<byte> text, out long micros)
    {
        micros = 0;
        var digits = Digits(text[1..]);
        for (var index = 1; index <= digits; index++)
        {
            if (index > 6 && text[index] != '0')
            {
                return false;
            }

            micros = index > 6 ? micros : micros * 10 + (text[index] - '0');
        }

        for (var index = digits; index < 6; index++)
        {
            micros *= 10;
        }

        text = text[(digits + 1)..];
        return digits > 0;
    }

    /// <summary><c>Z</c>, <c>+02</c>, <c>+0200</c>, <c>-05:30</c>; up to the 15:59 that PostgreSQL takes.</summary>
    private static bool TryOffset(ReadOnlySpan<byte> text, out int minutes)
    {
        minutes = 0;
        if (text is [(byte)'Z'])
        {
            return true;
        }

        if (text.Length < 3 || text[0] is not ((byte)'+' or (byte)'-') || !TryTwo(text, 1, 15, out var hours))
        {
            return false;
        }

        var rest = 0;
        var whole = text.Length switch
        {
            3 => true,
            5 => TryTwo(text, 3, 59, out rest),
            6 => text[3] == ':' && TryTwo(text, 4, 59, out rest),
            _ => false,
        };
        minutes = (text[0] == '-' ? -1 : 1) * (hours * 60 + rest);
        return whole;
    }
}

/// <summary>How a number is written.</summary>
internal struct NumberShape
{
    public bool IsNegative;
    public int IntegerStart;
    public int IntegerDigits;
    public int Scale;
    public bool HasExponent;

    public readonly bool IsWhole => Scale == 0 && !HasExponent;
}
