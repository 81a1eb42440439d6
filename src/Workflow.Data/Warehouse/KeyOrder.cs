using System.Buffers.Text;

namespace Workflow.Data.Warehouse;

/// <summary>Watches whether keys come strictly ascending, as they often do: then none repeats and nothing need be sorted.</summary>
internal sealed class KeyOrder(WarehouseType type)
{
    private long _lastNumber = long.MinValue;
    private byte[] _lastText = [];
    private int _lastLength;

    // Other types have several texts for one value.
    public bool Ascends { get; private set; } = type.IsInteger || type.Kind == WarehouseKind.Text;

    public void Observe(ReadOnlySpan<byte> key)
    {
        if (!Ascends)
        {
            return;
        }

        if (type.IsInteger)
        {
            Ascends = Utf8Parser.TryParse(key, out long number, out _) && number > _lastNumber;
            _lastNumber = number;
            return;
        }

        Ascends = key.SequenceCompareTo(_lastText.AsSpan(0, _lastLength)) > 0;
        if (_lastText.Length < key.Length)
        {
            _lastText = new byte[key.Length * 2];
        }

        key.CopyTo(_lastText);
        _lastLength = key.Length;
    }
}
