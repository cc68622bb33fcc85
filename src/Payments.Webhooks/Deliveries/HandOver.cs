using Microsoft.Extensions.Options;
using Payments.Core;

namespace Payments.Webhooks.Deliveries;

/// <summary>
/// What this process takes in it sends itself, without asking the queue: it inserts deliveries under a lease of its own, and here they wait for
/// their commit and then for a slot of their endpoint. The database knows them as claimed: if the process dies, they are due when the lease
/// ends. What finds no room here is inserted as due, for anyone's claim.
/// </summary>
public sealed class HandOver(IOptions<WebhooksOptions> options, TimeProvider time)
{
    // In slots: what an endpoint that answers soon works off within the longest wait.
    private const int RoomPerSlot = 32;
    private const int RoomInAll = 4_096;

    // An endpoint may be changed or switched off meanwhile, and others may have slots that are free.
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(5);

    // The database forgets a commit that has not come by then: its lease ends.
    private static readonly TimeSpan LongestCommit = TimeSpan.FromMinutes(1);

    private readonly Lock gate = new();
    private readonly Dictionary<Guid, Batch> uncommitted = [];
    private readonly Dictionary<Guid, Queue<Waiting>> waiting = [];
    private readonly Queue<Guid> turns = new();

    // Lanes that left something to the queue: it comes first, or a lane that is never idle would never reach it.
    private readonly HashSet<Guid> behind = [];
    private int held;
    private bool open;
    private bool closed;

    /// <summary>Called when something that was handed over is committed.</summary>
    public event Action? Arrived;

    public int PerLane => options.Value.ConcurrencyPerEndpoint;

    public TimeSpan Lease => TimeSpan.FromSeconds(options.Value.LeaseSeconds);

    private TimeSpan Patience => Min(LongestWait, TimeSpan.FromSeconds(options.Value.LeaseSeconds - options.Value.TimeoutSeconds) / 2);

    /// <summary>While open, commits are heard of.</summary>
    public void Open(bool isOpen)
    {
        lock (gate)
        {
            open = isOpen && !closed;
        }
    }

    /// <summary>Makes room for deliveries that are about to be inserted under the lease <paramref name="token"/>.</summary>
    /// <returns>For each lane whether there is room; the others go to the queue.</returns>
    public IReadOnlyList<bool> Reserve(Guid token, IReadOnlyList<Guid> lanes)
    {
        ArgumentNullException.ThrowIfNull(lanes);
        lock (gate)
        {
            Forget();
            var batch = new Batch(time.GetTimestamp(), []);
            uncommitted.Add(token, batch);
            var taken = new Dictionary<Guid, int>();
            return [.. lanes.Select(lane => Reserve(batch, taken, lane))];
        }
    }

    /// <summary>What was inserted under the lease; none where nothing was.</summary>
    public void Inserted(Guid token, IReadOnlyList<ClaimedDelivery> deliveries)
    {
        ArgumentNullException.ThrowIfNull(deliveries);
        lock (gate)
        {
            if (uncommitted.TryGetValue(token, out var batch))
            {
                held += deliveries.Count - batch.Count;
                (batch.Count, batch.Deliveries) = (deliveries.Count, deliveries);
                if (deliveries.Count == 0)
                {
                    uncommitted.Remove(token);
                }
            }
        }
    }

    /// <summary>The transaction that inserted under the lease is committed. Leases of other processes are none of ours.</summary>
    public void Committed(Guid token)
    {
        lock (gate)
        {
            if (!uncommitted.Remove(token, out var batch))
            {
                return;
            }

            Enqueue(batch.Deliveries, batch.Since);
        }

        Arrived?.Invoke();
    }

    /// <summary>The next delivery to send, lane after lane; null where none has a slot.</summary>
    /// <param name="busy">What is under way, by lane.</param>
    public ClaimedDelivery? Next(IReadOnlyDictionary<Guid, int> busy)
    {
        ArgumentNullException.ThrowIfNull(busy);
        lock (gate)
        {
            for (var left = turns.Count; left > 0; left--)
            {
                var id = turns.Dequeue();
                var lane = waiting[id];
                if (busy.GetValueOrDefault(id) >= PerLane || IsOver(lane.Peek().Since))
                {
                    turns.Enqueue(id);
                    continue;
                }

                held--;
                var next = lane.Dequeue().Delivery;
                if (lane.Count > 0)
                {
                    turns.Enqueue(id);
                }
                else
                {
                    waiting.Remove(id);
                }

                return next;
            }

            return null;
        }
    }

    /// <summary>Adds what waits here to what is under way: the queue offers no more than the rest.</summary>
    public void AddTo(Dictionary<Guid, int> busy)
    {
        ArgumentNullException.ThrowIfNull(busy);
        lock (gate)
        {
            foreach (var (id, lane) in waiting)
            {
                busy[id] = busy.GetValueOrDefault(id) + lane.Count;
            }
        }
    }

