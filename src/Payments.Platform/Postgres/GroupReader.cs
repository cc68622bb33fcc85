namespace Payments.Platform.Postgres;

/// <summary>
/// Reads what is asked for at the same time in one round trip: a lone question is asked at once, and those that come while it is under
/// way are asked together afterwards. Every question is put to the database after it came, so an answer is never older than its question.
/// </summary>
/// <param name="read">Answers for keys, none of them twice; a key that is left out has none.</param>
/// <param name="lanes">Most questions under way at once.</param>
/// <param name="largestBatch">Most keys in one question.</param>
public sealed class GroupReader<TKey, TValue>(
    Func<IReadOnlyList<TKey>, CancellationToken, Task<IReadOnlyDictionary<TKey, TValue>>> read, int lanes = 2, int largestBatch = 64)
    where TKey : notnull
    where TValue : class
{
    private readonly Lock gate = new();
    private readonly Queue<Waiting> waiting = [];
    private int underWay;

    /// <summary>The value, or null where there is none. What <paramref name="cancellationToken"/> ends is the waiting; the others are answered.</summary>
    public Task<TValue?> ReadAsync(TKey key, CancellationToken cancellationToken)
    {
        var one = new Waiting(key, new TaskCompletionSource<TValue?>(TaskCreationOptions.RunContinuationsAsynchronously), cancellationToken);
        lock (gate)
        {
            waiting.Enqueue(one);
            if (underWay < lanes)
            {
                underWay++;
                _ = WorkAsync();
            }
        }

        return one.Answer.Task.WaitAsync(cancellationToken);
    }

    private async Task WorkAsync()
    {
        await Task.Yield();
        while (Take() is { Count: > 0 } batch)
        {
            await AnswerAsync(batch);
        }
    }

    private async Task AnswerAsync(List<Waiting> batch)
    {
        try
        {
            // Whoever waits alone may take the question back; one that others wait for too is answered.
            var found = await read([.. batch.Select(w => w.Key).Distinct()], batch is [var only] ? only.Cancellation : CancellationToken.None);
            batch.ForEach(w => w.Answer.TrySetResult(found.GetValueOrDefault(w.Key)));
        }
#pragma warning disable CA1031 // Whatever it is, it belongs to those who asked.
        catch (Exception e)
#pragma warning restore CA1031
        {
            batch.ForEach(w => w.Answer.TrySetException(e));
        }
    }

    /// <summary>The next questions; none: the lane has ended.</summary>
    private List<Waiting> Take()
    {
        lock (gate)
        {
            var batch = new List<Waiting>(Math.Min(waiting.Count, largestBatch));
            while (batch.Count < largestBatch && waiting.TryDequeue(out var next))
            {
                if (!next.Cancellation.IsCancellationRequested)
                {
                    batch.Add(next);
                }
            }

            if (batch.Count == 0)
            {
                underWay--;
            }

            return batch;
        }
    }

    private sealed record Waiting(TKey Key, TaskCompletionSource<TValue?> Answer, CancellationToken Cancellation);
}
