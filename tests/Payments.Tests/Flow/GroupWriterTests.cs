using Npgsql;
using Payments.Core;
using Payments.Platform.Postgres;
using Payments.Tests.Connectors;

namespace Payments.Tests.Flow;

public class GroupWriterTests
{
    private sealed record Item(Guid Key, int Number);

    private readonly IdSource ids = new(TimeProvider.System);

    private GroupWriter<Item, int> Writer(Func<Guid, IReadOnlyList<Item>, Task<IReadOnlyList<int>>> write, GroupWriterOptions? options = null, TimeProvider? time = null) =>
        new("test", i => i.Key, (number, items, _) => write(number, items), options ?? new GroupWriterOptions { RetryDelay = TimeSpan.FromMilliseconds(1) }, ids, time ?? TimeProvider.System);

    private static IReadOnlyList<int> Numbers(IReadOnlyList<Item> items) => [.. items.Select(i => i.Number)];

    [Fact]
    public async Task What_waits_shares_a_batch_with_one_item_per_key_and_everyone_gets_his_own_verdict()
    {
        var gate = new TaskCompletionSource();
        var batches = new List<IReadOnlyList<Item>>();
        await using var writer = Writer(async (_, items) =>
        {
            lock (batches)
            {
                batches.Add(items);
            }

            await gate.Task;
            return Numbers(items);
        });
        var same = ids.New<PaymentId>().Value;
        var items = Enumerable.Range(0, 50).Select(i => new Item(i % 10 == 0 ? same : ids.New<PaymentId>().Value, i)).ToList();

        var answers = items.Select(writer.WriteAsync).ToList();
        gate.SetResult();

        Assert.Equal(Enumerable.Range(0, 50), await Task.WhenAll(answers));
        Assert.All(batches, b => Assert.Equal(b.Count, b.Select(i => i.Key).Distinct().Count()));
        Assert.True(batches.Count < 15, "fifty items took few batches");
        Assert.Equal([0, 10, 20, 30, 40], batches.SelectMany(b => b).Where(i => i.Key == same).Select(i => i.Number));
    }

    [Fact]
    public async Task What_has_lost_before_it_is_written_is_answered_without_a_write()
    {
        var (entered, gate) = (new TaskCompletionSource(), new TaskCompletionSource());
        var written = new List<int>();
        await using var writer = new GroupWriter<Item, int>(
            "test", i => i.Key,
            async (_, items, _) =>
            {
                written.AddRange(Numbers(items));
                entered.TrySetResult();
                await gate.Task;
                return Numbers(items);
            },
            new GroupWriterOptions(), ids, TimeProvider.System, (waiting, settled, verdict) => waiting.Number % 2 == 0 && settled.Number == verdict ? -verdict : null);
        var same = ids.New<PaymentId>().Value;

        var first = writer.WriteAsync(new Item(same, 1));
        await entered.Task;
        var others = Enumerable.Range(2, 6).Select(i => writer.WriteAsync(new Item(same, i))).Append(writer.WriteAsync(new Item(ids.New<PaymentId>().Value, 8))).ToList();
        gate.SetResult();

        // Two is written, since it was next; four and six wait behind it and have lost with it.
        var answers = await Task.WhenAll(others);
        Assert.Equal([2, 3, -2, 5, -2, 7, 8], answers);
        Assert.Equal([1, 8, 2, 3, 5, 7], written);
        Assert.Equal(1, await first);
    }

    [Fact]
    public async Task What_follows_a_batch_is_gathered_until_a_batch_is_full_or_the_writer_stops()
    {
        var (entered, gate) = (new TaskCompletionSource(), new TaskCompletionSource());
        var sizes = new List<int>();
        Task gathered;
        await using (var writer = Writer(
            async (_, items) =>
            {
                sizes.Add(items.Count);
                entered.TrySetResult();
                await gate.Task;
                return Numbers(items);
            },
            new GroupWriterOptions { LargestBatch = 8, Gather = TimeSpan.FromHours(1) }))
        {
            Task Write(int items) => Task.WhenAll(Enumerable.Range(0, items).Select(i => writer.WriteAsync(new Item(ids.New<PaymentId>().Value, i))));

            // The first is written at once, and eight are a full batch.
            var first = Write(1);
            await entered.Task;
            var full = Write(8);
            gate.SetResult();
            await first;
            await full;
            Assert.Equal([1, 8], sizes);

            var filled = Write(3);
            await Task.Delay(100, TestContext.Current.CancellationToken);
            Assert.False(filled.IsCompleted, "three wait for more");
            await Write(5);
            await filled;
            Assert.Equal([1, 8, 8], sizes);

            gathered = Write(3);
            await Task.Delay(100, TestContext.Current.CancellationToken);
            Assert.False(gathered.IsCompleted, "three wait for more");
        }

        await gathered;
        Assert.Equal([1, 8, 8, 3], sizes);
    }

