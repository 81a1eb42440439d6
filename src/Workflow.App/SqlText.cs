namespace Workflow.App;

/// <summary>The embedded <c>.sql</c> files.</summary>
internal static class SqlText
{
    /// <param name="file">Relative to the project, such as <c>Demo/put_customer.sql</c>.</param>
    public static string Read(string file)
    {
        using var stream = typeof(SqlText).Assembly.GetManifestResourceStream(file)
            ?? throw new InvalidOperationException($"There is no embedded SQL file {file}.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
