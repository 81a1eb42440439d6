using System.Buffers.Text;
using System.Text;
using Workflow.Data.Schema;

namespace Workflow.Data.Warehouse;

/// <summary>
/// Writes the values of one column as PostgreSQL's binary COPY takes them, and refuses beforehand what PostgreSQL would refuse:
/// one bad value in a COPY would cost all of its rows.
/// </summary>
internal sealed class ColumnEncoder(string name, WarehouseType type, bool isRequired, bool isKey)
{
    /// <summary>An index entry has a third of a page at most; longer keys would fail in the merge.</summary>
    private const int LongestKey = 2_600;

    private const int ShownValue = 60;
    private const int DaysFrom1970To2000 = 10_957;
    private const long MicrosPerDay = 86_400_000_000;

    public string Name => name;

    /// <returns>
    /// Null where the value was written. Where it cannot be, and then nothing usable was written, what it breaks (<c>key</c>,
    /// <c>required</c>, <c>length</c> or <c>type</c>) and the reason.
    /// </returns>
    public (string Rule, string Reason)? Write(ReadOnlySpan<byte> text, CopyBuffer buffer)
    {
        if (text.IsEmpty)
        {
            if (isRequired)
            {
                return isKey ? ("key", "the key is empty") : ("required", "empty, and the table does not allow null");
            }

            buffer.WriteNull();
            return null;
        }

        if (isKey && text.Length > LongestKey)
        {
            return ("key", $"a key of {text.Length} bytes; an index takes {LongestKey}");
        }

        var written = type.Kind switch
        {
            WarehouseKind.Text => WriteText(text, buffer),
            WarehouseKind.Integer or WarehouseKind.Bigint or WarehouseKind.Smallint => WriteInteger(text, buffer),
            WarehouseKind.Numeric => WriteNumeric(text, buffer),
            WarehouseKind.Double => WriteDouble(text, buffer),
            WarehouseKind.Real => WriteReal(text, buffer),
            WarehouseKind.Boolean => WriteBoolean(text, buffer),
            WarehouseKind.Date => WriteDate(text, buffer),
            WarehouseKind.Timestamp or WarehouseKind.TimestampTz => WriteTimestamp(text, buffer),
            WarehouseKind.Uuid => WriteUuid(text, buffer),
            _ => WriteLimitedText(text, buffer),
        };
        return written ? null : (type.MaxLength > 0 ? "length" : "type", $"'{Shorten(text)}' does not fit {type}");
    }

    private static bool WriteText(ReadOnlySpan<byte> text, CopyBuffer buffer)
    {
        buffer.Write(text);
        return true;
    }

    private bool WriteLimitedText(ReadOnlySpan<byte> text, CopyBuffer buffer) =>
        (type.MaxLength == 0 || text.Length <= type.MaxLength || (!type.CountsBytes && Characters(text) <= type.MaxLength)) && WriteText(text, buffer);

    private bool WriteInteger(ReadOnlySpan<byte> text, CopyBuffer buffer)
    {
        if (!ValueText.TryNumber(text, out var shape) || !ValueText.TryBigint(text, shape, out var value))
        {
            return false;
        }

        switch (type.Kind)
        {
            case WarehouseKind.Bigint:
                buffer.Write(value);
                return true;
            case WarehouseKind.Integer when value is >= int.MinValue and <= int.MaxValue:
                buffer.Write((int)value);
                return true;
            case WarehouseKind.Smallint when value is >= short.MinValue and <= short.MaxValue:
                buffer.Write((short)value);
                return true;
            default:
                return false;
        }
    }

    private static bool WriteDouble(ReadOnlySpan<byte> text, CopyBuffer buffer)
    {
        if (!ValueText.TryNumber(text, out _) || !ValueText.TryDouble(text, out var value))
        {
            return false;
        }

        buffer.Write(value);
        return true;
    }

    private static bool WriteReal(ReadOnlySpan<byte> text, CopyBuffer buffer)
    {
        if (!ValueText.TryNumber(text, out _) || !Utf8Parser.TryParse(text, out float value, out _) || !float.IsFinite(value))
        {
            return false;
        }

        buffer.Write(value);
        return true;
    }

    private static bool WriteBoolean(ReadOnlySpan<byte> text, CopyBuffer buffer)
    {
        if (!ValueText.TryBoolean(text, out var value))
        {
            return false;
        }

        buffer.Write(value);
        return true;
    }

    private static bool WriteDate(ReadOnlySpan<byte> text, CopyBuffer buffer)
    {
        if (!ValueText.TryDate(text, out var days))
        {
            return false;
        }

        buffer.Write(days - DaysFrom1970To2000);
        return true;
    }

    private bool WriteTimestamp(ReadOnlySpan<byte> text, CopyBuffer buffer)
    {
        long micros;
        if (type.Kind == WarehouseKind.Timestamp && ValueText.TryDate(text, out var days))
        {
            micros = days * MicrosPerDay;
        }
        else if (!ValueText.TryTimestamp(text, out micros, out var hasZone) || hasZone != (type.Kind == WarehouseKind.TimestampTz))
        {
            return false;
        }

        buffer.Write(micros - DaysFrom1970To2000 * MicrosPerDay);
        return true;
    }

    private static bool WriteUuid(ReadOnlySpan<byte> text, CopyBuffer buffer) =>
        Utf8Parser.TryParse(text, out Guid value, out var used) && used == text.Length && value.TryWriteBytes(buffer.WriteField(16), bigEndian: true, out _);

    private bool WriteNumeric(ReadOnlySpan<byte> text, CopyBuffer buffer)
    {
        if (!ValueText.TryNumber(text, out var shape) || shape.HasExponent)
        {
            return false;
        }

        var integer = text.Slice(shape.IntegerStart, shape.IntegerDigits).TrimStart((byte)'0');
        var fraction = shape.Scale == 0 ? [] : text.Slice(text.Length - shape.Scale, shape.Scale);
        if (type.Precision > 0 && (integer.Length > type.Precision - type.Scale || fraction.Length > type.Scale))
        {
            return false;
        }

        return NumericField.TryWrite(buffer, shape.IsNegative, integer, fraction);
    }

    private static int Characters(ReadOnlySpan<byte> utf8)
    {
        var count = 0;
        foreach (var value in utf8)
        {
            count += (value & 0xC0) != 0x80 ? 1 : 0;
        }

        return count;
    }

    private static string Shorten(ReadOnlySpan<byte> value)
    {
        var text = Encoding.UTF8.GetString(value.Length <= 4 * ShownValue ? value : value[..(4 * ShownValue)]);
        return text.Length <= ShownValue ? text : text[..ShownValue] + "…";
    }
}
