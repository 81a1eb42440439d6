using System.Text;

namespace Workflow.Data.SchemaConversion;

/// <summary>
/// Divides a script into statements, as SQL*Plus does: one ends with a semicolon or with a slash on a line of its own; PL/SQL, which
/// has semicolons in it, with the slash only.
/// </summary>
internal sealed class OracleScript
{
    private static readonly string[] ClientWords =
        ["SET", "SPOOL", "WHENEVER", "DEFINE", "UNDEFINE", "EXIT", "QUIT", "ACCEPT", "COLUMN", "SHOW", "CONNECT", "CONN", "DISCONNECT", "EXEC", "EXECUTE", "PAUSE", "CLEAR", "HOST", "START", "TTITLE", "BTITLE", "VARIABLE", "PRINT"];
    private static readonly string[] RemarkWords = ["REM", "REMARK", "PROMPT"];
    private static readonly string[] ProgramWords = ["TRIGGER", "PROCEDURE", "FUNCTION", "PACKAGE", "TYPE", "LIBRARY", "JAVA"];
    private static readonly string[] CreateModifiers = ["OR", "REPLACE", "EDITIONABLE", "NONEDITIONABLE", "AND", "RESOLVE", "COMPILE", "NOFORCE", "FORCE", "PUBLIC"];
    private static readonly string[] Symbols = ["<=", ">=", "<>", "!=", "^=", "||", ":=", "=>", "..", "**"];

    private readonly string _text;
    private int _at;
    private int _line = 1;

    private OracleScript(string text) => _text = text;

    /// <exception cref="BadInputException">A text, a quoted name or a comment is never closed.</exception>
    public static IReadOnlyList<OracleStatement> Split(string text)
    {
        var script = new OracleScript(text);
        var statements = new List<OracleStatement>();
        while (script.ReadStatement() is { } statement)
        {
            statements.Add(statement);
        }

        return statements;
    }

    private OracleStatement? ReadStatement()
    {
        var tokens = new List<Token>();
        while (true)
        {
            SkipBlanks();
            if (_at == _text.Length)
            {
                return tokens.Count == 0 ? null : Statement(tokens);
            }

            if (IsSlashLine())
            {
                _at++;
                if (tokens.Count > 0)
                {
                    return Statement(tokens);
                }

                continue;
            }

            if (tokens.Count == 0 && ReadClientLine() is { } line)
            {
                if (line.Length > 0)
                {
                    return new(_text, line, IsClient: true);
                }

                continue;
            }

            if (_text[_at] == ';' && !IsProgram(tokens))
            {
                _at++;
                if (tokens.Count > 0)
                {
                    return Statement(tokens);
                }

                continue;
            }

            // A program that lacks its slash ends where the next statement begins: none of these words begins one of PL/SQL.
            if (tokens.Count > 0 && tokens[^1].IsSymbol(";") && BeginsDefinition())
            {
                return Statement(tokens);
            }

            tokens.Add(ReadToken());
        }
    }

    private OracleStatement Statement(List<Token> tokens) => new(_text, tokens, IsClient: false);

    private static bool IsProgram(List<Token> tokens)
    {
        if (tokens.Count > 0 && (tokens[0].Is("BEGIN") || tokens[0].Is("DECLARE")))
        {
            return true;
        }

        var what = tokens.Count > 0 && tokens[0].Is("CREATE") ? tokens.Skip(1).FirstOrDefault(token => token.Kind != TokenKind.Word || !CreateModifiers.Contains(token.Text)) : default;
        return what.Kind == TokenKind.Word && ProgramWords.Contains(what.Text);
    }

    private bool BeginsDefinition()
    {
        var word = PeekWord(_at);
        return word is "CREATE" or "ALTER" or "GRANT" or "DROP" || (word == "COMMENT" && PeekWord(SkipSpaces(_at + word.Length)) == "ON");
    }

    /// <returns>The words of a command, none for a remark, null where there is neither.</returns>
    private Token[]? ReadClientLine()
    {
        var word = _text[_at] == '@' ? "@" : PeekWord(_at);
        var isRemark = RemarkWords.Contains(word);
        if (!isRemark && word != "@" && !ClientWords.Contains(word))
        {
            return null;
        }

        var begin = _at;
        var end = _text.IndexOf('\n', _at);
        _at = end < 0 ? _text.Length : end;
        var text = _text[begin.._at].TrimEnd('\r', ' ', ';');
        return isRemark ? [] : [new(TokenKind.Word, text, _line, begin, begin + text.Length)];
    }

