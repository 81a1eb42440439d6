namespace Workflow.Data.SchemaConversion;

internal enum TokenKind
{
    /// <summary>A keyword or an unquoted name, folded to upper case as Oracle does.</summary>
    Word,
    QuotedName,
    Text,
    Number,
    Symbol,
}

/// <param name="Text">What it means: without its quotes.</param>
/// <param name="Line">From 1.</param>
/// <param name="Start">Where it begins in the script, and where it ends.</param>
internal readonly record struct Token(TokenKind Kind, string Text, int Line, int Start, int End)
{
    public bool Is(string word) => Kind == TokenKind.Word && Text == word;

    public bool IsSymbol(string symbol) => Kind == TokenKind.Symbol && Text == symbol;

    public bool IsName => Kind is TokenKind.Word or TokenKind.QuotedName;
}

/// <summary>A statement of a script, without what ended it.</summary>
/// <param name="IsClient">A command to SQL*Plus, which the database never sees.</param>
internal sealed record OracleStatement(string Script, IReadOnlyList<Token> Tokens, bool IsClient)
{
    private const int Shown = 120;

    public int Line => Tokens[0].Line;

    /// <summary>As it stands in the script, blanks drawn together, cut where it is long.</summary>
    public string Excerpt(int from, int to)
    {
        if (from >= to)
        {
            return "";
        }

        var text = Script[Tokens[from].Start..Tokens[to - 1].End];
        var line = string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return line.Length <= Shown ? line : line[..Shown] + "…";
    }

    public string Excerpt() => Excerpt(0, Tokens.Count);
}

/// <summary>Goes through the tokens of a statement.</summary>
internal sealed class TokenCursor(OracleStatement statement)
{
    private static readonly Token End = new(TokenKind.Symbol, "", 0, 0, 0);

    public int Position { get; private set; }

    public OracleStatement Statement => statement;

    public bool AtEnd => Position >= statement.Tokens.Count;

    public Token Current => Peek(0);

    public int Line => AtEnd ? statement.Tokens[^1].Line : Current.Line;

    public Token Peek(int ahead) => Position + ahead < statement.Tokens.Count ? statement.Tokens[Position + ahead] : End;

    /// <summary>Whether these words come next.</summary>
    public bool Next(params ReadOnlySpan<string> words)
    {
        for (var index = 0; index < words.Length; index++)
        {
            if (!Peek(index).Is(words[index]))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Takes these words if they come next.</summary>
    public bool Take(params ReadOnlySpan<string> words)
    {
        var next = Next(words);
        Position += next ? words.Length : 0;
        return next;
    }

    public bool TakeSymbol(string symbol)
    {
        var next = Current.IsSymbol(symbol);
        Position += next ? 1 : 0;
        return next;
    }

    public Token TakeAny()
    {
        var token = AtEnd ? throw Unreadable("more") : Current;
        Position++;
        return token;
    }

    public void Expect(string word)
    {
        if (!Take(word))
        {
            throw Unreadable(word);
        }
    }

    public void ExpectSymbol(string symbol)
    {
        if (!TakeSymbol(symbol))
        {
            throw Unreadable($"'{symbol}'");
        }
    }

    public string TakeName() => Current.IsName && !AtEnd ? TakeAny().Text : throw Unreadable("a name");

    public string TakeText() => Current.Kind == TokenKind.Text ? TakeAny().Text : throw Unreadable("a text");

    public OracleName TakeQualifiedName()
    {
        var name = TakeName();
        return TakeSymbol(".") ? new(name, TakeName()) : new(null, name);
    }

    /// <summary>A parenthesis and all that is in it.</summary>
    /// <returns>What is in it.</returns>
    public IReadOnlyList<Token> TakeGroup()
    {
        ExpectSymbol("(");
        var begin = Position;
        for (var depth = 1; depth > 0;)
        {
            var token = AtEnd ? throw Unreadable("')'") : TakeAny();
            depth += token.IsSymbol("(") ? 1 : token.IsSymbol(")") ? -1 : 0;
        }

        return [.. statement.Tokens.Skip(begin).Take(Position - begin - 1)];
    }

    /// <summary>Names in a parenthesis.</summary>
    public IReadOnlyList<string> TakeNames()
    {
        var names = new List<string>();
        ExpectSymbol("(");
        do
        {
            names.Add(TakeName());
        }
        while (TakeSymbol(","));
        ExpectSymbol(")");
        return names;
    }

    /// <summary>All up to the comma or the parenthesis that ends the element of a list.</summary>
    public string SkipElement()
    {
        var begin = Position;
        while (!AtEnd && !EndsElement)
        {
            if (Current.IsSymbol("("))
            {
                TakeGroup();
            }
            else
            {
                Position++;
            }
        }

        return statement.Excerpt(begin, Position);
    }

    public string SkipRest()
    {
        var begin = Position;
        Position = statement.Tokens.Count;
        return statement.Excerpt(begin, Position);
    }

    public bool EndsElement => AtEnd || Current.IsSymbol(",") || Current.IsSymbol(")");

    public UnreadableStatementException Unreadable(string wanted) =>
        new(Line, $"expected {wanted}, found {(AtEnd ? "the end of the statement" : $"'{Current.Text}'")} in line {Line}");
}

/// <summary>A statement that is not understood; what is wrong, and where.</summary>
internal sealed class UnreadableStatementException(int line, string message) : Exception(message)
{
    public int Line => line;
}
