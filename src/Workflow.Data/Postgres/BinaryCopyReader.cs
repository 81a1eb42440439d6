using System.Buffers.Binary;
using Workflow.Data.DuckDb;

namespace Workflow.Data.Postgres;

/// <summary>Reads rows of PostgreSQL's binary COPY format into an appender.</summary>
internal sealed class BinaryCopyReader(IReadOnlyList<PostgresColumn> columns, DuckDbAppender appender, long firstRow)
{
    private const int InitialBuffer = 1 << 18;
    private const int SignatureLength = 11;
    private const int DaysFrom1970To2000 = 10_957;
    private const long MicrosFrom1970To2000 = DaysFrom1970To2000 * 86_400_000_000L;
    private const ushort NumericPositive = 0;
    private const ushort NumericNegative = 0x4000;

    private byte[] _buffer = new byte[InitialBuffer];
    private int _start;
    private int _end;

    /// <returns>The rows read; all of them are in the table then.</returns>
    public async Task<long> ReadAsync(Stream stream, CancellationToken cancellation)
    {
        await FillAsync(stream, cancellation);
        while (!TryHeader())
        {
            await FillAsync(stream, cancellation);
        }

        long rows = 0;
        while (true)
        {
            switch (RowLength(_buffer.AsSpan(_start, _end - _start)))
            {
                case null:
                    await FillAsync(stream, cancellation);
                    break;
                case 0:
                    appender.Complete();
                    return rows;
                case { } length:
                    Append(firstRow + rows++, _buffer.AsSpan(_start, length));
                    _start += length;
                    break;
            }
        }
    }

    private async Task FillAsync(Stream stream, CancellationToken cancellation)
    {
        _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
        (_start, _end) = (0, _end - _start);
        if (_end > _buffer.Length / 2)
        {
            Array.Resize(ref _buffer, checked(_buffer.Length * 2));
        }

        var read = await stream.ReadAsync(_buffer.AsMemory(_end), cancellation);
        _end += read > 0 ? read : throw new EndOfStreamException("The database ended its copy before the last row.");
    }

    private bool TryHeader()
    {
        const int flags = sizeof(int), extension = sizeof(int);
        var text = _buffer.AsSpan(_start, _end - _start);
        if (text.Length < SignatureLength + flags + extension)
        {
            return false;
        }

        _start += SignatureLength + flags + extension + BinaryPrimitives.ReadInt32BigEndian(text[(SignatureLength + flags)..]);
        return true;
    }

    /// <summary>The length of the row at the beginning; 0 for the end of the copy, null where the row is not whole.</summary>
    private static int? RowLength(ReadOnlySpan<byte> text)
    {
        if (text.Length < sizeof(short))
        {
            return null;
        }

        var fields = BinaryPrimitives.ReadInt16BigEndian(text);
        var length = sizeof(short);
        for (var field = 0; field < fields; field++)
        {
            if (text.Length < length + sizeof(int))
            {
                return null;
            }

            length += sizeof(int) + Math.Max(0, BinaryPrimitives.ReadInt32BigEndian(text[length..]));
        }

        return fields < 0 ? 0 : text.Length < length ? null : length;
    }

    private void Append(long row, ReadOnlySpan<byte> text)
    {
        appender.Append(row);
        var position = sizeof(short);
        foreach (var column in columns)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(text[position..]);
            position += sizeof(int);
            if (length < 0)
            {
                appender.AppendNull();
                continue;
            }

            Append(column, text.Slice(position, length));
            position += length;
        }

        appender.EndRow();
    }

    private void Append(PostgresColumn column, ReadOnlySpan<byte> value)
    {
        switch (column.Wire)
        {
            case WireType.Boolean: appender.Append(value[0] != 0); break;
            case WireType.Int16: appender.Append(BinaryPrimitives.ReadInt16BigEndian(value)); break;
            case WireType.Int32: appender.Append(BinaryPrimitives.ReadInt32BigEndian(value)); break;
            case WireType.Int64: appender.Append(BinaryPrimitives.ReadInt64BigEndian(value)); break;
            case WireType.Single: appender.Append(BinaryPrimitives.ReadSingleBigEndian(value)); break;
            case WireType.Double: appender.Append(BinaryPrimitives.ReadDoubleBigEndian(value)); break;
            case WireType.Numeric: appender.AppendUnscaled(Numeric(column, value)); break;
            case WireType.Date: appender.AppendDate(Days(BinaryPrimitives.ReadInt32BigEndian(value))); break;
            case WireType.Time: appender.AppendTime(BinaryPrimitives.ReadInt64BigEndian(value)); break;
            case WireType.Timestamp: appender.AppendTimestamp(Micros(BinaryPrimitives.ReadInt64BigEndian(value))); break;
            case WireType.TimestampTz: appender.AppendTimestampTz(Micros(BinaryPrimitives.ReadInt64BigEndian(value))); break;
            case WireType.Uuid: appender.Append(new Guid(value, bigEndian: true)); break;
            default: appender.Append(value); break;
        }
    }

    // The ends of the range mean infinity, to both; DuckDB keeps its negative one a step above.
    private static int Days(int since2000) => since2000 switch
    {
        int.MaxValue => int.MaxValue,
        int.MinValue => -int.MaxValue,
        _ => checked(since2000 + DaysFrom1970To2000),
    };

    private static long Micros(long since2000) => since2000 switch
    {
        long.MaxValue => long.MaxValue,
        long.MinValue => -long.MaxValue,
        _ => checked(since2000 + MicrosFrom1970To2000),
    };

    /// <summary>The digits of a numeric with its point left out; the wire has them to the base of 10,000.</summary>
    private static Int128 Numeric(PostgresColumn column, ReadOnlySpan<byte> value)
    {
        var groups = BinaryPrimitives.ReadInt16BigEndian(value);
        var weight = BinaryPrimitives.ReadInt16BigEndian(value[2..]);
        var sign = BinaryPrimitives.ReadUInt16BigEndian(value[4..]);
        if (sign is not (NumericPositive or NumericNegative))
        {
            throw new BadInputException($"Column {column.Name} holds NaN or infinity, which no decimal does. Read it as text.");
        }

        // The power of ten of the last group, against the power the unscaled number is counted in.
        Int128 unscaled = 0;
        for (var group = 0; group < groups; group++)
        {
            var digits = BinaryPrimitives.ReadInt16BigEndian(value[(8 + group * 2)..]);
            var power = (weight - group) * 4 + column.Scale;
            unscaled += power >= 0 ? digits * PowerOfTen(power) : digits / PowerOfTen(-power);
        }

        return sign == NumericNegative ? -unscaled : unscaled;
    }

    private static Int128 PowerOfTen(int power)
    {
        Int128 result = 1;
        for (var index = 0; index < power; index++)
        {
            result *= 10;
        }

        return result;
    }
}
