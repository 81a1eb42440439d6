using System.Globalization;
using System.Text;

namespace Workflow.Data.SchemaConversion;

/// <summary>Defaults and conditions in the target's words; null where they have none that are sure to mean the same.</summary>
internal static class ExpressionConversion
{
    private static readonly string[] Keywords = ["AND", "OR", "NOT", "IN", "BETWEEN", "LIKE", "IS", "NULL", "ESCAPE", "CASE", "WHEN", "THEN", "ELSE", "END"];
    private static readonly string[] Functions = ["UPPER", "LOWER", "LENGTH", "ABS", "ROUND", "MOD", "TRIM", "LTRIM", "RTRIM", "COALESCE", "NULLIF", "FLOOR", "CEIL", "SIGN", "POWER"];
    private static readonly string[] Trims = ["TRIM", "LTRIM", "RTRIM"];

    // Not the division: Oracle's is exact, the target's of two whole numbers is whole.
    private static readonly string[] Operators = ["(", ")", ",", "=", "<", ">", "<=", ">=", "<>", "!=", "+", "-", "*"];

    /// <summary>The default of a column.</summary>
    /// <param name="type">Of the column, in Oracle.</param>
    public static string? Default(IReadOnlyList<Token> tokens, OracleType type, ConversionTarget target)
    {
        // (expression) is what some tools write.
        while (tokens.Count > 2 && tokens[0].IsSymbol("(") && tokens[^1].IsSymbol(")"))
        {
            tokens = [.. tokens.Skip(1).SkipLast(1)];
        }

        var isPostgres = target == ConversionTarget.Postgres;
        return tokens switch
        {
            [{ Kind: TokenKind.Text } text] => Text(text.Text, type, isPostgres),
            [{ Kind: TokenKind.Number } number] => number.Text,
            [{ Kind: TokenKind.Symbol, Text: "-" or "+" } sign, { Kind: TokenKind.Number } number] => sign.Text + number.Text,
            [{ Kind: TokenKind.Word, Text: "NULL" }] => "null",
            [{ Kind: TokenKind.Word, Text: "TRUE" or "FALSE" } truth] => truth.Text.ToLowerInvariant(),
            [{ Kind: TokenKind.Word, Text: "SYSDATE" or "CURRENT_DATE" }] => isPostgres ? "localtimestamp(0)" : "getdate()",
            [{ Kind: TokenKind.Word, Text: "SYSTIMESTAMP" or "CURRENT_TIMESTAMP" or "LOCALTIMESTAMP" }] => Now(type, isPostgres),
            [{ Kind: TokenKind.Word, Text: "TRUNC" }, { Text: "(" }, { Kind: TokenKind.Word, Text: "SYSDATE" }, { Text: ")" }] => isPostgres ? "date_trunc('day', localtimestamp)" : "trunc(getdate())",
            [{ Kind: TokenKind.Word, Text: "SYS_GUID" }, { Text: "(" }, { Text: ")" }] when isPostgres => Guid(type),
            [{ Kind: TokenKind.Word, Text: "EMPTY_CLOB" or "EMPTY_BLOB" }, { Text: "(" }, { Text: ")" }] => "''",
            [{ Kind: TokenKind.Word, Text: "USER" }] when isPostgres => "current_user",
            [{ Kind: TokenKind.Word, Text: "DATE" or "TIMESTAMP" }, { Kind: TokenKind.Text } moment] => $"timestamp {SqlText.Literal(moment.Text)}",
            [{ Kind: TokenKind.Word, Text: "TO_DATE" }, { Text: "(" }, { Kind: TokenKind.Text } moment, { Text: "," }, { Kind: TokenKind.Text } form, { Text: ")" }]
                when form.Text.ToUpperInvariant() is "YYYY-MM-DD" or "YYYY-MM-DD HH24:MI:SS" => $"timestamp {SqlText.Literal(moment.Text)}",
            _ => null,
        };
    }

    /// <summary>The sequence whose next value is the default, if that is what it is.</summary>
    public static OracleName? Sequence(IReadOnlyList<Token> tokens) => tokens switch
    {
        [{ IsName: true } name, { Text: "." }, { Kind: TokenKind.Word, Text: "NEXTVAL" }] => new(null, name.Text),
        [{ IsName: true } schema, { Text: "." }, { IsName: true } name, { Text: "." }, { Kind: TokenKind.Word, Text: "NEXTVAL" }] => new(schema.Text, name.Text),
        _ => null,
    };

