namespace Workflow.Data.Csv;

internal static class CsvText
{
    /// <summary>A field as CSV writes it: in quotes where it would be taken for something else.</summary>
    public static string Field(string text) =>
        text.AsSpan().ContainsAny(",\"\r\n") ? $"\"{text.Replace("\"", "\"\"")}\"" : text;
}
