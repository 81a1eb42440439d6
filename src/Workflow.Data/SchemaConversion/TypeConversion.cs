namespace Workflow.Data.SchemaConversion;

/// <summary>A column's type in the target.</summary>
/// <param name="Note">What is different; null where nothing is.</param>
/// <param name="IsKey">Redshift distributes and sorts by a column of it.</param>
internal sealed record ConvertedType(string Sql, string? Note = null, Outcome Outcome = Outcome.Changed, bool IsKey = true);

/// <summary>Oracle's types in the target's words.</summary>
internal static class TypeConversion
{
    private const int MostDigits = 38;
    private const int RedshiftMostScale = 37;
    private const int RedshiftVarchar = 65_535;
    private const int RedshiftVarbyte = 1_024_000;
    private const int BytesPerCharacter = 4;
    private const int DoubleBits = 53;

    public static ConvertedType Convert(OracleType type, ConversionTarget target) => type.Name switch
    {
        "NUMBER" when type.First is null && type.Second is null => FreeNumber(target),
        "NUMBER" or "NUMERIC" or "DECIMAL" or "DEC" => Number(type.First ?? MostDigits, type.Second ?? 0, target),
        "INTEGER" or "INT" or "SMALLINT" => Number(MostDigits, 0, target),
        "FLOAT" or "REAL" or "DOUBLE PRECISION" => Float(type),
        "BINARY_FLOAT" => new("real"),
        "BINARY_DOUBLE" => new("double precision"),
        "VARCHAR2" or "VARCHAR" or "CHAR VARYING" or "CHARACTER VARYING" => Varchar(type.First ?? 1, type.CountsCharacters == true, target),
        "NVARCHAR2" or "NCHAR VARYING" => Varchar(type.First ?? 1, countsCharacters: true, target),
        "CHAR" or "CHARACTER" => Char(type, type.CountsCharacters == true, target),
        "NCHAR" => Char(type, countsCharacters: true, target),
        "DATE" => new(target == ConversionTarget.Postgres ? "timestamp(0)" : "timestamp", "Oracle's date has a time of day."),
        "TIMESTAMP" => Timestamp(type, "timestamp", null, target),
        "TIMESTAMP WITH TIME ZONE" => Timestamp(type, "timestamp{0} with time zone", "The target keeps the moment, not the zone it was written in.", target),
        "TIMESTAMP WITH LOCAL TIME ZONE" => Timestamp(type, "timestamp{0} with time zone", null, target),
        "CLOB" or "NCLOB" or "LONG" => LongText(type, target),
        "BLOB" or "LONG RAW" => LongBinary(type, target),
        "RAW" => target == ConversionTarget.Postgres ? new("bytea", IsKey: false) : new($"varbyte({type.First ?? 1})", IsKey: false),
        "BOOLEAN" => new("boolean"),
        "JSON" => target == ConversionTarget.Postgres ? new("jsonb", IsKey: false) : new("super", IsKey: false),
        "XMLTYPE" or "SYS.XMLTYPE" when target == ConversionTarget.Postgres => new("xml", "Queries on it are written otherwise in the target.", IsKey: false),
        "INTERVAL YEAR TO MONTH" => new(target == ConversionTarget.Postgres ? "interval" : "interval year to month", IsKey: false),
        "INTERVAL DAY TO SECOND" => new(target == ConversionTarget.Postgres ? "interval" : "interval day to second", IsKey: false),
        "ROWID" or "UROWID" => new("varchar(4000)", "The address of a row in Oracle means nothing in the target.", Outcome.NeedsPerson),
        _ => Unknown(target),
    };

    private static ConvertedType FreeNumber(ConversionTarget target) => target == ConversionTarget.Postgres
        ? new("numeric")
        : new("numeric(38,10)", "Oracle's number without a precision takes any scale; room for 28 digits before the point and 10 after was assumed. Look at the values.", Outcome.NeedsPerson);

