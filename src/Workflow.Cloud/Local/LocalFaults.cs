namespace Workflow.Cloud.Local;

/// <summary>A fault on command, for the next so many calls of a stand-in.</summary>
internal sealed class LocalFaults<TFault> where TFault : class
{
    private readonly Lock _lock = new();
    private TFault? _fault;
    private int _times;

    /// <param name="times">How many calls; 0 for none from now on.</param>
    public void Set(TFault fault, int times)
    {
        lock (_lock)
        {
            (_fault, _times) = (fault, times);
        }
    }

    /// <summary>The fault that this call is to have, or null.</summary>
    /// <param name="concerns">Whether the fault is for this call; null for any.</param>
    public TFault? Take(Func<TFault, bool>? concerns = null)
    {
        lock (_lock)
        {
            if (_fault is not { } fault || _times <= 0 || concerns?.Invoke(fault) == false)
            {
                return null;
            }

            _times--;
            return fault;
        }
    }
}
