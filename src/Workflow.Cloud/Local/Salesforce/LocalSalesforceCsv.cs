using System.Text;

namespace Workflow.Cloud.Local;

/// <summary>CSV as Salesforce reads and writes it.</summary>
internal static class LocalSalesforceCsv
{
    /// <summary>Everything in quotes.</summary>
    public static string Line(IEnumerable<string> fields) => string.Join(',', fields.Select(field => $"\"{field.Replace("\"", "\"\"")}\"")) + "\n";

    public static IEnumerable<IReadOnlyList<string>> Read(TextReader from)
    {
        var record = new List<string>();
        var field = new StringBuilder();
        var (quoted, any) = (false, false);
        for (int next; (next = from.Read()) >= 0;)
        {
            var character = (char)next;
            any = true;
            if (quoted && character == '"' && from.Peek() == '"')
            {
                field.Append((char)from.Read());
            }
            else if (character == '"')
            {
                quoted = !quoted;
            }
            else if (!quoted && character is ',' or '\n')
            {
                record.Add(field.ToString());
                field.Clear();
                if (character == '\n')
                {
                    yield return record;
                    (record, any) = ([], false);
                }
            }
            else
            {
                field.Append(character);
            }
        }

        if (any)
        {
            record.Add(field.ToString());
            yield return record;
        }
    }
}
