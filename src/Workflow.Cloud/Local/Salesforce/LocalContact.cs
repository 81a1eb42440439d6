using System.Text.Json.Serialization;

namespace Workflow.Cloud.Local;

/// <summary>A contact in the stand-in for Salesforce.</summary>
/// <param name="Id">18 characters; see <see cref="IdOf"/>.</param>
/// <param name="Fields">Values by field; one that is empty is not there.</param>
public sealed record LocalContact(string Id, IReadOnlyDictionary<string, string> Fields)
{
    public const string EmailField = "Email";
    public const string SegmentField = "User_Segment__c";

    public bool IsDeleted { get; init; }

    /// <summary>What an update of it is refused with, as Salesforce writes it: <c>CODE:message:fields --</c>.</summary>
    public string? Refusal { get; init; }

    /// <summary>How many jobs have updated it.</summary>
    public int Updates { get; init; }

    /// <summary>The last of those. A job that is killed on the way is done again, and is still one.</summary>
    public string? UpdatedBy { get; init; }

    [JsonIgnore]
    public string? Email => Fields.GetValueOrDefault(EmailField);

    [JsonIgnore]
    public string? Segment => Fields.GetValueOrDefault(SegmentField);

    /// <summary>A made-up person with an e-mail address.</summary>
    public static LocalContact Create(int number, string? email, string? segment = null)
    {
        var fields = new Dictionary<string, string> { ["LastName"] = $"Contact {number}" };
        if (email is not null)
        {
            fields[EmailField] = email;
        }

        if (segment is not null)
        {
            fields[SegmentField] = segment;
        }

        return new(IdOf("003", number), fields);
    }

    /// <summary>An id as Salesforce makes them: 3 characters for the object, 12 for the record, and 3 that say which of those are capitals.</summary>
    public static string IdOf(string prefix, int number)
    {
        const string CheckLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
        var id = $"{prefix}LC{number:0000000000}";
        var check = Enumerable.Range(0, 3).Select(block => CheckLetters[Enumerable.Range(0, 5).Sum(at => char.IsAsciiLetterUpper(id[(5 * block) + at]) ? 1 << at : 0)]);
        return id + string.Concat(check);
    }
}