    /// <summary>Whether the queue holds something of this lane that had no room.</summary>
    public bool IsBehind(Guid lane)
    {
        lock (gate)
        {
            return behind.Contains(lane);
        }
    }

    /// <summary>
    /// What was claimed waits here too, so that each endpoint keeps to its slots whatever came meanwhile. A lane that got all it had room for
    /// may have more in the queue, one that got less has caught up.
    /// </summary>
    /// <param name="busy">As the claim was made with.</param>
    public void Claimed(IReadOnlyDictionary<Guid, int> busy, IReadOnlyList<ClaimedDelivery> claimed, int slots)
    {
        ArgumentNullException.ThrowIfNull(busy);
        ArgumentNullException.ThrowIfNull(claimed);
        lock (gate)
        {
            var got = claimed.GroupBy(c => c.LaneId).ToDictionary(g => g.Key, g => g.Count());
            behind.UnionWith(got.Where(g => g.Value >= PerLane - busy.GetValueOrDefault(g.Key)).Select(g => g.Key));
            if (claimed.Count < slots)
            {
                behind.RemoveWhere(lane => got.GetValueOrDefault(lane) < PerLane - busy.GetValueOrDefault(lane));
            }

            held += claimed.Count;
            Enqueue(claimed, time.GetTimestamp());
        }
    }

    /// <summary>Takes back what waits for a lane that fails, or has waited too long: it goes to the queue.</summary>
    public IReadOnlyList<ClaimedDelivery> Withdraw(Guid lane) => Withdraw(id => id == lane, _ => true);

    public IReadOnlyList<ClaimedDelivery> WithdrawOverdue() => Withdraw(_ => true, w => IsOver(w.Since));

    /// <summary>Takes everything back: the process stops.</summary>
    public IReadOnlyList<ClaimedDelivery> Close()
    {
        lock (gate)
        {
            (open, closed) = (false, true);
            var left = Withdraw(_ => true, _ => true).Concat(uncommitted.Values.SelectMany(b => b.Deliveries)).ToList();
            uncommitted.Clear();
            held = 0;
            return left;
        }
    }

    private static TimeSpan Min(TimeSpan one, TimeSpan other) => one < other ? one : other;

    private bool IsOver(long since) => time.GetElapsedTime(since) > Patience;

    private bool Reserve(Batch batch, Dictionary<Guid, int> taken, Guid lane)
    {
        if (!open)
        {
            return false;
        }

        var before = taken.GetValueOrDefault(lane);
        if (behind.Contains(lane) || held >= RoomInAll || before + (waiting.GetValueOrDefault(lane)?.Count ?? 0) >= RoomPerSlot * PerLane)
        {
            behind.Add(lane);
            return false;
        }

        taken[lane] = before + 1;
        batch.Count++;
        held++;
        return true;
    }

    private List<ClaimedDelivery> Withdraw(Predicate<Guid> ofLane, Predicate<Waiting> which)
    {
        lock (gate)
        {
            var withdrawn = new List<ClaimedDelivery>();
            foreach (var (id, lane) in waiting.Where(w => ofLane(w.Key)).ToList())
            {
                var some = withdrawn.Count;
                while (lane.TryPeek(out var first) && which(first))
                {
                    withdrawn.Add(lane.Dequeue().Delivery);
                }

                if (withdrawn.Count > some)
                {
                    behind.Add(id);
                }
            }

            held -= withdrawn.Count;
            for (var left = turns.Count; left > 0; left--)
            {
                var id = turns.Dequeue();
                if (waiting[id].Count > 0)
                {
                    turns.Enqueue(id);
                }
                else
                {
                    waiting.Remove(id);
                }
            }

            return withdrawn;
        }
    }

    private void Enqueue(IReadOnlyList<ClaimedDelivery> deliveries, long since)
    {
        foreach (var delivery in deliveries)
        {
            if (!waiting.TryGetValue(delivery.LaneId, out var lane))
            {
                waiting.Add(delivery.LaneId, lane = new());
                turns.Enqueue(delivery.LaneId);
            }

            lane.Enqueue(new(delivery, since));
        }
    }

    private void Forget()
    {
        foreach (var (token, batch) in uncommitted.Where(u => time.GetElapsedTime(u.Value.Since) > LongestCommit).ToList())
        {
            uncommitted.Remove(token);
            held -= batch.Count;
        }
    }

    private sealed class Batch(long since, IReadOnlyList<ClaimedDelivery> deliveries)
    {
        public long Since { get; } = since;

        public int Count { get; set; }

        public IReadOnlyList<ClaimedDelivery> Deliveries { get; set; } = deliveries;
    }

    private readonly record struct Waiting(ClaimedDelivery Delivery, long Since);
}
