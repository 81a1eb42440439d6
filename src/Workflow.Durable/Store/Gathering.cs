namespace Workflow.Durable.Store;

/// <summary>
/// Requests that come while one round trip is under way share the next one. Nobody waits for company: a lone request goes at once.
/// </summary>
/// <param name="run">Answers many requests in one round trip, in their order.</param>
internal sealed class Gathering<TRequest, TAnswer>(Func<IReadOnlyList<TRequest>, Task<IReadOnlyList<TAnswer>>> run)
{
    private const int MaxTogether = 256;

    private readonly Lock _lock = new();
    private readonly Queue<(TRequest Request, TaskCompletionSource<TAnswer> Answer)> _waiting = new();
    private bool _underWay;

    /// <param name="cancellation">Ends the waiting. What has been sent may happen all the same.</param>
    public async Task<TAnswer> AskAsync(TRequest request, CancellationToken cancellation)
    {
        var answer = new TaskCompletionSource<TAnswer>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            _waiting.Enqueue((request, answer));
            if (!_underWay)
            {
                _underWay = true;
                _ = Task.Run(AnswerAllAsync, CancellationToken.None);  // it ends when nobody waits; its errors are the askers'
            }
        }

        return await answer.Task.WaitAsync(cancellation);
    }

    private async Task AnswerAllAsync()
    {
        while (NextTogether() is { Count: > 0 } together)
        {
            await AnswerAsync(together);
        }
    }

    private List<(TRequest Request, TaskCompletionSource<TAnswer> Answer)> NextTogether()
    {
        lock (_lock)
        {
            var together = new List<(TRequest, TaskCompletionSource<TAnswer>)>(Math.Min(_waiting.Count, MaxTogether));
            while (together.Count < MaxTogether && _waiting.TryDequeue(out var next))
            {
                together.Add(next);
            }

            _underWay = together.Count > 0;
            return together;
        }
    }

    private async Task AnswerAsync(List<(TRequest Request, TaskCompletionSource<TAnswer> Answer)> together)
    {
        try
        {
            var answers = await run([.. together.Select(waiter => waiter.Request)]);
            for (var i = 0; i < together.Count; i++)
            {
                together[i].Answer.SetResult(answers[i]);
            }
        }
        catch (Npgsql.PostgresException) when (together.Count > 1)
        {
            // One request that the database refuses must not spoil the others.
            foreach (var waiter in together)
            {
                await AnswerAsync([waiter]);
            }
        }
        catch (Exception error)
        {
            foreach (var (_, answer) in together)
            {
                answer.SetException(error);
            }
        }
    }
}
