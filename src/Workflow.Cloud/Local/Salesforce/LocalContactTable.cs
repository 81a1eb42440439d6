using System.Net.Mail;
using System.Text.RegularExpressions;

namespace Workflow.Cloud.Local;

/// <summary>The object <c>Contact</c> of the stand-in for Salesforce: its fields, queries on it, and updates with their refusals.</summary>
internal sealed partial class LocalContactTable(IReadOnlyList<LocalContact> contacts)
{
    public const string Entity = "Contact";

    private const string Required = "LastName";
    private const string Null = "#N/A";

    private static readonly Dictionary<string, int> Lengths = new(StringComparer.OrdinalIgnoreCase)
    {
        ["Id"] = 18,
        ["FirstName"] = 40,
        [Required] = 80,
        [LocalContact.EmailField] = 80,
        [LocalContact.SegmentField] = 50,
    };

    // The first 15 characters are the id; the rest is for those who lose capitals.
    private readonly Dictionary<string, LocalContact> _byId = contacts.ToDictionary(contact => contact.Id[..15], StringComparer.Ordinal);

    public IReadOnlyList<LocalContact> Contacts => [.. _byId.Values];

    public static bool HasField(string name) => Lengths.ContainsKey(name);

    /// <summary>What is wrong with a query, as code and message; null where it is right.</summary>
    public static (string Code, string Message)? CheckQuery(string soql)
    {
        if (Query().Match(soql) is not { Success: true } query)
        {
            return ("MALFORMED_QUERY", "unexpected token: this stand-in knows SELECT fields FROM object [WHERE Email != null | WHERE Email IN ('…')]");
        }

        if (!query.Groups["from"].Value.Equals(Entity, StringComparison.OrdinalIgnoreCase))
        {
            return ("INVALID_TYPE", $"sObject type '{query.Groups["from"].Value}' is not supported.");
        }

        var unknown = Columns(query).FirstOrDefault(column => !HasField(column));
        return unknown is null ? null : ("INVALID_FIELD", $"No such column '{unknown}' on entity '{Entity}'.");
    }

    /// <summary>The header and the rows of a query that is right.</summary>
    public IEnumerable<IEnumerable<string>> Select(string soql)
    {
        var query = Query().Match(soql);
        var columns = Columns(query);
        var wanted = query.Groups["in"].Success
            ? Texts().Matches(query.Groups["in"].Value).Select(text => Escapes().Replace(text.Groups[1].Value, "$1")).ToHashSet(StringComparer.OrdinalIgnoreCase)
            : null;
        var isFiltered = query.Groups["where"].Success;
        return _byId.Values
            .Where(contact => !contact.IsDeleted && (!isFiltered || (contact.Email is { } email && wanted?.Contains(email) != false)))
            .Select(contact => columns.Select(column => Value(contact, column)))
            .Prepend(columns);
    }

    /// <summary>Updates one record.</summary>
    /// <param name="values">By field.</param>
    /// <param name="job">The job that it is part of.</param>
    /// <param name="inThisJob">The records that the job has had.</param>
    /// <returns>Why it is refused, as <c>CODE:message:fields --</c>; null where it was updated.</returns>
    public string? Update(IReadOnlyDictionary<string, string> values, string job, ISet<string> inThisJob)
    {
        var id = values.GetValueOrDefault("Id", "");
        if (id.Length == 0)
        {
            return "MISSING_ARGUMENT:Id not specified:--";
        }

        if (!Ids().IsMatch(id))
        {
            return $"MALFORMED_ID:Contact ID: id value of incorrect type: {id}:Id --";
        }

        if (!inThisJob.Add(id[..15]))
        {
            return $"DUPLICATE_VALUE:Duplicate id specified: {id}:Id --";
        }

        return !_byId.TryGetValue(id[..15], out var contact) ? "INVALID_CROSS_REFERENCE_KEY:invalid cross reference id:--"
            : contact.IsDeleted ? "ENTITY_IS_DELETED:entity is deleted:--"
            : contact.Refusal ?? values.Where(value => value.Key != "Id").Select(value => Check(value.Key, value.Value)).FirstOrDefault(refusal => refusal is not null) ?? Apply(contact, values, job);
    }

    private string? Apply(LocalContact contact, IReadOnlyDictionary<string, string> values, string job)
    {
        var fields = contact.Fields.ToDictionary();
        foreach (var (name, value) in values.Where(value => value.Key != "Id" && value.Value.Length > 0))
        {
            var field = Lengths.Keys.First(known => known.Equals(name, StringComparison.OrdinalIgnoreCase));
            if (value == Null)
            {
                fields.Remove(field);
            }
            else
            {
                fields[field] = value;
            }
        }

        _byId[contact.Id[..15]] = contact with { Fields = fields, Updates = contact.Updates + (contact.UpdatedBy == job ? 0 : 1), UpdatedBy = job };
        return null;
    }

    private static string? Check(string field, string value) =>
        value == Null && field == Required ? $"REQUIRED_FIELD_MISSING:Required fields are missing: [{Required}]:{Required} --"
        : value.Length > Lengths[field] ? $"STRING_TOO_LONG:{field}: data value too large: {value} (max length={Lengths[field]}):{field} --"
        : field == LocalContact.EmailField && value is not ("" or Null) && !MailAddress.TryCreate(value, out _) ? $"INVALID_EMAIL_ADDRESS:Email: invalid email address: {value}:{field} --"
        : null;

    private static string Value(LocalContact contact, string column) =>
        column.Equals("Id", StringComparison.OrdinalIgnoreCase)
            ? contact.Id
            : contact.Fields.FirstOrDefault(field => field.Key.Equals(column, StringComparison.OrdinalIgnoreCase)).Value ?? "";

    private static string[] Columns(Match query) => query.Groups["columns"].Value.Split(',', StringSplitOptions.TrimEntries);

    [GeneratedRegex(@"^\s*SELECT\s+(?<columns>\w+(\s*,\s*\w+)*)\s+FROM\s+(?<from>\w+)(?<where>\s+WHERE\s+Email\s+(!=\s*null|IN\s*\((?<in>('(\\.|[^'\\])*'\s*,?\s*)+)\)))?\s*$", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture)]
    private static partial Regex Query();

    [GeneratedRegex(@"'((?:\\.|[^'\\])*)'")]
    private static partial Regex Texts();

    [GeneratedRegex(@"\\(.)")]
    private static partial Regex Escapes();

    [GeneratedRegex("^003([A-Za-z0-9]{12}|[A-Za-z0-9]{15})$")]
    private static partial Regex Ids();
}
