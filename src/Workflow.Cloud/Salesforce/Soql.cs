using System.Text;

namespace Workflow.Cloud.Salesforce;

/// <summary>Salesforce's query language.</summary>
public static class Soql
{
    /// <summary>The longest query that Salesforce takes.</summary>
    public const int LongestQuery = 100_000;

    /// <summary>A text literal, whatever it holds.</summary>
    public static string Text(string value)
    {
        var text = new StringBuilder("'");
        foreach (var character in value)
        {
            text.Append(character switch { '\'' => @"\'", '\\' => @"\\", '\n' => @"\n", '\r' => @"\r", '\t' => @"\t", _ => character.ToString() });
        }

        return text.Append('\'').ToString();
    }
}
