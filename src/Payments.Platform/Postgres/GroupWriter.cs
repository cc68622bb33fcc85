using System.Diagnostics.Metrics;
using System.Threading.Channels;
using Npgsql;
using Payments.Core;

namespace Payments.Platform.Postgres;

/// <summary>Limits of a <see cref="GroupWriter{TItem, TVerdict}"/>.</summary>
public sealed record GroupWriterOptions
{
    /// <summary>Most items in one commit: beyond some sixty the round trip is paid for, and what waits then need not wait for two.</summary>
    public int LargestBatch { get; init; } = 128;

    /// <summary>Most items waiting; more are refused at once.</summary>
    public int LongestQueue { get; init; } = 4096;

    /// <summary>How long a batch is asked for again after the database went away in the middle.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(20);

    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// Under load a batch that is not full begins no sooner than this after the one before: a commit costs much the same whatever is in it. What comes
    /// after a pause is written at once, and so is an urgent item with all that wait.
    /// </summary>
    public TimeSpan Gather { get; init; }

    /// <summary>Nothing is gathered after a batch of fewer: where somebody waits for each item, a commit is shared only if many come.</summary>
    public int GatherFrom { get; init; }

    /// <summary>
    /// Nothing is gathered for longer than the batch before took: where somebody waits for each item, a quick database makes nobody wait for what only a
    /// slow one needs.
    /// </summary>
    public bool RestsNoLongerThanItWorked { get; init; }
}

/// <summary>The queue is full: nothing was written, and the caller may try again later.</summary>
public sealed class WriterOverloadedException(string writer) : Exception($"Too many writes are waiting for '{writer}'.");

