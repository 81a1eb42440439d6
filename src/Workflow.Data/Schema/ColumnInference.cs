using System.Text;

namespace Workflow.Data.Schema;

/// <summary>Follows one column through the file: the narrowest type that holds all it has seen, and the values that made it so.</summary>
internal sealed class ColumnInference(string name)
{
    private const int ShownValue = 80;
    private const int IntegerDigitsSafe = 9;
    private const int WholeDigitsOfDouble = 15;
    private const int DigitsOfDouble = 17;

    private Family _family;
    private long _nulls;
    private int _integerDigits;
    private int _scale;
    private bool _beyondBigint;

    private Sighting? _first;
    private Sighting? _mismatch;
    private Sighting? _beyondInteger;
    private Sighting? _mostInteger;
    private Sighting? _mostScale;
    private Sighting? _exponent;
    private Sighting? _notDouble;
    private Sighting? _time;

    private enum Family
    {
        None,
        Number,
        Boolean,
        LocalTime,
        ZonedTime,
        Text,
    }

    public void Observe(ReadOnlySpan<byte> value, long row, long line)
    {
        if (value.IsEmpty)
        {
            _nulls++;
        }
        else if (_family != Family.Text)
        {
            Classify(value, row, line);
        }
    }

    public InferredColumn Result()
    {
        var (type, evidence) = Decide();
        return new(name, type, _nulls, evidence)
        {
            IntegerDigits = _integerDigits,
            Scale = _scale,
            FitsDouble = _family == Family.Number && _notDouble is null,
        };
    }

    private void Classify(ReadOnlySpan<byte> value, long row, long line)
    {
        var isTime = false;
        var family = Family.Text;
        NumberShape shape = default;
        if (value[0] is (byte)'-' or (byte)'.' || (uint)(value[0] - '0') <= 9)
        {
            family = ValueText.TryNumber(value, out shape) ? Family.Number
                : ValueText.TryDate(value, out _) ? Family.LocalTime
                : !ValueText.TryTimestamp(value, out _, out var hasZone) ? Family.Text
                : hasZone ? Family.ZonedTime : Family.LocalTime;
            isTime = family == Family.LocalTime && value.Length > 10;
        }
        else if (ValueText.TryBoolean(value, out _))
        {
            family = Family.Boolean;
        }

        if (_family == Family.None)
        {
            _family = family;
            _first = Sight(value, row, line);
        }

        if (family == Family.Text || family != _family || (family == Family.Number && IsBeyondNumbers(value, shape)))
        {
            _mismatch = _first!.Row == row ? _first : Sight(value, row, line);
            _family = Family.Text;
        }
        else if (family == Family.Number)
        {
            Measure(value, shape, row, line);
        }
        else if (isTime)
        {
            _time ??= Sight(value, row, line);
        }
    }

    /// <summary>A float that overflows, such as <c>1e999</c>, keeps its digits only as text.</summary>
    private static bool IsBeyondNumbers(ReadOnlySpan<byte> value, in NumberShape shape) => shape.HasExponent && !ValueText.TryDouble(value, out _);

    private void Measure(ReadOnlySpan<byte> value, in NumberShape shape, long row, long line)
    {
        if (shape.IntegerDigits > IntegerDigitsSafe && shape.IsWhole && (_beyondInteger is null || !_beyondBigint))
        {
            var isBigint = ValueText.TryBigint(value, shape, out var number);
            _beyondBigint |= !isBigint;
            if (!isBigint || number is < int.MinValue or > int.MaxValue)
            {
                _beyondInteger ??= Sight(value, row, line);
            }
        }

        if (shape.HasExponent)
        {
            _exponent ??= Sight(value, row, line);
        }
        else
        {
            if (shape.IntegerDigits > _integerDigits)
            {
                _integerDigits = shape.IntegerDigits;
                _mostInteger = Sight(value, row, line);
            }

            if (shape.Scale > _scale)
            {
                _scale = shape.Scale;
                _mostScale = Sight(value, row, line);
            }
        }

        var digitsOfDouble = shape.IsWhole ? WholeDigitsOfDouble : DigitsOfDouble;
        if (_notDouble is null && shape.IntegerDigits + shape.Scale > digitsOfDouble && Significant(value) > digitsOfDouble)
        {
            _notDouble = Sight(value, row, line);
        }
    }

    /// <summary>Digits from the first that is not zero, up to an exponent.</summary>
    private static int Significant(ReadOnlySpan<byte> number)
    {
        var count = 0;
        foreach (var character in number)
        {
            if ((character | 0x20) == 'e')
            {
                break;
            }

            count += (uint)(character - '0') <= 9 && (count > 0 || character != '0') ? 1 : 0;
        }

        return count;
    }

    private (ColumnType Type, ColumnEvidence? Evidence) Decide() => _family switch
    {
        Family.None => (ColumnKind.Text, null),
        Family.Number => DecideNumber(),
        Family.Boolean => (ColumnKind.Boolean, _first!.Because("and every value is true or false")),
        Family.ZonedTime => (ColumnKind.TimestampTz, _first!.Because("and every value is a timestamp with a zone")),
        Family.LocalTime when _time is null => (ColumnKind.Date, _first!.Because("and every value is a date")),
        Family.LocalTime => (ColumnKind.Timestamp, _time!.Because("a timestamp without a zone")),
        _ => (ColumnKind.Text, ReferenceEquals(_mismatch, _first) ? _first!.Because(null) : _mismatch!.Because($"where line {_first!.Line} is {_first.Shown}")),
    };

    private (ColumnType Type, ColumnEvidence Evidence) DecideNumber()
    {
        if (_exponent is not null)
        {
            return _notDouble is null
                ? (ColumnKind.Double, _exponent.Because("a number with an exponent"))
                : (ColumnKind.Text, _notDouble.Because($"more digits than the double that line {_exponent.Line} ({_exponent.Shown}) asks for"));
        }

        if (_scale == 0 && !_beyondBigint)
        {
            return _beyondInteger is null
                ? (ColumnKind.Integer, _first!.Because("and every value is a whole number of 32 bits"))
                : (ColumnKind.Bigint, _beyondInteger.Because("beyond integer"));
        }

        var widest = _mostScale ?? _mostInteger!;
        if (_integerDigits + _scale > ColumnType.MaxPrecision)
        {
            return (ColumnKind.Text, widest.Because($"and with {_integerDigits} digits before and {_scale} after the point no decimal of {ColumnType.MaxPrecision} holds every value"));
        }

        // "0.5" is one digit in all: its zero does not count, but a type has at least as many digits as its scale.
        var precision = Math.Max(1, _integerDigits + _scale);
        var before = _mostInteger is null || _mostInteger == widest ? "" : $", and line {_mostInteger.Line} ({_mostInteger.Shown}) has {_integerDigits} before it";
        return (ColumnType.Decimal(precision, _scale), widest.Because(_scale == 0 ? "beyond bigint" : $"{_scale} digits after the point{before}"));
    }

    private static Sighting Sight(ReadOnlySpan<byte> value, long row, long line)
    {
        var text = Encoding.UTF8.GetString(value.Length <= 4 * ShownValue ? value : value[..(4 * ShownValue)]);
        return new(row, line, text.Length <= ShownValue ? text : text[..ShownValue] + "…");
    }

    private sealed record Sighting(long Row, long Line, string Value)
    {
        public string Shown => $"'{Value}'";

        public ColumnEvidence Because(string? why) => new(Row, Line, Value, $"line {Line} is {Shown}{(why is null ? "" : $", {why}")}");
    }
}
