using Payments.Platform.Inbox;
using Payments.Platform.Outbox;

namespace Payments.Tests.Events;

public class LogSequenceTests
{
    private static readonly Guid Epoch = new("018f0000-0000-7000-8000-000000000001");
    private readonly LogSequence sequence = new();

    [Fact]
    public void What_follows_on_is_next_and_what_came_before_is_old()
    {
        var last = At(3).Sequences;
        Assert.Equal(Succession.Old, sequence.Take(0, 3, last));
        Assert.Equal(Succession.Next, sequence.Take(0, 4, last));
        Assert.Equal(Succession.Old, sequence.Take(0, 4, last));
        Assert.Equal(Succession.Next, sequence.Take(0, 5, last));
        Assert.Equal(5, last[0]);
    }

    [Fact]
    public void A_skipped_number_is_missing_until_it_is_applied()
    {
        Assert.Equal(Succession.Ahead, sequence.Take(0, 6, At(3).Sequences));
        Assert.Equal([0], sequence.Missing(At(3)));
        Assert.Equal(6, sequence.LastWanted(0));
        Assert.Empty(sequence.Missing(At(6)));
        Assert.Empty(sequence.Missing(At(3) with { HaltedBecause = "another log" }));
    }

    [Fact]
    public void A_lost_tail_is_missing_at_once_when_all_is_quiet_and_one_poll_later_when_not()
    {
        sequence.Polled(Heads(2));
        Assert.Equal([0], sequence.Missing(At(0)));

        sequence.Heard();
        sequence.Polled(Heads(5));
        Assert.Equal(2, sequence.LastWanted(0));
        sequence.Heard();
        sequence.Polled(Heads(7));
        Assert.Equal(5, sequence.LastWanted(0));
    }

    [Fact]
    public void A_lower_head_or_another_epoch_is_another_log()
    {
        Assert.Null(LogSequence.AnotherLog(At(3), Heads(3)));
        Assert.NotNull(LogSequence.AnotherLog(At(3), Heads(2)));
        Assert.NotNull(LogSequence.AnotherLog(At(3), Heads(3) with { Epoch = Guid.Empty }));
    }

    [Fact]
    public void A_page_must_begin_with_the_very_next_event()
    {
        Assert.NotNull(LogSequence.Broken(At(3), 0, new OutboxPage(Epoch, [])));
        Assert.NotNull(LogSequence.Broken(At(3), 0, new OutboxPage(Epoch, [Row(5)])));
        Assert.NotNull(LogSequence.Broken(At(3), 0, new OutboxPage(Guid.Empty, [Row(4)])));
        Assert.Null(LogSequence.Broken(At(3), 0, new OutboxPage(Epoch, [Row(4)])));
    }

    private static ConsumerPosition At(long applied) => new(Epoch, [applied, .. new long[LogicalPartition.Count - 1]], null);

    private static OutboxHeads Heads(long head) => new(Epoch, [head, .. new long[LogicalPartition.Count - 1]]);

    private static OutboxRow Row(long sequence) => new(0, sequence, Guid.Empty, "payment.captured", Guid.Empty, Guid.Empty, "test", 1, DateTimeOffset.UnixEpoch, [], null);
}
