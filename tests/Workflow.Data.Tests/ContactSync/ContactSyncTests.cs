using System.Globalization;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Workflow.Data.ContactSync;
using Workflow.Testing;

namespace Workflow.Data.Tests.ContactSync;

/// <summary>Rows, contacts and results, from file to file.</summary>
public sealed class ContactSyncTests : IDisposable
{
    private readonly TempFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Parts_are_no_larger_than_asked_and_the_same_each_time()
    {
        var rows = Segments(Enumerable.Range(1, 500).Select(n => (User: n, Segment: 1 + (n % 3), Email: $"u{n}@example.com")));
        await ReadAsync(rows);
        var contacts = Contacts(Enumerable.Range(1, 500).Select(n => (Id(n), $"u{n}@example.com", "")));

        var counts = Find(contacts, 1_000);
        var parts = Enumerable.Range(1, counts.Parts).Select(number => File.ReadAllText(Part(number))).ToList();

        Assert.True(counts.Parts > 5);
        Assert.All(parts, part => Assert.True(part.Length <= 1_000 && part.StartsWith("Id,User_Segment__c\n", StringComparison.Ordinal) && part.EndsWith('\n')));
        Assert.Equal(500, parts.SelectMany(part => part.Split('\n', StringSplitOptions.RemoveEmptyEntries)[1..]).Distinct().Count());
        Assert.Equal(counts, Find(contacts, 1_000));
        Assert.Equal(parts, Enumerable.Range(1, counts.Parts).Select(number => File.ReadAllText(Part(number))));
    }

    [Fact]
    public async Task Addresses_are_told_once_each_and_not_where_they_are_too_many()
    {
        await ReadAsync("user_id,segment,email\n1,1,B@example.com\n2,1,a@example.com\n3,1,b@EXAMPLE.com\n4,,c@example.com\n");

        Assert.Equal(["a@example.com", "b@example.com"], SegmentFile.ReadEmails(_folder.File("rows.parquet"), 26, Cancellation)!);
        Assert.Null(SegmentFile.ReadEmails(_folder.File("rows.parquet"), 25, Cancellation));
    }

    [Theory]
    [InlineData("3", "3", 0)]
    [InlineData("3.0", "3", 0)]
    [InlineData("3.00", "3", 0)]
    [InlineData("3.5", "3", 1)]
    [InlineData("30", "3", 1)]
    [InlineData("03", "3", 1)]
    [InlineData("", "3", 1)]
    [InlineData("gold", "Gold", 1)]
    [InlineData("a \"b\", c", "\"a \"\"b\"\", c\"", 0)]
    public async Task Only_a_segment_that_is_another_one_is_sent(string has, string isToHave, int sent)
    {
        await ReadAsync($"user_id,segment,email\n1,{isToHave},u@example.com\n");

        Assert.Equal(sent, Find(Contacts([(Id(1), "U@example.com", has)]), 1_000).ContactsToSend);
    }

    [Fact]
    public async Task Results_that_do_not_tell_of_every_contact_are_not_taken_for_whole()
    {
        await ReadAsync("user_id,segment,email\n1,1,a@example.com\n2,1,b@example.com\n");
        Find(Contacts([(Id(1), "a@example.com", ""), (Id(2), "b@example.com", "")]), 1_000);

        Assert.Throws<InvalidDataException>(() => Collect(good: [Id(1)], bad: []));
        Assert.Throws<InvalidDataException>(() => Collect(good: [Id(1), Id(1), Id(2)], bad: []));
        Assert.Throws<InvalidDataException>(() => Collect(good: [Id(1), Id(2)], bad: [Id(3)]));
        Assert.Equal(2, Collect(good: [Id(1), Id(2)], bad: []).Loaded);
    }

    [Fact]
    public async Task Refusals_are_taken_apart_into_rule_and_reason()
    {
        await ReadAsync("user_id,segment,email\n1,1,a@example.com\n2,1,b@example.com\n3,1,c@example.com\n");
        Find(Contacts([(Id(1), "a@example.com", ""), (Id(2), "b@example.com", ""), (Id(3), "c@example.com", "")]), 1_000);
        var job = Lists([], [(Id(1), "STRING_TOO_LONG:Segment: data value too large: x:y (max length=1):User_Segment__c --"), (Id(2), "something unheard of"), (Id(3), "ENTITY_IS_DELETED:entity is deleted:--")]);

        SegmentOutcomes.Collect(Outcomes(job), Cancellation);

        Assert.Equal(
            ["STRING_TOO_LONG,Segment: data value too large: x:y (max length=1)", "REFUSED,something unheard of", "ENTITY_IS_DELETED,entity is deleted"],
            (await File.ReadAllLinesAsync(_folder.File("quarantine.csv"), Cancellation))[1..].Select(line => string.Join(',', line.Split(',')[4..6])));
    }

