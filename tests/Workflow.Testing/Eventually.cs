using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Workflow.Testing;

/// <summary>Waiting on a state, with a deadline. Real time: what is waited for happens in other processes and threads.</summary>
public static class Eventually
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(10);

    public static Task TrueAsync(
        Func<bool> condition, TimeSpan? within = null, CancellationToken cancellation = default,
        [CallerArgumentExpression(nameof(condition))] string what = "") =>
        TrueAsync(() => Task.FromResult(condition()), within, cancellation, what);

    public static async Task TrueAsync(
        Func<Task<bool>> condition, TimeSpan? within = null, CancellationToken cancellation = default,
        [CallerArgumentExpression(nameof(condition))] string what = "")
    {
        var deadline = within ?? TimeSpan.FromMinutes(1);
        var waited = Stopwatch.StartNew();
        while (!await condition())
        {
            if (waited.Elapsed > deadline)
            {
                throw new TimeoutException($"Not true within {deadline.TotalSeconds:0.#} s: {what}");
            }

            await Task.Delay(LookEvery, TimeProvider.System, cancellation);
        }
    }

    /// <summary>Waits until <paramref name="read"/> gives something for which <paramref name="until"/> holds, and returns it.</summary>
    public static async Task<T> GetAsync<T>(
        Func<Task<T>> read, Func<T, bool> until, TimeSpan? within = null, CancellationToken cancellation = default,
        [CallerArgumentExpression(nameof(until))] string what = "")
    {
        T last = default!;
        try
        {
            await TrueAsync(async () => until(last = await read()), within, cancellation, what);
        }
        catch (TimeoutException timeout)
        {
            throw new TimeoutException($"{timeout.Message}; last seen: {last}", timeout);
        }

        return last;
    }
}