    private static ConvertedType Number(int precision, int scale, ConversionTarget target)
    {
        if (scale < 0)
        {
            return Number(Math.Min(precision - scale, MostDigits), 0, target) with { Note = $"Oracle rounds to {-scale} digits before the point; the target does not." };
        }

        if (scale > precision)
        {
            precision = scale;
        }

        if (precision > MostDigits || (target == ConversionTarget.Redshift && scale > RedshiftMostScale))
        {
            return new(target == ConversionTarget.Postgres ? $"numeric({precision},{scale})" : "double precision", "More digits than the target keeps exactly. Look at the values.",
                target == ConversionTarget.Postgres ? Outcome.Changed : Outcome.NeedsPerson);
        }

        return (precision, scale) switch
        {
            ( <= 4, 0) => new("smallint"),
            ( <= 9, 0) => new("integer"),
            ( <= 18, 0) => new("bigint"),
            _ => new($"numeric({precision},{scale})"),
        };
    }

    private static ConvertedType Float(OracleType type)
    {
        var bits = type.Name switch { "REAL" => 63, "FLOAT" => type.First ?? 126, _ => 126 };
        return bits <= DoubleBits ? new("double precision") : new("double precision", $"Oracle keeps {bits} bits of it, the target {DoubleBits} (15 digits).");
    }

    private static ConvertedType Varchar(int length, bool countsCharacters, ConversionTarget target)
    {
        if (target == ConversionTarget.Postgres)
        {
            return new($"varchar({length})");
        }

        var bytes = countsCharacters ? length * BytesPerCharacter : length;
        return bytes <= RedshiftVarchar
            ? new($"varchar({bytes})", countsCharacters ? $"Redshift counts bytes: {length} characters have up to {bytes}." : null)
            : new($"varchar({RedshiftVarchar})", $"Redshift's longest text has {RedshiftVarchar} bytes; {length} characters may have {bytes}.");
    }

    private static ConvertedType Char(OracleType type, bool countsCharacters, ConversionTarget target)
    {
        var length = type.First ?? 1;
        return target == ConversionTarget.Postgres
            ? new($"char({length})")
            : new($"varchar({(countsCharacters ? length * BytesPerCharacter : length)})", "Redshift's char takes characters of one byte only; the blanks behind a value stay.");
    }

    private static ConvertedType Timestamp(OracleType type, string form, string? note, ConversionTarget target)
    {
        var digits = type.First ?? 6;
        var cut = digits > 6 ? $"The target keeps 6 of {digits} digits of a second." : null;
        var precision = target == ConversionTarget.Postgres && digits < 6 ? $"({digits})" : "";
        var sql = form.Contains("{0}", StringComparison.Ordinal) ? form.Replace("{0}", precision) : form + precision;
        return new(sql, string.Join(' ', new[] { note, cut }.OfType<string>()) is { Length: > 0 } notes ? notes : null);
    }

    private static ConvertedType LongText(OracleType type, ConversionTarget target) => target == ConversionTarget.Postgres
        ? new("text", IsKey: false)
        : new($"varchar({RedshiftVarchar})", $"A {type.Text} longer than {RedshiftVarchar} bytes has to be cut; change capture cuts at its LobLimit and counts.", IsKey: false);

    private static ConvertedType LongBinary(OracleType type, ConversionTarget target) => target == ConversionTarget.Postgres
        ? new("bytea", IsKey: false)
        : new($"varbyte({RedshiftVarbyte})", $"A {type.Text} longer than {RedshiftVarbyte} bytes has to be cut; change capture cuts at its LobLimit and counts.", IsKey: false);

    private static ConvertedType Unknown(ConversionTarget target) => new(
        target == ConversionTarget.Postgres ? "text" : $"varchar({RedshiftVarchar})",
        "The target has no such type; text was assumed. Decide how its values are written.",
        Outcome.NeedsPerson,
        IsKey: false);
}