    [Fact]
    public async Task Nothing_is_gathered_after_a_small_batch()
    {
        var (entered, gate) = (new TaskCompletionSource(), new TaskCompletionSource());
        var sizes = new List<int>();
        await using var writer = Writer(
            async (_, items) =>
            {
                sizes.Add(items.Count);
                entered.TrySetResult();
                await gate.Task;
                return Numbers(items);
            },
            new GroupWriterOptions { LargestBatch = 8, Gather = TimeSpan.FromHours(1), GatherFrom = 3 });
        Task<int[]> Write(int items) => Task.WhenAll(Enumerable.Range(0, items).Select(i => writer.WriteAsync(new Item(ids.New<PaymentId>().Value, i))));

        // After one, and after two, what waits is written at once.
        var first = Write(1);
        await entered.Task;
        var second = Write(2);
        gate.SetResult();
        await first;
        await second;
        await Write(3);
        Assert.Equal(6, sizes.Sum());

        // Whatever became of the three: an item that comes after a batch of three waits.
        gate = new TaskCompletionSource();
        entered = new TaskCompletionSource();
        var third = writer.WriteUrgentAsync(new Item(ids.New<PaymentId>().Value, 7));
        await entered.Task;
        var many = Write(3);
        gate.SetResult();
        await Task.WhenAll(third, many);
        var gathered = writer.WriteAsync(new Item(ids.New<PaymentId>().Value, 8));
        await Task.Delay(100, TestContext.Current.CancellationToken);
        Assert.False(gathered.IsCompleted, "it waits for more");

        writer.Hurry();
        Assert.Equal(8, await gathered);
    }

    [Fact]
    public async Task Who_is_waited_for_rests_no_longer_than_he_worked()
    {
        var time = new FakeTime();
        var work = TimeSpan.Zero;
        await using var writer = Writer(
            (_, items) =>
            {
                time.Pass(work);
                return Task.FromResult(Numbers(items));
            },
            new GroupWriterOptions { LargestBatch = 8, Gather = TimeSpan.FromHours(3), RestsNoLongerThanItWorked = true },
            time);
        Task<int> Write(int number) => writer.WriteAsync(new Item(ids.New<PaymentId>().Value, number)).WaitAsync(TimeSpan.FromMinutes(4), TestContext.Current.CancellationToken);

        // Batches that take no time follow one another at once.
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal(i, await Write(i));
        }

        // After one that took an hour, what comes waits for more.
        work = TimeSpan.FromHours(1);
        await Write(10);
        var gathered = Write(11);
        await Task.Delay(100, TestContext.Current.CancellationToken);
        Assert.False(gathered.IsCompleted, "it waits for more");

