using System.Buffers.Text;
using System.Text;
using Workflow.Data.Schema;

namespace Workflow.Data.ChangeCapture;

/// <summary>Values as DMS writes them, in the forms that a load takes.</summary>
internal static class DmsValue
{
    // As many as a 64-bit float has, written out.
    private const int MostDigits = 400;

    private const int Micros = 6;
    private const int ToTheMinute = 16;

    /// <summary>Without the zeros behind the point that Oracle's number never had, and without the exponent of a float.</summary>
    public static ReadOnlySpan<byte> Number(ReadOnlySpan<byte> text)
    {
        text = text.ContainsAny("eE"u8) ? WrittenOut(text) : text;
        return text.Contains((byte)'.') && !text.ContainsAny("eE"u8) ? text.TrimEnd((byte)'0').TrimEnd((byte)'.') : text;
    }

    /// <summary>Without a blank before the offset, and cut to microseconds.</summary>
    /// <param name="isKey">Two keys must not become one: they are not cut.</param>
    public static ReadOnlySpan<byte> Moment(ReadOnlySpan<byte> text, bool isKey)
    {
        var at = text.Length <= ToTheMinute ? -1 : text[ToTheMinute..].IndexOfAny(" +-Z"u8);
        var moment = at < 0 ? text : text[..(ToTheMinute + at)];
        var offset = text[moment.Length..];
        offset = offset is [(byte)' ', (byte)'+' or (byte)'-' or (byte)'Z', ..] ? offset[1..] : offset;
        if (moment.IndexOf((byte)'.') is >= 0 and var point && !isKey && moment.Length > point + 1 + Micros && !moment[(point + 1 + Micros)..].ContainsAnyExceptInRange((byte)'0', (byte)'9'))
        {
            moment = moment[..(point + 1 + Micros)];
        }

        return moment.Length + offset.Length == text.Length ? text : (byte[])[.. moment, .. offset];
    }

    /// <returns>The text itself where it is no number, or too long a one.</returns>
    private static ReadOnlySpan<byte> WrittenOut(ReadOnlySpan<byte> text)
    {
        if (!ValueText.TryNumber(text, out var shape) || !shape.HasExponent)
        {
            return text;
        }

        var at = text.IndexOfAny("eE"u8);
        var power = text[(at + 1)..];
        if (!Utf8Parser.TryParse(power[0] == '+' ? power[1..] : power, out int exponent, out _) || exponent is < -MostDigits or > MostDigits)
        {
            return text;
        }

        var digits = Encoding.ASCII.GetString(text[shape.IntegerStart..at]).Replace(".", "", StringComparison.Ordinal);
        var point = shape.IntegerDigits + exponent;
        digits = point > 0 ? digits.PadRight(point, '0') : new string('0', 1 - point) + digits;
        var (integer, fraction) = (digits[..Math.Max(point, 1)].TrimStart('0'), digits[Math.Max(point, 1)..]);
        return Encoding.ASCII.GetBytes($"{(shape.IsNegative ? "-" : "")}{(integer.Length == 0 ? "0" : integer)}{(fraction.Length == 0 ? "" : ".")}{fraction}");
    }
}