    [Fact]
    public void Every_row_is_loaded_quarantined_or_skipped_as_a_plain_reading_says() => Prop.ForAll(Cases(), given =>
    {
        var (rows, contacts, locked) = given;
        var read = ReadAsync(Segments(rows.Select(row => (row.User, row.Segment, row.Email)))).GetAwaiter().GetResult();
        var changes = Find(Contacts(contacts.Select((contact, at) => (Id(at), contact.Email, contact.Segment))), 400);

        // The plain reading: the last row with an address counts, and every contact with it.
        var last = rows.Where(row => row is { User: > 0, Segment: > 0, Email.Length: > 0 }).GroupBy(row => row.Email.ToLowerInvariant()).ToDictionary(group => group.Key, group => $"{group.Last().Segment}");
        var changed = contacts.Select((contact, at) => (Id: Id(at), Email: contact.Email.ToLowerInvariant(), contact.Segment))
            .Where(contact => last.TryGetValue(contact.Email, out var segment) && segment != contact.Segment).ToList();
        var sent = Enumerable.Range(1, changes.Parts).SelectMany(number => File.ReadLines(Part(number)).Skip(1)).ToList();
        Assert.Equal(changed.Select(contact => $"{contact.Id},{last[contact.Email]}").Order(StringComparer.Ordinal), sent.Order(StringComparer.Ordinal));

        var bad = changed.Where((_, at) => locked.Contains(at)).ToList();
        var counts = Collect([.. changed.Except(bad).Select(contact => contact.Id)], [.. bad.Select(contact => contact.Id)]);
        Assert.Equal(bad.Select(contact => contact.Email).Distinct().Count(), counts.Failed);
        Assert.Equal(rows.Count, read.Refused + counts.Loaded + counts.Failed + read.WithoutEmail + changes.Duplicates + changes.WithoutContact + changes.Unchanged);
        Assert.Equal(read.Refused + bad.Count, counts.QuarantineLines);
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(20));

    private static Arbitrary<(List<(int User, int Segment, string Email)> Rows, List<(string Email, string Segment)> Contacts, List<int> Locked)> Cases()
    {
        var email = Gen.Elements("a@example.com", "A@Example.com", "b@example.com", "c@example.com", "d@example.com");
        var row = from user in Gen.Choose(0, 6) from segment in Gen.Choose(0, 3) from address in Gen.Frequency((5, email), (1, Gen.Constant(""))) select (user, segment, address);
        var contact = from address in email from segment in Gen.Elements("", "1", "2") select (address, segment);
        return (from rows in row.ListOf() from contacts in contact.ListOf() from locked in Gen.Choose(0, 10).ListOf() select (rows.ToList(), contacts.ToList(), locked.ToList())).ToArbitrary();
    }

    private static string Id(int number) => string.Create(CultureInfo.InvariantCulture, $"003{number:000000000000}AAA");

    /// <summary>A user or a segment of 0 is left out.</summary>
    private static string Segments(IEnumerable<(int User, int Segment, string Email)> rows) =>
        "user_id,segment,email\n" + string.Concat(rows.Select(row => $"{(row.User == 0 ? "" : row.User)},{(row.Segment == 0 ? "" : row.Segment)},{row.Email}\n"));

    private string Contacts(IEnumerable<(string Id, string Email, string Segment)> contacts)
    {
        var csv = new StringBuilder("\"Id\",\"Email\",\"User_Segment__c\"\n");
        foreach (var (id, email, segment) in contacts)
        {
            csv.Append(CultureInfo.InvariantCulture, $"\"{id}\",\"{email}\",\"{segment.Replace("\"", "\"\"", StringComparison.Ordinal)}\"\n");
        }

        return _folder.Write("contacts.csv", csv.ToString());
    }

    private Task<SegmentRows> ReadAsync(string csv) => SegmentFile.ReadAsync(
        new() { File = _folder.Write("segments.csv", csv), Source = "local://segments/day.csv", Output = _folder.File("rows.parquet"), ScratchFolder = _folder.File("spill") }, Cancellation);

    private SegmentChangeCounts Find(string contacts, long partBytes) => SegmentChanges.Find(
        new()
        {
            Rows = _folder.File("rows.parquet"),
            Contacts = contacts,
            Field = "User_Segment__c",
            PartBytes = partBytes,
            PartFile = Part,
            Sent = _folder.File("sent.parquet"),
            ScratchFolder = _folder.File("spill"),
        },
        Cancellation);

    private SegmentOutcomeCounts Collect(IReadOnlyList<string> good, IReadOnlyList<string> bad) =>
        SegmentOutcomes.Collect(Outcomes(Lists(good, [.. bad.Select(id => (id, "UNABLE_TO_LOCK_ROW:locked:--"))])), Cancellation);

    private SegmentOutcomesRequest Outcomes(SegmentJobLists job) => new()
    {
        Rows = _folder.File("rows.parquet"),
        Sent = _folder.File("sent.parquet"),
        Jobs = [job],
        Quarantine = _folder.File("quarantine.csv"),
        ScratchFolder = _folder.File("spill"),
    };

    private SegmentJobLists Lists(IReadOnlyList<string> good, IReadOnlyList<(string Id, string Error)> bad) => new(
        _folder.Write("successful.csv", "\"sf__Id\",\"sf__Created\",\"Id\",\"User_Segment__c\"\n" + string.Concat(good.Select(id => $"\"{id}\",\"false\",\"{id}\",\"1\"\n"))),
        _folder.Write("failed.csv", "\"sf__Id\",\"sf__Error\",\"Id\",\"User_Segment__c\"\n" + string.Concat(bad.Select(row => $"\"\",\"{row.Error}\",\"{row.Id}\",\"1\"\n"))),
        _folder.Write("unprocessed.csv", "\"Id\",\"User_Segment__c\"\n"),
        "JOB_JOBCOMPLETE",
        null);

    private string Part(int number) => _folder.File($"part-{number}.csv");
}
