using System.Text;
using Workflow.Data.Schema;

namespace Workflow.Data.CheckIns;

/// <summary>
/// When somebody checked in, in one of three forms: <c>2018-11-26 14:47:36.0429 UTC</c>, <c>02/28/2018 12:05 AM</c> and
/// <c>26 сентября 2019 00:00</c>, the month in the genitive. The latter two name no zone and are UTC, too. Of a fraction of a second up to
/// nine digits are read and six kept: those beyond are cut off, so that no moment becomes a later one.
/// </summary>
public static class CheckInTimestamp
{
    private const long MicrosPerMinute = 60_000_000;

    private static readonly string[] Genitives =
        ["января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября", "октября", "ноября", "декабря"];

    private static readonly byte[] Utc = " UTC"u8.ToArray();

    /// <param name="micros">Since 1970-01-01 00:00:00 UTC.</param>
    public static bool TryRead(ReadOnlySpan<byte> text, out long micros) =>
        TryIso(text, out micros) || TryUs(text, out micros) || TryRussian(text, out micros);

    private static bool TryIso(ReadOnlySpan<byte> text, out long micros)
    {
        const int seconds = 19, microseconds = 26, nanoseconds = 29;
        micros = 0;
        if (!text.EndsWith(Utc) || text[..^Utc.Length] is not { Length: >= seconds } time)
        {
            return false;
        }

        if (time.Length is > microseconds and <= nanoseconds && !time[microseconds..].ContainsAnyExceptInRange((byte)'0', (byte)'9'))
        {
            time = time[..microseconds];
        }

        return time[10] == ' ' && ValueText.TryTimestamp(time, out micros, out var hasZone) && !hasZone;
    }

    /// <summary><c>MM/dd/yyyy hh:mm AM</c>: of twelve hours, so 12 AM is midnight and 12 PM noon.</summary>
    private static bool TryUs(ReadOnlySpan<byte> text, out long micros)
    {
        micros = 0;
        if (text.Length != "MM/dd/yyyy hh:mm AM".Length || text[2] != '/' || text[5] != '/' || text[10] != ' ' || text[13] != ':' || text[16] != ' '
            || !TryHalf(text[17..], out var afternoon)
            || !TryNumber(text[..2], out var month) || !TryNumber(text[3..5], out var day) || !TryNumber(text[6..10], out var year)
            || !TryNumber(text[11..13], out var hour) || !TryNumber(text[14..16], out var minute) || hour is < 1 or > 12)
        {
            return false;
        }

        return TryTime(year, month, day, hour % 12 + (afternoon ? 12 : 0), minute, out micros);
    }

    /// <summary><c>d MMMM yyyy HH:mm</c>.</summary>
    private static bool TryRussian(ReadOnlySpan<byte> text, out long micros)
    {
        micros = 0;
        var dayEnd = text.IndexOf((byte)' ');
        if (dayEnd is < 1 or > 2 || !TryNumber(text[..dayEnd], out var day))
        {
            return false;
        }

        text = text[(dayEnd + 1)..];
        var monthEnd = text.IndexOf((byte)' ');
        return monthEnd > 0 && TryMonth(text[..monthEnd], out var month)
            && text[(monthEnd + 1)..] is [var y1, var y2, var y3, var y4, (byte)' ', var h1, var h2, (byte)':', var m1, var m2]
            && TryNumber([y1, y2, y3, y4], out var year) && TryNumber([h1, h2], out var hour) && TryNumber([m1, m2], out var minute)
            && TryTime(year, month, day, hour, minute, out micros);
    }

    private static bool TryMonth(ReadOnlySpan<byte> utf8, out int month)
    {
        var name = Encoding.UTF8.GetString(utf8);
        month = 1 + Array.FindIndex(Genitives, genitive => genitive.Equals(name, StringComparison.OrdinalIgnoreCase));
        return month > 0;
    }

    private static bool TryHalf(ReadOnlySpan<byte> text, out bool afternoon)
    {
        afternoon = (text[0] | 0x20) == 'p';
        return (afternoon || (text[0] | 0x20) == 'a') && (text[1] | 0x20) == 'm';
    }

    private static bool TryNumber(ReadOnlySpan<byte> digits, out int value)
    {
        value = 0;
        foreach (var digit in digits)
        {
            if (!char.IsAsciiDigit((char)digit))
            {
                return false;
            }

            value = value * 10 + (digit - '0');
        }

        return true;
    }

    private static bool TryTime(int year, int month, int day, int hour, int minute, out long micros)
    {
        micros = 0;
        if (year < 1 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month) || hour > 23 || minute > 59)
        {
            return false;
        }

        var time = new DateTime(year, month, day, hour, minute, 0, DateTimeKind.Utc);
        micros = (time.Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMinute * MicrosPerMinute;
        return true;
    }
}