/// <summary>
/// Group commit. Takes whatever waits, so that a lone item is written at once and under load dozens share a round trip and a commit.
/// <para>
/// At most one item per key is in a batch. An unexpected error halves the batch until the item that causes it stands alone. If the
/// answer of a commit is lost, the same batch is asked for again under the same number: the write must answer a repeated number with
/// its first verdicts, so nobody is answered before the fate of the commit is known.
/// </para>
/// </summary>
/// <param name="write">Writes a batch under a number in one transaction and gives one verdict per item, in order.</param>
/// <param name="overtaken">
/// What becomes of an item that still waits once another of its key has its verdict; null where the database must be asked. Without it
/// a hundred changes of one subject cost a hundred commits, though all but the first are lost already.
/// </param>
public sealed class GroupWriter<TItem, TVerdict>(
    string name,
    Func<TItem, Guid> keyOf,
    Func<Guid, IReadOnlyList<TItem>, CancellationToken, Task<IReadOnlyList<TVerdict>>> write,
    GroupWriterOptions options,
    IdSource ids,
    TimeProvider time,
    Func<TItem, TItem, TVerdict, TVerdict?>? overtaken = null) : IAsyncDisposable
    where TVerdict : struct
{
    private readonly Channel<Waiting> queue = Channel.CreateBounded<Waiting>(
        new BoundedChannelOptions(options.LongestQueue) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
    private readonly CancellationTokenSource closing = new();
    private readonly CancellationTokenSource stopping = new();
    private readonly Lock gate = new();
    private TaskCompletionSource urgency = NewUrgency();
    private Task? running;
    private int held; // in the queue, or back because another of its key is written first

    /// <summary>Returns the item's verdict once its fate is durable. Not cancellable: what waits will be written.</summary>
    /// <exception cref="WriterOverloadedException">The queue is full or the writer has stopped; nothing was written.</exception>
    public Task<TVerdict> WriteAsync(TItem item)
    {
        lock (gate)
        {
            running ??= Task.Run(RunAsync);
        }

        var waiting = new Waiting(item, keyOf(item), new TaskCompletionSource<TVerdict>(TaskCreationOptions.RunContinuationsAsynchronously));
        var waits = Interlocked.Increment(ref held);
        if (waits <= options.LongestQueue && queue.Writer.TryWrite(waiting))
        {
            if (waits >= options.LargestBatch)
            {
                Hurry(); // a full batch
            }

            return waiting.Answer.Task;
        }

        Interlocked.Decrement(ref held);
        throw new WriterOverloadedException(name);
    }

    /// <summary>The same for an item that somebody waits for: nothing more is gathered first.</summary>
    /// <exception cref="WriterOverloadedException">The queue is full or the writer has stopped; nothing was written.</exception>
    public Task<TVerdict> WriteUrgentAsync(TItem item)
    {
        var verdict = WriteAsync(item);
        Hurry();
        return verdict;
    }

    /// <summary>Somebody waits for what waits here: nothing more is gathered first.</summary>
    public void Hurry() => Volatile.Read(ref urgency).TrySetResult();

    /// <summary>Writes what waits, then stops.</summary>
    public async ValueTask DisposeAsync()
    {
        queue.Writer.TryComplete();
        await closing.CancelAsync();
        stopping.CancelAfter(options.Patience);
        if (running is not null)
        {
            await running;
        }

        closing.Dispose();
        stopping.Dispose();
    }

    private async Task RunAsync()
    {
        var heldBack = new List<Waiting>();
        var (ended, rest) = (0L, TimeSpan.Zero);
        while (heldBack.Count > 0 || await queue.Reader.WaitToReadAsync())
        {
            await GatherAsync(rest - time.GetElapsedTime(ended));
            var batchBegan = time.GetTimestamp();
            // Before the batch is taken: whoever signals the old one has put its item into the queue already.
            Volatile.Write(ref urgency, NewUrgency());
            var batch = TakeBatch(heldBack);
            var left = Interlocked.Add(ref held, -batch.Count);
            GroupWriterTelemetry.BatchSizes.Record(batch.Count, new KeyValuePair<string, object?>("payments.writer", name));
            await WriteAsync(batch);
            ended = time.GetTimestamp();
            // What is left, because the batch is full or another of its key is in it, has waited already.
            rest = left > 0 || batch.Count < options.GatherFrom ? TimeSpan.Zero : RestAfter(time.GetElapsedTime(batchBegan, ended));
            AnswerOvertaken(batch, heldBack);
        }
    }

    private TimeSpan RestAfter(TimeSpan work)
    {
        var rest = options.Gather - work;
        return options.RestsNoLongerThanItWorked && rest > work ? work : rest;
    }

    private async Task GatherAsync(TimeSpan left)
    {
        if (left > TimeSpan.Zero && Volatile.Read(ref held) < options.LargestBatch)
        {
            await urgency.Task.WaitAsync(left, time, closing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static TaskCompletionSource NewUrgency() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void AnswerOvertaken(List<Waiting> batch, List<Waiting> heldBack)
    {
        if (overtaken is null || heldBack.Count == 0)
        {
            return;
        }

        var settled = batch.Where(w => w.Answer.Task.IsCompletedSuccessfully).ToDictionary(w => w.Key);
        var overtakenNow = heldBack.RemoveAll(waiting =>
        {
            if (!settled.TryGetValue(waiting.Key, out var first) || overtaken(waiting.Item, first.Item, first.Answer.Task.Result) is not { } verdict)
            {
                return false;
            }

            waiting.Answer.SetResult(verdict);
            return true;
        });
        Interlocked.Add(ref held, -overtakenNow);
    }

    private List<Waiting> TakeBatch(List<Waiting> heldBack)
    {
        var batch = new List<Waiting>();
        var keys = new HashSet<Guid>();
        for (var i = 0; i < heldBack.Count && batch.Count < options.LargestBatch;)
        {
            if (keys.Add(heldBack[i].Key))
            {
                batch.Add(heldBack[i]);
                heldBack.RemoveAt(i);
            }
            else
            {
                i++;
            }
        }

        while (batch.Count < options.LargestBatch && queue.Reader.TryRead(out var next))
        {
            if (keys.Add(next.Key))
            {
                batch.Add(next);
            }
            else
            {
                heldBack.Add(next);
            }
        }

        return batch;
    }

    private async Task WriteAsync(List<Waiting> batch)
    {
        var number = ids.New<EventId>().Value;
        var items = batch.ConvertAll(w => w.Item);
        var deadline = time.GetTimestamp() + (long)(options.Patience.TotalSeconds * time.TimestampFrequency);
        for (var tries = 1; ; tries++)
        {
            try
            {
                var verdicts = await write(number, items, stopping.Token);
                Invariant.Holds(verdicts.Count == batch.Count, "every item of a batch has a verdict");
                for (var i = 0; i < batch.Count; i++)
                {
                    batch[i].Answer.SetResult(verdicts[i]);
                }

                return;
            }
            catch (Exception e) when (MayBeRepeated(e) && !(tries > 1 && batch.Count > 1 && IsHeldUp(e)) && time.GetTimestamp() < deadline && !stopping.IsCancellationRequested)
            {
                await Task.Delay(options.RetryDelay, time);
            }
            catch (Exception) when (batch.Count > 1 && !stopping.IsCancellationRequested && time.GetTimestamp() < deadline)
            {
                await WriteAsync(batch[..(batch.Count / 2)]);
                await WriteAsync(batch[(batch.Count / 2)..]);
                return;
            }
#pragma warning disable CA1031 // Whatever it is, it belongs to those who wait for this batch.
            catch (Exception e)
#pragma warning restore CA1031
            {
                batch.ForEach(w => w.Answer.SetException(e));
                return;
            }
        }
    }

    /// <summary>Somebody keeps a lock that one item needs: after a second try it must not hold up the others.</summary>
    private static bool IsHeldUp(Exception exception) => exception is PostgresException { SqlState: PostgresErrorCodes.LockNotAvailable };

    /// <summary>
    /// The connection broke, the server went down, is not the primary any more or has no room, or a lock was not to be had (two replicas
    /// may deadlock over a merchant's volume): nothing is wrong with an item, and the whole batch may be asked for again.
    /// </summary>
    private static bool MayBeRepeated(Exception exception) => exception switch
    {
        PostgresException e => e.SqlState is PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure
            or PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown or PostgresErrorCodes.CannotConnectNow
            or PostgresErrorCodes.TooManyConnections or PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.ReadOnlySqlTransaction
            or PostgresErrorCodes.DiskFull or PostgresErrorCodes.OutOfMemory or PostgresErrorCodes.IoError,
        NpgsqlException or IOException or TimeoutException => true,
        _ => false,
    };

    private sealed record Waiting(TItem Item, Guid Key, TaskCompletionSource<TVerdict> Answer);
}

/// <summary>Shared by the writers of every kind of item.</summary>
internal static class GroupWriterTelemetry
{
    private static readonly Meter Meter = new("Payments.Platform.GroupWriter");

    public static readonly Histogram<int> BatchSizes = Meter.CreateHistogram(
        "payments.group_commit.size", "{change}", "Changes that shared one commit.",
        advice: new InstrumentAdvice<int> { HistogramBucketBoundaries = [1, 2, 4, 8, 16, 32, 64, 128] });
}