    /// <summary>A condition on the columns of a table.</summary>
    /// <remarks>
    /// An empty text is null in Oracle and none elsewhere, and so is what a null joined to a text makes: neither is converted, and what is
    /// trimmed to nothing is made null. Days between dates are numbers in Oracle alone.
    /// </remarks>
    public static string? Condition(IReadOnlyList<Token> tokens, OracleTable? table, Func<string, string> quote)
    {
        if (tokens.Any(token => token.IsSymbol("+") || token.IsSymbol("-")) && tokens.Any(token => token.IsName && table?.Find(token.Text) is { } column && IsTemporal(column.Type)))
        {
            return null;
        }

        var sql = new StringBuilder();
        for (var index = 0; index < tokens.Count; index++)
        {
            if (Write(tokens, index, table, quote) is not { } written)
            {
                return null;
            }

            var joined = index == 0 || written[0] is ')' or ',' || tokens[index - 1].IsSymbol("(") || (written == "(" && IsFunction(tokens, index - 1));
            sql.Append(joined ? "" : " ").Append(written);
        }

        return sql.ToString();
    }

    private static string? Write(IReadOnlyList<Token> tokens, int index, OracleTable? table, Func<string, string> quote)
    {
        var token = tokens[index];
        return token.Kind switch
        {
            TokenKind.Number => token.Text,
            TokenKind.Text when token.Text.Length > 0 && !IsEscaping(tokens, index) => SqlText.Literal(token.Text),
            TokenKind.Symbol when token.Text == ")" && ClosesTrim(tokens, index) => "), '')",
            TokenKind.Symbol when Operators.Contains(token.Text) => token.Text,
            TokenKind.Symbol when token.Text == "^=" => "<>",
            TokenKind.Word when table?.Find(token.Text) is not null => quote(token.Text),
            TokenKind.QuotedName when table is null || table.Find(token.Text) is not null => quote(token.Text),
            TokenKind.Word when Keywords.Contains(token.Text) => token.Text.ToLowerInvariant(),
            TokenKind.Word when token.Text == "DATE" && index + 1 < tokens.Count && tokens[index + 1].Kind == TokenKind.Text => "timestamp",
            TokenKind.Word when IsFunction(tokens, index) => token.Text == "NVL" ? "coalesce" : $"{(Trims.Contains(token.Text) ? "nullif(" : "")}{token.Text.ToLowerInvariant()}",
            _ => null,
        };
    }

    private static bool IsFunction(IReadOnlyList<Token> tokens, int index) =>
        tokens[index].Kind == TokenKind.Word && (tokens[index].Text == "NVL" || Functions.Contains(tokens[index].Text)) && index + 1 < tokens.Count && tokens[index + 1].IsSymbol("(");

    private static bool ClosesTrim(IReadOnlyList<Token> tokens, int index)
    {
        for (var depth = 1; depth > 0 && index > 0;)
        {
            index--;
            depth += tokens[index].IsSymbol(")") ? 1 : tokens[index].IsSymbol("(") ? -1 : 0;
        }

        return index > 0 && IsFunction(tokens, index - 1) && Trims.Contains(tokens[index - 1].Text);
    }

    /// <summary>A pattern in which a backslash is one for Oracle, and what escapes for the target.</summary>
    private static bool IsEscaping(IReadOnlyList<Token> tokens, int index) =>
        tokens[index].Text.Contains('\\', StringComparison.Ordinal) && index > 0 && tokens[index - 1].Is("LIKE") && !(index + 1 < tokens.Count && tokens[index + 1].Is("ESCAPE"));

    private static bool IsTemporal(OracleType type) =>
        type.Name.StartsWith("DATE", StringComparison.Ordinal) || type.Name.StartsWith("TIMESTAMP", StringComparison.Ordinal) || type.Name.StartsWith("INTERVAL", StringComparison.Ordinal);

    /// <summary>What a text means as the default of a number or a date, Oracle's session decides; as that of a binary it is hexadecimal.</summary>
    private static string? Text(string text, OracleType type, bool isPostgres) => type.Name switch
    {
        _ when text.Length == 0 => "null",
        "RAW" or "LONG RAW" or "BLOB" => isPostgres && text.All(char.IsAsciiHexDigit) && text.Length % 2 == 0 ? SqlText.Literal($"\\x{text}") : null,
        _ when IsTemporal(type) => null,
        _ when type.Name.Contains("CHAR", StringComparison.Ordinal) || type.Name.EndsWith("CLOB", StringComparison.Ordinal) || type.Name == "LONG" => SqlText.Literal(text),
        _ => decimal.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out _) ? SqlText.Literal(text) : null,
    };

    private static string Now(OracleType type, bool isPostgres) => type.Name switch
    {
        "TIMESTAMP WITH TIME ZONE" or "TIMESTAMP WITH LOCAL TIME ZONE" => isPostgres ? "current_timestamp" : "sysdate",
        "DATE" => isPostgres ? "localtimestamp(0)" : "getdate()",
        _ => isPostgres ? "localtimestamp" : "sysdate",
    };

    private static string Guid(OracleType type) =>
        type.Name == "RAW" ? "decode(replace(gen_random_uuid()::text, '-', ''), 'hex')" : "upper(replace(gen_random_uuid()::text, '-', ''))";
}
