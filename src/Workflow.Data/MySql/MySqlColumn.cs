namespace Workflow.Data.MySql;

/// <summary>A column of a result (dev.mysql.com, "Protocol::ColumnDefinition41").</summary>
internal sealed record MySqlColumn(string Name, MySqlType Type, bool IsBinary)
{
    private const ushort BinaryCharset = 63;

    public static MySqlColumn Parse(ReadOnlySpan<byte> payload)
    {
        var reader = new PayloadReader(payload);
        for (var skipped = 0; skipped < 4; skipped++)
        {
            reader.Text(); // catalog, schema, table, and the table's name behind its alias
        }

        var name = reader.Text()!;
        reader.Text(); // the column's name behind its alias
        reader.LengthEncodedInteger(); // of what follows
        var charset = reader.UInt16();
        reader.UInt32(); // its longest value
        return new(name, (MySqlType)reader.Byte(), charset == BinaryCharset);
    }

    /// <summary>In a select list: as it stands, or as a text where its own form is bytes.</summary>
    public string AsText
    {
        get
        {
            var name = MySqlText.Identifier(Name);
            return Type switch
            {
                MySqlType.Bit => $"{name} + 0",
                MySqlType.Geometry => $"st_astext({name})",
                MySqlType.VarChar or MySqlType.VarString or MySqlType.String or MySqlType.TinyBlob or MySqlType.MediumBlob or MySqlType.LongBlob or MySqlType.Blob when IsBinary =>
                    $"concat('0x', hex({name}))",
                _ => name,
            };
        }
    }
}

/// <summary>Types by their numbers on the wire; of many, those that matter here.</summary>
internal enum MySqlType : byte
{
    Tiny = 1,
    Short = 2,
    Long = 3,
    LongLong = 8,
    Int24 = 9,
    VarChar = 15,
    Bit = 16,
    TinyBlob = 249,
    MediumBlob = 250,
    LongBlob = 251,
    Blob = 252,
    VarString = 253,
    String = 254,
    Geometry = 255,
}
