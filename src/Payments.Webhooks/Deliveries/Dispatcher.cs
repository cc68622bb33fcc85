using System.Diagnostics;
using Microsoft.Extensions.Options;
using Npgsql;
using Payments.Platform;
using Payments.Platform.Postgres;

namespace Payments.Webhooks.Deliveries;

/// <summary>
/// Works one channel: takes what was handed over and claims what is due while it has free slots, attempts it, writes the outcome down. What it
/// has and then cannot finish becomes due again when its lease ends, or at once when the service stops in order.
/// </summary>
public sealed class Dispatcher(
    IDeliveryChannel channel, DueDeliveries queue, Outcomes outcomes, IOptions<WebhooksOptions> options, Jitter jitter, TimeProvider time, ILogger<Dispatcher> logger) : BackgroundService
{
    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan BetweenClaims = TimeSpan.FromMilliseconds(100);

    // Attempts that are over and not written down yet take nobody's slot, but if the database goes away they are made again.
    private const int MostSettling = 256;

    // A receiver that is answering right now gets this long when the service stops, so that it is not asked twice.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);
    private readonly CancellationTokenSource ending = new();
    private readonly Dictionary<Guid, int> busy = [];
    private readonly HashSet<Task> underWay = [];
    private readonly Lock gate = new();
    private int settling;

    /// <summary>Signalled whenever something may have become due.</summary>
    public WakeUp WakeUp { get; } = new();

    // Under the gate.
    private int FreeSlots => settling < MostSettling ? channel.Slots - (underWay.Count - settling) : 0;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (channel.HandOver is { } handOver)
        {
            handOver.Arrived += StartWaiting;
        }

        try
        {
            while (true)
            {
                await GiveBackAsync(channel.HandOver?.WithdrawOverdue() ?? []);
                var pause = await ClaimAndStartAsync(stoppingToken);
                if (pause > TimeSpan.Zero)
                {
                    await WakeUp.WaitAsync(pause, time, stoppingToken);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            ending.CancelAfter(Grace);
            await GiveBackAsync(channel.HandOver?.Close() ?? []);
            await Task.WhenAll(Snapshot());
        }
    }

    public override void Dispose()
    {
        WakeUp.Dispose();
        ending.Dispose();
        base.Dispose();
    }

    /// <returns>How long to wait unless woken; zero to look again.</returns>
    private async Task<TimeSpan> ClaimAndStartAsync(CancellationToken stopping)
    {
        var poll = TimeSpan.FromMilliseconds(options.Value.PollMilliseconds);
        Dictionary<Guid, int> lanes;
        int slots;
        lock (gate)
        {
            slots = FreeSlots;
            lanes = new Dictionary<Guid, int>(busy);
            channel.HandOver?.AddTo(lanes);
        }

        if (slots == 0)
        {
            return poll; // a finished attempt signals
        }

        try
        {
            var claimed = await channel.ClaimAsync(slots, lanes, stopping);
            if (channel.HandOver is { } handOver)
            {
                handOver.Claimed(lanes, claimed, slots);
                StartWaiting();
            }
            else
            {
                foreach (var delivery in claimed)
                {
                    Start(delivery);
                }
            }

            if (claimed.Count == 0)
            {
                return poll;
            }

            // One claim for what becomes due meanwhile, instead of one for each slot that becomes free.
            await Task.Delay(BetweenClaims, time, stopping);
            return TimeSpan.Zero;
        }
        catch (Exception e) when (Outage.OfDatabase(e))
        {
            Log.ClaimFailed(logger, channel.Name, e);
            return AfterFailure;
        }
    }

    private void StartWaiting()
    {
        lock (gate)
        {
            while (FreeSlots > 0 && channel.HandOver?.Next(busy) is { } delivery)
            {
                Start(delivery);
            }
        }
    }

    private void Start(ClaimedDelivery delivery)
    {
        lock (gate)
        {
            busy[delivery.LaneId] = busy.GetValueOrDefault(delivery.LaneId) + 1;
            var turn = new Turn(delivery.LaneId);
            var task = Task.Run(() => AttemptAsync(delivery, turn, ending.Token), CancellationToken.None);
            underWay.Add(task);
            _ = task.ContinueWith(done => Finish(done, delivery, turn), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }

    private void Finish(Task task, ClaimedDelivery delivery, Turn turn)
    {
        if (task.Exception is { } e)
        {
            Log.AttemptBroke(logger, channel.Name, delivery.EventId, e);
        }

        Free(turn, task);
    }

    /// <summary>The receiver has answered: its endpoint may have the next, and the slot is whoever's that waits for one.</summary>
    /// <param name="finished">The attempt, once nothing is left of it to write down.</param>
    private void Free(Turn turn, Task? finished)
    {
        bool wasFull, ends;
        lock (gate)
        {
            (wasFull, ends) = (FreeSlots == 0, !turn.IsOver);
            if (ends)
            {
                turn.IsOver = true;
                settling++;
                if (--busy[turn.Lane] == 0)
                {
                    busy.Remove(turn.Lane);
                }
            }

            if (finished is not null)
            {
                underWay.Remove(finished);
                settling--;
            }
        }

        StartWaiting();
        if (wasFull || (ends && channel.HandOver?.IsBehind(turn.Lane) != false))
        {
            WakeUp.Signal();
        }
    }

    private Task[] Snapshot()
    {
        lock (gate)
        {
            return [.. underWay];
        }
    }

    private async Task AttemptAsync(ClaimedDelivery delivery, Turn turn, CancellationToken cancellationToken)
    {
        using var activity = WebhooksTelemetry.Source.StartActivity("deliver " + channel.Name, ActivityKind.Client, delivery.TraceParent);
        activity?.SetTag("payments.event.id", delivery.EventId.ToString());
        activity?.SetTag("payments.event.type", delivery.EventType);
        try
        {
            Steps.Reached(Steps.DeliverBefore);
            var result = await SendAsync(delivery, cancellationToken);
            Steps.Reached(Steps.DeliverAfter);
            Measure(result, activity);
            if (result.Verdict == Verdict.Delivered)
            {
                Free(turn, finished: null);
            }

            // What the receiver answered is written down even while the service stops.
            await SettleAsync(delivery, result, CancellationToken.None);
            Steps.Reached(Steps.DeliverSettled);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            await GiveBackAsync([delivery]);
        }
        catch (Exception e) when (Outage.OfDatabase(e) || e is WriterOverloadedException)
        {
            // The outcome could not be written down: the lease ends and the delivery is due again.
            Log.SettlingFailed(logger, channel.Name, delivery.EventId, e);
        }
    }

    private async Task<AttemptResult> SendAsync(ClaimedDelivery delivery, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        try
        {
            return await channel.SendAsync(delivery, cancellationToken);
        }
        catch (Exception e) when (e is not (OperationCanceledException or NpgsqlException))
        {
            // Ours, not the receiver's; the schedule keeps a fault that stays from being repeated without pause.
            Log.AttemptBroke(logger, channel.Name, delivery.EventId, e);
            return new AttemptResult(Verdict.Failed, time.GetElapsedTime(started), Error: AttemptErrors.Internal);
        }
    }

    private async Task SettleAsync(ClaimedDelivery delivery, AttemptResult result, CancellationToken cancellationToken)
    {
        var pause = result.Verdict == Verdict.Failed ? channel.Schedule.After(delivery.AttemptOfRun, jitter(), result.RetryAfter) : null;
        if (!await outcomes.SettleAsync(delivery, result, pause))
        {
            Log.LeaseLost(logger, channel.Name, delivery.EventId);
            return;
        }

        if (result.Verdict == Verdict.Delivered)
        {
            await channel.AfterwardsAsync(delivery, result, cancellationToken);
            return;
        }

        Log.AttemptFailed(logger, channel.Name, delivery.EventId, delivery.Attempt, result.StatusCode, result.Error, pause is null ? null : (long)pause.Value.TotalSeconds);

        // The endpoint fails: what waits for it is served where those are that fail, or canceled.
        var withdrawn = channel.HandOver?.Withdraw(delivery.LaneId) ?? [];
        try
        {
            await channel.AfterwardsAsync(delivery, result, cancellationToken);
        }
        finally
        {
            await GiveBackAsync(withdrawn);
        }
    }

    private async Task GiveBackAsync(IReadOnlyList<ClaimedDelivery> deliveries)
    {
        if (deliveries.Count == 0)
        {
            return;
        }

        try
        {
            await queue.ReleaseAsync(deliveries, CancellationToken.None);
        }
        catch (Exception e) when (Outage.OfDatabase(e))
        {
            Log.ReleaseFailed(logger, channel.Name, deliveries.Count, e);
        }
    }

    private void Measure(AttemptResult result, Activity? activity)
    {
        var tags = new TagList { { "payments.webhooks.channel", channel.Name }, { "payments.webhooks.outcome", result.Verdict.ToString().ToLowerInvariant() } };
        WebhooksTelemetry.Attempts.Add(1, tags);
        WebhooksTelemetry.AttemptDuration.Record(result.Duration.TotalSeconds, tags);
        activity?.SetTag("http.response.status_code", result.StatusCode);
        activity?.SetTag("error.type", result.Error);
        if (result.Verdict != Verdict.Delivered)
        {
            activity?.SetStatus(ActivityStatusCode.Error);
        }
    }

    /// <summary>One of the attempts that an endpoint has at a time. What fails keeps it until that is known to the database.</summary>
    private sealed class Turn(Guid lane)
    {
        public Guid Lane => lane;

        /// <summary>Under the gate.</summary>
        public bool IsOver { get; set; }
    }
}
