using Microsoft.Extensions.Options;
using Payments.Core;
using Payments.Tests.Connectors;
using Payments.Webhooks;
using Payments.Webhooks.Deliveries;
using Xunit;

namespace Payments.Tests.Webhooks;

public sealed class HandOverTests
{
    private const int RoomOfALane = 32 * 2;
    private static readonly IReadOnlyDictionary<Guid, int> Idle = new Dictionary<Guid, int>();
    private readonly Guid one = Guid.Parse("00000000-0000-0000-0000-000000000001");
    private readonly Guid other = Guid.Parse("00000000-0000-0000-0000-000000000002");
    private readonly FakeTime time = new(DateTimeOffset.UnixEpoch);
    private readonly HandOver handOver;
    private int made;

    public HandOverTests()
    {
        handOver = new(Options.Create(new WebhooksOptions { ConcurrencyPerEndpoint = 2 }), time);
        handOver.Open(true);
    }

    [Fact]
    public void Nothing_is_sent_before_it_is_committed()
    {
        var token = Insert(one, one);
        Assert.Null(handOver.Next(Idle));
        handOver.Committed(token);
        Assert.Equal(one, handOver.Next(Idle)?.LaneId);
        Assert.Equal(one, handOver.Next(Idle)?.LaneId);
        Assert.Null(handOver.Next(Idle));
    }

    [Fact]
    public void A_lease_of_another_process_is_none_of_ours()
    {
        Insert(one);
        handOver.Committed(Guid.Parse("00000000-0000-0000-0000-0000000000ff"));
        Assert.Null(handOver.Next(Idle));
    }

    [Fact]
    public void Lanes_take_turns_and_keep_to_their_slots()
    {
        handOver.Committed(Insert(one, one, one, other));
        Assert.Equal([one, other, one, one], Enumerable.Range(0, 4).Select(_ => handOver.Next(Idle)!.LaneId));
        handOver.Committed(Insert(one, other));
        var busy = new Dictionary<Guid, int> { [one] = 2, [other] = 1 };
        Assert.Equal(other, handOver.Next(busy)?.LaneId);
        Assert.Null(handOver.Next(busy));
    }

    [Fact]
    public void Without_ears_for_commits_everything_goes_to_the_queue()
    {
        handOver.Open(false);
        Assert.Equal([false, false], handOver.Reserve(NewToken(), [one, other]));
    }

    [Fact]
    public void What_has_no_room_goes_to_the_queue_and_so_does_the_rest_of_its_lane_until_the_queue_has_no_more()
    {
        handOver.Committed(Insert([.. Enumerable.Repeat(one, RoomOfALane)]));
        Assert.Equal([false, true], handOver.Reserve(NewToken(), [one, other]));
        Assert.True(handOver.IsBehind(one));
        while (handOver.Next(Idle) is not null)
        {
            // Worked off.
        }

        Assert.Equal([false], handOver.Reserve(NewToken(), [one]));
        handOver.Claimed(Idle, [New(one), New(one)], slots: 10); // as many as it had room for: there may be more
        Assert.Equal([false], handOver.Reserve(NewToken(), [one]));
        handOver.Claimed(Idle, [New(one)], slots: 10);
        Assert.Equal([true], handOver.Reserve(NewToken(), [one]));
    }

    [Fact]
    public void What_was_claimed_keeps_to_the_slots_too()
    {
        handOver.Claimed(Idle, [New(one), New(one)], slots: 10);
        Assert.Null(handOver.Next(new Dictionary<Guid, int> { [one] = 2 }));
        var busy = new Dictionary<Guid, int> { [one] = 1 };
        handOver.AddTo(busy);
        Assert.Equal(3, busy[one]);
    }

    [Fact]
    public void What_waits_too_long_goes_back_to_the_queue()
    {
        handOver.Committed(Insert(one, one));
        Assert.Empty(handOver.WithdrawOverdue());
        time.Pass(TimeSpan.FromSeconds(6));
        Assert.Null(handOver.Next(Idle));
        Assert.Equal(2, handOver.WithdrawOverdue().Count);
        Assert.True(handOver.IsBehind(one));
    }

    [Fact]
    public void What_waits_for_a_lane_that_fails_is_withdrawn()
    {
        handOver.Committed(Insert(one, other, one));
        Assert.Equal(2, handOver.Withdraw(one).Count);
        Assert.Equal(other, handOver.Next(Idle)?.LaneId);
        Assert.Null(handOver.Next(Idle));
    }

    [Fact]
    public void A_process_that_stops_gives_back_what_it_holds_and_takes_no_more()
    {
        handOver.Committed(Insert(one));
        Insert(other);
        Assert.Equal(2, handOver.Close().Count);
        Assert.Equal([false], handOver.Reserve(NewToken(), [one]));
    }

    [Fact]
    public void The_room_of_what_was_never_committed_is_free_again()
    {
        for (var round = 0; round < 3; round++)
        {
            for (var lane = 0; lane < 4_096 / RoomOfALane; lane++)
            {
                var id = new Guid(round + 1, (short)lane, 7, 0, 0, 0, 0, 0, 0, 0, 0);
                Assert.All(handOver.Reserve(NewToken(), [.. Enumerable.Repeat(id, RoomOfALane)]), Assert.True);
            }

            Assert.Equal([false], handOver.Reserve(NewToken(), [one]));
            handOver.Claimed(Idle, [], slots: 10);
            time.Pass(TimeSpan.FromMinutes(2));
        }
    }

    private Guid NewToken() => new(++made, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0);

    private ClaimedDelivery New(Guid lane) => new(new EventId(new Guid(++made, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0)), lane, Guid.Empty, 1, 1, "payment.captured", [], null, null);

    private Guid Insert(params Guid[] lanes)
    {
        var token = NewToken();
        Assert.All(handOver.Reserve(token, lanes), Assert.True);
        handOver.Inserted(token, [.. lanes.Select(New)]);
        return token;
    }
}
