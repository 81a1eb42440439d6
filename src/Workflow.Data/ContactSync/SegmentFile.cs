using System.Globalization;
using System.Text;
using Npgsql;
using Workflow.Data.Csv;
using Workflow.Data.DuckDb;

namespace Workflow.Data.ContactSync;

/// <summary>What the rows of a file of segments are read from and to.</summary>
public sealed record SegmentFileRequest
{
    /// <summary>CSV or Parquet with <c>user_id</c>, <c>segment</c> and, if it has them, <c>email</c>; others are left alone.</summary>
    public required string File { get; init; }

    /// <summary>What the file is called where people look for it.</summary>
    public required string Source { get; init; }

    /// <summary>Where the e-mail addresses are that the file does not have; null for nowhere.</summary>
    public UserEmails? Users { get; init; }

    /// <summary>A Parquet file: every row, with its e-mail address, or with the rule and reason that refuse it.</summary>
    public required string Output { get; init; }

    /// <summary>A folder for what does not fit the memory.</summary>
    public required string ScratchFolder { get; init; }
}

/// <summary>Rows of a file of segments.</summary>
/// <param name="Refused">Rows that say nothing that could be sent.</param>
/// <param name="WithoutEmail">Rows of users of whom nobody knows an address.</param>
public sealed record SegmentRows(long Rows, long Refused, long WithoutEmail)
{
    public bool HasEmails() => Rows > Refused + WithoutEmail;
}

/// <summary>
/// Reads who is in which segment. A file of refused rows, as <see cref="SegmentOutcomes"/> writes it, is read like any other; its rows
/// keep the source and the line they came from first.
/// </summary>
public static class SegmentFile
{
    private const int LongestRaw = 200;
    private static readonly string[] Required = ["user_id", "segment"];

    /// <exception cref="BadInputException">The file has not the columns, or cannot be read; or the table of users is not there.</exception>
    /// <exception cref="NpgsqlException">The database is out of reach or refuses.</exception>
    public static async Task<SegmentRows> ReadAsync(SegmentFileRequest request, CancellationToken cancellation)
    {
        using var database = DuckDbDatabase.Open(new() { TempDirectory = request.ScratchFolder });
        using var connection = database.Connect();
        connection.Execute(SqlText.Read("ContactSync/create_rows.sql"), cancellation);
        var hasEmail = await Task.Run(() => IsParquet(request.File) ? ReadParquet(connection, request, cancellation) : ReadCsv(connection, request, cancellation), cancellation);
        if (!hasEmail && request.Users is null)
        {
            throw new BadInputException($"{request.Source} has no column 'email', and no table of users is set to look addresses up in. Set UsersTable.");
        }

        connection.Execute(SqlText.Read("ContactSync/refuse_rows.sql"), cancellation);
        if (request.Users is { } users && connection.Scalar("select exists (select 1 from rows where rule is null and email is null)", cancellation) is true)
        {
            await users.LoadAsync(connection, cancellation);
            connection.Execute(SqlText.Read("ContactSync/look_up_emails.sql"), cancellation);
        }

        connection.ExportParquet("select * from rows order by row", request.Output, cancellation);
        using var counts = connection.Query(SqlText.Read("ContactSync/count_rows.sql"), cancellation);
        var count = counts.Rows(cancellation).Single();
        return new((long)count[0]!, (long)count[1]!, (long)count[2]!);
    }

    /// <summary>The different addresses in a file that <see cref="ReadAsync"/> has written.</summary>
    /// <returns>Null where they come to more characters, all told, than <paramref name="most"/>.</returns>
    public static IReadOnlyList<string>? ReadEmails(string rows, int most, CancellationToken cancellation)
    {
        using var database = DuckDbDatabase.Open(new());
        using var connection = database.Connect();
        using var emails = connection.Query(SqlText.Read("ContactSync/emails.sql"), cancellation, rows);
        var (read, characters) = (new List<string>(), 0);
        foreach (var row in emails.Rows(cancellation))
        {
            var email = (string)row[0]!;
            read.Add(email);
            characters += email.Length;
            if (characters > most)
            {
                return null;
            }
        }

        return read;
    }

