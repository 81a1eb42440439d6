using System.Globalization;

namespace Workflow.Data.FixedWidth;

/// <summary>What the characters of a field must be.</summary>
public enum FieldKind
{
    /// <summary>Anything but blanks alone.</summary>
    Text,

    /// <summary>As many digits as the field is long.</summary>
    Digits,

    /// <summary>A day that exists, <c>yyyy-MM-dd</c>.</summary>
    Date,
}

/// <param name="Start">Counted from 0, over the whole line.</param>
public sealed record FixedWidthField(string Name, int Start, int Length, FieldKind Kind = FieldKind.Text)
{
    public int End => Start + Length;

    public string Read(string line) => line.Substring(Start, Length);
}

/// <summary>A kind of record: the lines whose code field says so.</summary>
public sealed record FixedWidthRecord(string Code, string Name, IReadOnlyList<FixedWidthField> Fields);

/// <summary>Why a line is none of the layout's records.</summary>
/// <param name="Rule"><c>too-short</c>, <c>unknown-code</c>, <c>bad-text</c>, <c>bad-digits</c>, <c>bad-date</c>.</param>
/// <param name="Field">The one at fault; null where it is the whole line.</param>
public sealed record LineRefusal(string Rule, string Reason, string? Field = null);

/// <summary>Lines whose fields are told by their place. Each line is a record of one of several kinds, which a field of it says.</summary>
/// <param name="Header">The fields that every record has.</param>
/// <param name="Code">The one that says which kind it is.</param>
public sealed record FixedWidthLayout(IReadOnlyList<FixedWidthField> Header, FixedWidthField Code, IReadOnlyList<FixedWidthRecord> Records)
{
    /// <summary>Null where the line is a record. Characters behind the last field are nobody's and are let pass.</summary>
    public LineRefusal? Check(string line)
    {
        if (line.Length < Code.End)
        {
            return TooShort(line, Code.End);
        }

        var code = Code.Read(line);
        if (Records.FirstOrDefault(record => record.Code == code) is not { } record)
        {
            return new("unknown-code", $"{Place(Code)} is '{code}'; there are {string.Join(", ", Records.Select(known => known.Code))}", Code.Name);
        }

        var end = record.Fields[^1].End;
        return line.Length < end ? TooShort(line, end) : Header.Concat(record.Fields).Select(field => Check(field, field.Read(line))).FirstOrDefault(refusal => refusal is not null);
    }

    private static LineRefusal TooShort(string line, int wanted) => new("too-short", $"the line has {line.Length} characters, the record takes {wanted}");

    private static LineRefusal? Check(FixedWidthField field, string text) => field.Kind switch
    {
        FieldKind.Digits when !text.All(char.IsAsciiDigit) => new("bad-digits", $"{Place(field)} is '{text}', which is not all digits", field.Name),
        FieldKind.Date when !DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _) =>
            new("bad-date", $"{Place(field)} is '{text}', which is no day; write it as 2024-10-14", field.Name),
        FieldKind.Text when string.IsNullOrWhiteSpace(text) => new("bad-text", $"{Place(field)} is blank", field.Name),
        _ => null,
    };

    private static string Place(FixedWidthField field) => $"{field.Name} (characters {field.Start + 1} to {field.End})";
}
