using System.Text;

namespace Workflow.Data.MySql;

/// <summary>The quoting of names and values in MySQL's SQL.</summary>
internal static class MySqlText
{
    public static string Identifier(string name) => $"`{name.Replace("`", "``")}`";

    /// <summary>A text by its bytes, which no setting of the server reads otherwise.</summary>
    public static string Literal(string text) => $"_utf8mb4 x'{Convert.ToHexString(Encoding.UTF8.GetBytes(text))}'";
}