    private static bool ReadCsv(DuckDbConnection connection, SegmentFileRequest request, CancellationToken cancellation)
    {
        using var csv = new CsvReader(request.File);
        CheckColumns(request, csv.Header);
        var (user, segment, email, source, line) = (IndexOf(csv, "user_id"), IndexOf(csv, "segment"), IndexOf(csv, "email"), IndexOf(csv, "source"), IndexOf(csv, "line"));
        using var rows = connection.Append("rows");
        while (csv.Read())
        {
            cancellation.ThrowIfCancellationRequested();
            var isFirst = csv.Fault is null && source >= 0 && line >= 0 && csv[source].Length > 0
                && long.TryParse(csv[line], NumberStyles.None, CultureInfo.InvariantCulture, out var first) ? first : (long?)null;
            rows.Append(csv.Row);
            rows.Append(isFirst ?? csv.Line);
            Append(rows, isFirst is null ? Encoding.UTF8.GetBytes(request.Source) : csv[source]);
            foreach (var column in new[] { user, segment, email })
            {
                Append(rows, csv.Fault is null && column >= 0 ? csv[column] : default);
            }

            Append(rows, csv.Fault is null ? default : "MALFORMED_ROW"u8);
            Append(rows, csv.Fault is null ? default : Encoding.UTF8.GetBytes($"{csv.Fault}: {Shown(csv.Raw)}"));
            rows.EndRow();
        }

        rows.Complete();
        return email >= 0;
    }

    private static bool ReadParquet(DuckDbConnection connection, SegmentFileRequest request, CancellationToken cancellation)
    {
        IReadOnlyList<string> columns;
        try
        {
            using var head = connection.Query("select * from read_parquet(?) limit 0", cancellation, request.File);
            columns = [.. head.Columns.Select(column => column.Name)];
        }
        catch (DuckDbException broken)
        {
            throw new BadInputException($"{request.Source} is not a whole Parquet file. Deliver it again.", broken);
        }

        CheckColumns(request, columns);
        var hasEmail = columns.Contains("email", StringComparer.OrdinalIgnoreCase);
        connection.Execute(SqlText.Read("ContactSync/read_parquet.sql", ("email", hasEmail ? "email" : "null")), cancellation, request.Source, request.File);
        return hasEmail;
    }

    private static void CheckColumns(SegmentFileRequest request, IReadOnlyList<string> columns)
    {
        var missing = Required.Where(name => !columns.Contains(name, StringComparer.OrdinalIgnoreCase)).ToList();
        if (missing.Count > 0)
        {
            throw new BadInputException($"{request.Source} has no column {string.Join(" and no column ", missing.Select(name => $"'{name}'"))}. It has: {string.Join(", ", columns)}.");
        }
    }

    private static void Append(DuckDbAppender rows, ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty)
        {
            rows.AppendNull();
        }
        else
        {
            rows.Append(text);
        }
    }

    private static string Shown(ReadOnlySpan<byte> raw)
    {
        var text = Encoding.UTF8.GetString(raw[..Math.Min(raw.Length, LongestRaw)]).Replace("\0", "\\0", StringComparison.Ordinal);
        return raw.Length > LongestRaw ? text + "…" : text;
    }

    private static int IndexOf(CsvReader csv, string name) => csv.Header.ToList().FindIndex(column => column.Equals(name, StringComparison.OrdinalIgnoreCase));

    private static bool IsParquet(string path)
    {
        using var file = System.IO.File.OpenRead(path);
        Span<byte> magic = stackalloc byte[4];
        return file.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false) == magic.Length && magic.SequenceEqual("PAR1"u8);
    }
}
