using System.Text;
using Workflow.Data.Csv;
using Workflow.Data.DuckDb;

namespace Workflow.Data.ContactSync;

/// <summary>What contacts have now, and what they are to have.</summary>
public sealed record SegmentChangesRequest
{
    /// <summary>What <see cref="SegmentFile"/> has written.</summary>
    public required string Rows { get; init; }

    /// <summary>A CSV file with a header and, whatever they are called, the id, the e-mail address and the segment of each contact.</summary>
    public required string Contacts { get; init; }

    /// <summary>The header of the segments in the parts.</summary>
    public required string Field { get; init; }

    /// <summary>No part is larger.</summary>
    public required long PartBytes { get; init; }

    /// <summary>The file of a part, 1 being the first.</summary>
    public required Func<int, string> PartFile { get; init; }

    /// <summary>A Parquet file: which contacts are sent for which rows.</summary>
    public required string Sent { get; init; }

    /// <summary>A folder for what does not fit the memory.</summary>
    public required string ScratchFolder { get; init; }
}

/// <summary>What is to be sent. The first four are rows, and together all rows that have an address.</summary>
/// <param name="Duplicates">Rows for whose address a later row says otherwise, or the same again.</param>
/// <param name="WithoutContact">Rows with whose address there is no contact.</param>
/// <param name="Unchanged">Rows all of whose contacts have the segment already.</param>
/// <param name="Changed">Rows some of whose contacts have another segment, or none.</param>
/// <param name="Contacts">Contacts as they were read.</param>
/// <param name="ContactsToSend">One row may be about several: all contacts with its address.</param>
/// <param name="Parts">Files that were written.</param>
public sealed record SegmentChangeCounts(
    long Duplicates = 0, long WithoutContact = 0, long Unchanged = 0, long Changed = 0, long Contacts = 0, long ContactsToSend = 0, int Parts = 0);

/// <summary>
/// Finds the contacts of users by e-mail address, whatever its case, and writes those whose segment is another one, in parts of a size.
/// The same input gives the same parts, byte by byte.
/// </summary>
public static class SegmentChanges
{
    public static SegmentChangeCounts Find(SegmentChangesRequest request, CancellationToken cancellation)
    {
        using var database = DuckDbDatabase.Open(new() { TempDirectory = request.ScratchFolder });
        using var connection = database.Connect();
        connection.Execute(SqlText.Read("ContactSync/create_contacts.sql"), cancellation);
        connection.Execute(SqlText.Read("ContactSync/read_contacts.sql"), cancellation, request.Contacts);
        connection.Execute(SqlText.Read("ContactSync/read_latest.sql"), cancellation, request.Rows);
        connection.Execute(SqlText.Read("ContactSync/match_contacts.sql"), cancellation);
        var parts = WriteParts(database, request, cancellation);
        connection.ExportParquet("select * from sent", request.Sent, cancellation);

        using var counts = connection.Query(SqlText.Read("ContactSync/count_changes.sql"), cancellation, request.Rows);
        var count = counts.Rows(cancellation).Single().Select(value => (long)value!).ToArray();
        return new(count[0], count[1], count[2], count[3], count[4], count[5], parts);
    }

    private static int WriteParts(DuckDbDatabase database, SegmentChangesRequest request, CancellationToken cancellation)
    {
        using var reader = database.Connect();
        using var writer = database.Connect();
        using var sent = writer.Append("sent");
        using var changes = reader.Query(SqlText.Read("ContactSync/changes.sql"), cancellation);
        using var part = new PartWriter(request);
        foreach (var change in changes.Rows(cancellation))
        {
            part.Write((string)change[1]!, (string)change[2]!);
            sent.Append((long)change[0]!);
            sent.Append((string)change[1]!);
            sent.EndRow();
        }

        sent.Complete();
        return part.Number;
    }

    private sealed class PartWriter(SegmentChangesRequest request) : IDisposable
    {
        private readonly byte[] _header = Encoding.UTF8.GetBytes($"Id,{request.Field}\n");
        private FileStream? _file;

        public int Number { get; private set; }

        public void Write(string id, string segment)
        {
            var line = Encoding.UTF8.GetBytes($"{CsvText.Field(id)},{CsvText.Field(segment)}\n");
            if (_file is null || _file.Position + line.Length > request.PartBytes)
            {
                _file?.Dispose();
                _file = new(request.PartFile(++Number), FileMode.Create, FileAccess.Write, FileShare.Read, 1 << 16);
                _file.Write(_header);
            }

            _file.Write(line);
        }

        public void Dispose() => _file?.Dispose();
    }
}
