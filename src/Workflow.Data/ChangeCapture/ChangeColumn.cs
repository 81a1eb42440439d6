using System.Text;
using Workflow.Data.Warehouse;

namespace Workflow.Data.ChangeCapture;

/// <summary>A column of a file on its way into a column of the table.</summary>
/// <param name="Target">As the catalog has it.</param>
/// <param name="FileIndex">In the file, and in the name of its staging column.</param>
/// <param name="types">The warehouse's.</param>
internal sealed class ChangeColumn(TargetColumn target, int fileIndex, bool isKey, int? lobLimit, ChangeTypes types)
{
    private const int LongestKey = 2_600;

    private readonly WarehouseType? _type = target.Type ?? (target.TypeName.StartsWith("timestamp", StringComparison.Ordinal)
        ? target.TypeName.EndsWith("without time zone", StringComparison.Ordinal) ? WarehouseKind.Timestamp : WarehouseKind.TimestampTz
        : null);

    private readonly bool _isBinary = types.BinaryNames.Contains(target.TypeName);
    private ColumnEncoder? _encoder;

    public string Name => target.Name;

    public int FileIndex => fileIndex;

    public bool IsKey => isKey;

    public string Staged => $"c{fileIndex}";

    public WarehouseType StageType => _type ?? types.Text;

    /// <summary>The staged value as the table's type.</summary>
    public string Expression => _isBinary ? types.FromHex(Staged) : _type is null ? $"{Staged}::{target.TypeName}" : Staged;

    public long Cut { get; private set; }

    /// <returns>Null where the value was written; the reason where it cannot be.</returns>
    public string? Write(ReadOnlySpan<byte> text, CopyBuffer buffer)
    {
        text = Shorten(text);
        if (_type is { } type)
        {
            _encoder ??= new(Name, type, target.IsRequired || isKey, isKey);
            return _encoder.Write(type.Kind switch
            {
                _ when type.IsInteger => DmsValue.Number(text),
                WarehouseKind.Numeric => DmsValue.Number(text),
                WarehouseKind.Timestamp or WarehouseKind.TimestampTz => DmsValue.Moment(text, isKey),
                _ => text,
            }, buffer)?.Reason;
        }

        if (text.IsEmpty)
        {
            if (target.IsRequired || isKey)
            {
                return "empty, and the table does not allow null";
            }

            buffer.WriteNull();
            return null;
        }

        if (_isBinary && (text.Length % 2 != 0 || !IsHex(text)))
        {
            return "not hexadecimal";
        }

        if (isKey && text.Length > LongestKey)
        {
            return $"a key of {text.Length} bytes; an index takes {LongestKey}";
        }

        buffer.Write(text);
        return null;
    }

    /// <summary>Cuts a long value, a text at the end of a character, bytes between two of their digits.</summary>
    private ReadOnlySpan<byte> Shorten(ReadOnlySpan<byte> text)
    {
        var limit = (_isBinary ? 2 : 1) * (long)(lobLimit ?? int.MaxValue);
        if (types.Text.MaxLength is > 0 and var longest && limit > longest)
        {
            limit = _isBinary ? longest / 2 * 2 : longest;
        }

        if (text.Length <= limit || isKey)
        {
            return text;
        }

        var length = (int)limit;
        while (length > 0 && (text[length] & 0xC0) == 0x80)
        {
            length--;
        }

        Cut++;
        return text[..length];
    }

    private static bool IsHex(ReadOnlySpan<byte> text)
    {
        foreach (var digit in text)
        {
            if (!char.IsAsciiHexDigit((char)digit))
            {
                return false;
            }
        }

        return true;
    }
}