        writer.Hurry();
        Assert.Equal(11, await gathered);
    }

    [Fact]
    public async Task An_urgent_item_ends_the_gathering_and_takes_with_it_what_waits()
    {
        var sizes = new List<int>();
        await using var writer = Writer(
            (_, items) =>
            {
                sizes.Add(items.Count);
                return Task.FromResult(Numbers(items));
            },
            new GroupWriterOptions { LargestBatch = 8, Gather = TimeSpan.FromHours(1) });
        Item New(int number) => new(ids.New<PaymentId>().Value, number);

        await writer.WriteAsync(New(1));
        var waiting = new[] { writer.WriteAsync(New(2)), writer.WriteAsync(New(3)) };
        await Task.Delay(100, TestContext.Current.CancellationToken);
        Assert.DoesNotContain(waiting, w => w.IsCompleted);

        Assert.Equal(4, await writer.WriteUrgentAsync(New(4)));
        var verdicts = await Task.WhenAll(waiting);
        Assert.Equal([2, 3], verdicts);
        Assert.Equal([1, 3], sizes);

        // One that is held back by another of its key follows at once.
        var key = ids.New<PaymentId>().Value;
        var both = await Task.WhenAll(writer.WriteAsync(new Item(key, 2)), writer.WriteUrgentAsync(new Item(key, 3)));
        Assert.Equal([2, 3], both);

        // One after the other, each at once: an urgent item that was written leaves nothing behind that a later one could lose.
        for (var i = 5; i < 50; i++)
        {
            Assert.Equal(i, await writer.WriteUrgentAsync(New(i)));
        }
    }

    [Fact]
    public async Task An_item_that_cannot_be_written_fails_alone()
    {
        await using var writer = Writer((_, items) => items.Any(i => i.Number == 13)
            ? throw new InvalidOperationException("poisoned")
            : Task.FromResult(Numbers(items)));

        var answers = Enumerable.Range(0, 40).Select(i => writer.WriteAsync(new Item(ids.New<PaymentId>().Value, i))).ToList();

        await Assert.ThrowsAsync<InvalidOperationException>(() => answers[13]);
        Assert.Equal(Enumerable.Range(0, 40).Where(i => i != 13), await Task.WhenAll(answers.Where((_, i) => i != 13)));
    }

    [Fact]
    public async Task A_lost_answer_is_asked_for_again_under_the_same_number()
    {
        var asked = new List<Guid>();
        await using var writer = Writer((number, items) =>
        {
            asked.Add(number);
            return asked.Count < 3 ? throw new NpgsqlException("connection lost", new IOException()) : Task.FromResult(Numbers(items));
        });

        Assert.Equal(7, await writer.WriteAsync(new Item(ids.New<PaymentId>().Value, 7)));
        Assert.Equal(3, asked.Count);
        Assert.Single(asked.Distinct());
    }

    [Fact]
    public async Task What_is_held_back_behind_its_key_counts_as_waiting()
    {
        const int longest = 4;
        var key = ids.New<PaymentId>().Value;
        using var entered = new SemaphoreSlim(0);
        using var mayWrite = new SemaphoreSlim(0);
        await using var writer = Writer(
            async (_, items) =>
            {
                entered.Release();
                await mayWrite.WaitAsync();
                return Numbers(items);
            },
            new GroupWriterOptions { LargestBatch = 8, LongestQueue = longest });
        try
        {
            // The first is being written, and the queue is full behind it.
            var accepted = new List<Task<int>> { Offer(0) };
            await entered.WaitAsync(TestContext.Current.CancellationToken);
            accepted.AddRange(Enumerable.Range(1, longest).Select(Offer));
            Assert.Throws<WriterOverloadedException>(() => { _ = Offer(99); });

            // The second is being written, and the others have left the queue, but not the writer: there is room for what the second has left.
            mayWrite.Release();
            await entered.WaitAsync(TestContext.Current.CancellationToken);
            accepted.Add(Offer(longest + 1));
            Assert.Throws<WriterOverloadedException>(() => { _ = Offer(99); });

            mayWrite.Release(accepted.Count);
            Assert.Equal(Enumerable.Range(0, longest + 2), await Task.WhenAll(accepted));
        }
        finally
        {
            mayWrite.Release(longest + 2);
        }

        Task<int> Offer(int number) => writer.WriteAsync(new Item(key, number));
    }

    [Fact]
    public async Task A_full_queue_refuses_at_once()
    {
        var gate = new TaskCompletionSource();
        await using var writer = Writer(
            async (_, items) =>
            {
                await gate.Task;
                return Numbers(items);
            },
            new GroupWriterOptions { LargestBatch = 1, LongestQueue = 4 });

        var accepted = new List<Task<int>>();
        var refused = 0;
        for (var i = 0; i < 20; i++)
        {
            try
            {
                accepted.Add(writer.WriteAsync(new Item(ids.New<PaymentId>().Value, i)));
            }
            catch (WriterOverloadedException)
            {
                refused++;
            }
        }

        gate.SetResult();
        await Task.WhenAll(accepted);
        Assert.InRange(accepted.Count, 4, 6);
        Assert.Equal(20, accepted.Count + refused);
    }
}
