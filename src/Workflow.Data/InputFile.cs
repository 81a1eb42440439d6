using System.IO.Compression;
using System.Text;

namespace Workflow.Data;

/// <summary>An input file's text as UTF-8 without a byte order mark: unpacked when it is gzip, transcoded when it is UTF-16.</summary>
internal static class InputFile
{
    private const int PackedBufferSize = 1 << 16;

    private static readonly bool GzipIsStrict = MakeGzipStrict();

    public static Stream Open(string path)
    {
        var packed = IsGzip(path);
        var start = new byte[4];
        using (var probe = OpenPlain(path, packed))
        {
            Array.Resize(ref start, probe.ReadAtLeast(start, start.Length, throwOnEndOfStream: false));
        }

        return start switch
        {
            [0xFF, 0xFE, 0, 0] or [0, 0, 0xFE, 0xFF] => throw Bad(path, "begins with the byte order mark of UTF-32. Save it as UTF-8"),
            [0xFF, 0xFE, ..] => FromUtf16(SkipMark(OpenPlain(path, packed), 2), bigEndian: false),
            [0xFE, 0xFF, ..] => FromUtf16(SkipMark(OpenPlain(path, packed), 2), bigEndian: true),
            [0xEF, 0xBB, 0xBF, ..] => SkipMark(OpenPlain(path, packed), 3),
            _ => OpenPlain(path, packed),
        };
    }

    /// <summary>Runs a read; what it meets in a broken file becomes an error that names the file.</summary>
    public static T Guard<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (InvalidDataException cut)
        {
            throw Bad(path, "is a gzip file that is cut off or damaged. Deliver it again", cut);
        }
        catch (DecoderFallbackException broken)
        {
            throw Bad(path, "is not well-formed UTF-16. Save it as UTF-8", broken);
        }
    }

    public static BadInputException Bad(string path, string what, Exception? inner = null) => new($"The file '{Path.GetFileName(path)}' {what}.", inner);

    private static Stream OpenPlain(string path, bool packed)
    {
        if (packed && !GzipIsStrict)
        {
            throw new InvalidOperationException(
                "Gzip files that are cut off cannot be told apart, because gzip was used in this process before. " +
                "Set System.IO.Compression.UseStrictValidation to true in the program's runtimeconfig.");
        }

        var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, packed ? PackedBufferSize : 0, FileOptions.SequentialScan);
        return packed ? new GZipStream(file, CompressionMode.Decompress) : file;
    }

    private static bool IsGzip(string path)
    {
        using var file = OpenPlain(path, packed: false);
        Span<byte> magic = stackalloc byte[2];
        return file.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false) == magic.Length && magic is [0x1F, 0x8B];
    }

    private static Stream SkipMark(Stream stream, int bytes)
    {
        stream.ReadExactly(stackalloc byte[bytes]);
        return stream;
    }

    /// <summary>Half a surrogate pair throws, so that it is never quietly replaced.</summary>
    private static Stream FromUtf16(Stream stream, bool bigEndian)
    {
        var encoding = Encoding.GetEncoding(bigEndian ? "utf-16BE" : "utf-16LE", EncoderFallback.ExceptionFallback, DecoderFallback.ExceptionFallback);
        return Encoding.CreateTranscodingStream(stream, encoding, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
    }

    /// <summary>Without this, the runtime takes a gzip file that was cut off for one that ends there.</summary>
    /// <returns>False where gzip was used in this process before, and the setting comes too late.</returns>
    private static bool MakeGzipStrict()
    {
        AppContext.SetSwitch("System.IO.Compression.UseStrictValidation", true);
        ReadOnlySpan<byte> headerOnly = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3];
        using var cut = new GZipStream(new MemoryStream(headerOnly.ToArray()), CompressionMode.Decompress);
        try
        {
            return cut.ReadByte() >= 0;
        }
        catch (InvalidDataException)
        {
            return true;
        }
    }
}
