using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using System.Text;

namespace Workflow.Data.Warehouse.Redshift;

/// <summary>
/// Rows as COPY from S3 takes them: CSV files, compressed, a few for the cluster's slices to share. They are made of the rows of a binary
/// COPY, so that values are judged, and refused, as for every other load.
/// </summary>
internal sealed class RedshiftRows(IReadOnlyList<WarehouseKind> columns, string folder)
{
    private const int BufferSize = 1 << 20;
    private const long PartSize = 128L << 20;
    private static readonly DateTime Epoch = new(2000, 1, 1, 0, 0, 0, DateTimeKind.Unspecified);

    private readonly List<string> _parts = [];

    public long Count { get; private set; }

    /// <summary>Writes all rows.</summary>
    /// <returns>The files, in the order of the rows; none where there is no row.</returns>
    public IReadOnlyList<string> Write(BinaryCopy.FillBuffer fill, CancellationToken cancellation)
    {
        var buffer = new CopyBuffer(BufferSize + (BufferSize >> 2));
        var text = new StringBuilder();
        for (var more = true; more;)
        {
            using var part = new RedshiftPart(Path.Combine(folder, $"part-{_parts.Count:d5}.csv.gz"));
            while (more && part.Length < PartSize)
            {
                cancellation.ThrowIfCancellationRequested();
                buffer.Truncate(0);
                more = fill(buffer, BufferSize);
                Decode(buffer.Written.Span, text.Clear());
                part.Write(text);
            }

            if (part.Length > 0)
            {
                _parts.Add(part.Path);
            }
        }

        return _parts;
    }

    private void Decode(ReadOnlySpan<byte> rows, StringBuilder text)
    {
        while (rows.Length > 0)
        {
            rows = rows[sizeof(short)..];
            for (var column = 0; column < columns.Count; column++)
            {
                var field = Take(ref rows, out var isNull);
                _ = column > 0 ? text.Append(',') : text;
                _ = isNull ? text : Append(text, columns[column], field);
            }

            text.Append('\n');
            Count++;
        }
    }

    private static ReadOnlySpan<byte> Take(ref ReadOnlySpan<byte> rows, out bool isNull)
    {
        var length = BinaryPrimitives.ReadInt32BigEndian(rows);
        isNull = length < 0;
        var field = rows.Slice(sizeof(int), Math.Max(0, length));
        rows = rows[(sizeof(int) + field.Length)..];
        return field;
    }

    private static StringBuilder Append(StringBuilder text, WarehouseKind kind, ReadOnlySpan<byte> field) => kind switch
    {
        WarehouseKind.Boolean => text.Append(field[0] != 0 ? "true" : "false"),
        WarehouseKind.Smallint => text.Append(BinaryPrimitives.ReadInt16BigEndian(field)),
        WarehouseKind.Integer => text.Append(BinaryPrimitives.ReadInt32BigEndian(field)),
        WarehouseKind.Bigint => text.Append(BinaryPrimitives.ReadInt64BigEndian(field)),
        WarehouseKind.Numeric => AppendNumeric(text, field),
        WarehouseKind.Real => text.Append(CultureInfo.InvariantCulture, $"{BinaryPrimitives.ReadSingleBigEndian(field):R}"),
        WarehouseKind.Double => text.Append(CultureInfo.InvariantCulture, $"{BinaryPrimitives.ReadDoubleBigEndian(field):R}"),
        WarehouseKind.Date => text.Append(CultureInfo.InvariantCulture, $"{Epoch.AddDays(BinaryPrimitives.ReadInt32BigEndian(field)):yyyy-MM-dd}"),
        WarehouseKind.Timestamp => AppendTime(text, field),
        WarehouseKind.TimestampTz => AppendTime(text, field).Append("+00"),
        WarehouseKind.Uuid => text.Append(new Guid(field, bigEndian: true)),
        _ => text.Append('"').Append(Encoding.UTF8.GetString(field).Replace("\"", "\"\"", StringComparison.Ordinal)).Append('"'),
    };

    private static StringBuilder AppendTime(StringBuilder text, ReadOnlySpan<byte> field) =>
        text.Append(CultureInfo.InvariantCulture, $"{Epoch.AddTicks(BinaryPrimitives.ReadInt64BigEndian(field) * TimeSpan.TicksPerMicrosecond):yyyy-MM-dd HH:mm:ss.ffffff}");

    /// <summary>Groups of four digits, the first of them so many groups before the point; those of zeros at the ends are left out.</summary>
    private static StringBuilder AppendNumeric(StringBuilder text, ReadOnlySpan<byte> field)
    {
        const short negative = 0x4000;
        var (count, first, sign, scale) = (Short(field, 0), Short(field, 1), Short(field, 2), Short(field, 3));
        _ = sign == negative ? text.Append('-') : text;
        for (var group = Math.Max((short)0, first); group >= 0; group--)
        {
            var digits = Group(field, first - group, count);
            _ = group == Math.Max((short)0, first) ? text.Append(digits) : text.Append(CultureInfo.InvariantCulture, $"{digits:d4}");
        }

        if (scale > 0)
        {
            var fraction = new StringBuilder();
            for (var group = -1; fraction.Length < scale; group--)
            {
                fraction.Append(CultureInfo.InvariantCulture, $"{Group(field, first - group, count):d4}");
            }

            text.Append('.').Append(fraction, 0, scale);
        }

        return text;
    }

    private static short Group(ReadOnlySpan<byte> field, int index, short count) => index >= 0 && index < count ? Short(field, 4 + index) : (short)0;

    private static short Short(ReadOnlySpan<byte> field, int index) => BinaryPrimitives.ReadInt16BigEndian(field[(index * sizeof(short))..]);

    /// <summary>One file, as it is written.</summary>
    private sealed class RedshiftPart(string path) : IDisposable
    {
        private readonly StreamWriter _writer = new(new GZipStream(File.Create(path), CompressionLevel.Fastest), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));

        public string Path => path;

        /// <summary>Before compression.</summary>
        public long Length { get; private set; }

        public void Write(StringBuilder text)
        {
            Length += text.Length;
            _writer.Write(text);
        }

        public void Dispose() => _writer.Dispose();
    }
}