    private Token ReadToken()
    {
        var (begin, line) = (_at, _line);
        var first = _text[_at];
        if (first == '"')
        {
            return new(TokenKind.QuotedName, ReadQuoted('"', "a quoted name"), line, begin, _at);
        }

        if (first == '\'')
        {
            return new(TokenKind.Text, ReadQuoted('\'', "a text"), line, begin, _at);
        }

        if (ReadPrefixedText() is { } text)
        {
            return new(TokenKind.Text, text, line, begin, _at);
        }

        if (char.IsLetter(first) || first == '_')
        {
            var word = PeekWord(_at);
            _at += word.Length;
            return new(TokenKind.Word, word, line, begin, _at);
        }

        if (char.IsAsciiDigit(first) || (first == '.' && char.IsAsciiDigit(At(1))))
        {
            ReadNumber();
            return new(TokenKind.Number, _text[begin.._at], line, begin, _at);
        }

        var symbol = Symbols.FirstOrDefault(symbol => string.CompareOrdinal(_text, _at, symbol, 0, symbol.Length) == 0) ?? first.ToString();
        _at += symbol.Length;
        return new(TokenKind.Symbol, symbol, line, begin, _at);
    }

    private void ReadNumber()
    {
        while (char.IsAsciiDigit(At(0)) || (At(0) == '.' && At(1) != '.'))
        {
            _at++;
        }

        if (At(0) is 'e' or 'E' && (char.IsAsciiDigit(At(1)) || (At(1) is '+' or '-' && char.IsAsciiDigit(At(2)))))
        {
            _at += 2;
            while (char.IsAsciiDigit(At(0)))
            {
                _at++;
            }
        }
    }

    /// <summary>A text of the national character set (<c>n'…'</c>) or with quotes of its own (<c>q'[…]'</c>), or both.</summary>
    private string? ReadPrefixedText()
    {
        var prefix = At(0) is 'n' or 'N' ? 1 : 0;
        if (At(prefix) is 'q' or 'Q' && At(prefix + 1) == '\'')
        {
            var close = At(prefix + 2) switch { '[' => ']', '(' => ')', '{' => '}', '<' => '>', var other => other };
            var begin = _at + prefix + 3;
            var end = begin > _text.Length ? -1 : _text.IndexOf($"{close}'", begin, StringComparison.Ordinal);
            if (end < 0)
            {
                throw Unclosed("a text");
            }

            MoveTo(end + 2);
            return _text[begin..end];
        }

        if (prefix == 0 || At(1) != '\'')
        {
            return null;
        }

        _at++;
        return ReadQuoted('\'', "a text");
    }

    private string ReadQuoted(char quote, string what)
    {
        var content = new StringBuilder();
        var begin = _at + 1;
        while (true)
        {
            var end = _text.IndexOf(quote, begin);
            if (end < 0)
            {
                throw Unclosed(what);
            }

            content.Append(_text, begin, end - begin);
            if (end + 1 >= _text.Length || _text[end + 1] != quote)
            {
                MoveTo(end + 1);
                return content.ToString();
            }

            content.Append(quote);
            begin = end + 2;
        }
    }

    private void SkipBlanks()
    {
        while (_at < _text.Length)
        {
            if (At(0) == '-' && At(1) == '-')
            {
                var end = _text.IndexOf('\n', _at);
                MoveTo(end < 0 ? _text.Length : end);
            }
            else if (At(0) == '/' && At(1) == '*')
            {
                var end = _text.IndexOf("*/", _at + 2, StringComparison.Ordinal);
                MoveTo(end < 0 ? throw Unclosed("a comment") : end + 2);
            }
            else if (char.IsWhiteSpace(_text[_at]) || _text[_at] == '\uFEFF')
            {
                MoveTo(_at + 1);
            }
            else
            {
                return;
            }
        }
    }

    private bool IsSlashLine()
    {
        if (_text[_at] != '/')
        {
            return false;
        }

        var before = _at == 0 ? -1 : _text.LastIndexOf('\n', _at - 1);
        var after = _text.IndexOf('\n', _at);
        return _text.AsSpan(before + 1, _at - before - 1).IsWhiteSpace() && _text.AsSpan((_at + 1)..(after < 0 ? _text.Length : after)).IsWhiteSpace();
    }

    private string PeekWord(int at)
    {
        var end = at;
        while (end < _text.Length && (char.IsLetterOrDigit(_text[end]) || _text[end] is '_' or '$' or '#'))
        {
            end++;
        }

        return _text[at..end].ToUpperInvariant();
    }

    private int SkipSpaces(int at)
    {
        while (at < _text.Length && char.IsWhiteSpace(_text[at]))
        {
            at++;
        }

        return at;
    }

    private char At(int ahead) => _at + ahead < _text.Length ? _text[_at + ahead] : '\0';

    private void MoveTo(int position)
    {
        _line += _text.AsSpan(_at, position - _at).Count('\n');
        _at = position;
    }

    private BadInputException Unclosed(string what) => new($"Line {_line} of the Oracle script opens {what} that is never closed. Close it.");
}
