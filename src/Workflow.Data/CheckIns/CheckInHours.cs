using Workflow.Data.Schema;

namespace Workflow.Data.CheckIns;

/// <summary>Hours as <c>decimal(5,2)</c>, rounded half away from zero: by the digits themselves, so that no binary fraction is in between.</summary>
public static class CheckInHours
{
    public const int Width = 5;
    public const int Scale = 2;

    private const int MostUnscaled = 99_999;

    /// <param name="hundredths">The value without its point.</param>
    /// <returns>False for what is no number as programs write it, or has more than three digits before the point.</returns>
    public static bool TryRead(ReadOnlySpan<byte> text, out int hundredths)
    {
        hundredths = 0;
        if (!ValueText.TryNumber(text, out var shape) || shape.HasExponent || shape.IntegerDigits > Width - Scale)
        {
            return false;
        }

        foreach (var digit in text.Slice(shape.IntegerStart, shape.IntegerDigits))
        {
            hundredths = hundredths * 10 + (digit - '0');
        }

        var fraction = shape.Scale == 0 ? [] : text[^shape.Scale..];
        for (var place = 0; place < Scale; place++)
        {
            hundredths = hundredths * 10 + (place < fraction.Length ? fraction[place] - '0' : 0);
        }

        // Whatever follows, the first digit that goes decides.
        hundredths += fraction.Length > Scale && fraction[Scale] >= '5' ? 1 : 0;
        hundredths = shape.IsNegative ? -hundredths : hundredths;
        return hundredths is >= -MostUnscaled and <= MostUnscaled;
    }
}
