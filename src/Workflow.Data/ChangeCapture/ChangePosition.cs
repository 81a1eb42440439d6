using System.Globalization;
using System.Text;
using Workflow.Data.Schema;

namespace Workflow.Data.ChangeCapture;

/// <summary>
/// Where a change stands among all changes of its table, as a text that sorts: the full load before any change, then the ordering
/// column, then the file and the row in it.
/// </summary>
internal static class ChangePosition
{
    private const int OrderDigits = 40;

    /// <returns>Null where the ordering column's value is neither a whole number nor a timestamp.</returns>
    public static string? Of(ChangeFile file, ReadOnlySpan<byte> order, bool isOrdered, long row)
    {
        // A row of the full load is as old as the load: what is captured while it runs comes after it, whatever its time says.
        var position = file.IsFullLoad || !isOrdered ? "" : Normalize(order);
        return position is null ? null : string.Create(CultureInfo.InvariantCulture, $"{(file.IsFullLoad ? 0 : 1)} {position} {file.Stamp} {row:D12}");
    }

    private static string? Normalize(ReadOnlySpan<byte> order)
    {
        if (!order.IsEmpty && order.Length <= OrderDigits && !order.ContainsAnyExceptInRange((byte)'0', (byte)'9'))
        {
            return Encoding.ASCII.GetString(order).PadLeft(OrderDigits, '0');
        }

        return ValueText.TryTimestamp(order, out var micros, out _) && micros >= 0 ? micros.ToString(CultureInfo.InvariantCulture).PadLeft(OrderDigits, '0') : null;
    }
}
