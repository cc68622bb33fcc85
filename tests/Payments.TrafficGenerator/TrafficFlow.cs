using Payments.TrafficGenerator.Attacks;
using Payments.TrafficGenerator.Population;

namespace Payments.TrafficGenerator;

/// <summary>
/// Payments in the order of time, without end: honest shopping at its daily and weekly rhythm, and attacks that begin at random and
/// run side by side. Kept in memory are the merchants, the attacks under way and second attempts that are due; nobody who shops.
/// </summary>
public sealed class TrafficFlow
{
    private readonly World world;
    private readonly Shopping shopping;
    private readonly PriorityQueue<Pending, (long At, long Order)> pending = new();
    private long order;
    private long campaigns;

    public TrafficFlow(TrafficOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        world = new(options);
        shopping = new(world);
    }

    /// <summary>What is kept at the moment: one entry for each attack under way and each second attempt that is due, and a few more.</summary>
    public int Waiting => pending.Count;

    public static IEnumerable<TrafficPayment> Payments(TrafficOptions options) => new TrafficFlow(options).Run();

    /// <summary>To be called once.</summary>
    public IEnumerable<TrafficPayment> Run()
    {
        Follow(shopping.Payments());
        foreach (var attack in world.Options.Planned)
        {
            Follow(PaymentsOf(attack));
        }

        foreach (var campaign in Campaign.All.Where(c => world.Options.Shares.Of(c.Kind) > 0))
        {
            var dice = new Dice(world.Seed, Subject.Schedule, (long)campaign.Kind);
            Await(campaign, dice, world.Options.Begins.AddDays(-campaign.LongestDays));
        }

        var number = 0L;
        while (pending.TryDequeue(out var next, out _))
        {
            if (next.Source is not { } source)
            {
                var attack = next.Begins!.Drawn(next.At, next.Dice!);
                Follow(PaymentsOf(attack));
                Await(next.Begins, next.Dice!, next.At);
                continue;
            }

            var payment = source.Current;
            Step(source);
            if (payment.Decline is not null && payment.Campaign == 0 && shopping.Again(payment) is { } again)
            {
                Follow([again]);
            }

            if (payment.At >= world.Options.Begins)
            {
                yield return payment with { Number = number++ };
            }
        }
    }

    private IEnumerable<TrafficPayment> PaymentsOf(PlannedAttack attack)
    {
        var campaign = ++campaigns;
        return Campaign.Of(attack.Kind).Payments(world, shopping, new Dice(world.Seed, Subject.Campaign, campaign), attack, campaign);
    }

    private void Follow(IEnumerable<TrafficPayment> payments) => Step(payments.GetEnumerator());

    private void Step(IEnumerator<TrafficPayment> source)
    {
        if (source.MoveNext())
        {
            pending.Enqueue(new(source.Current.At, source), (source.Current.At.UtcTicks, order++));
        }
        else
        {
            source.Dispose();
        }
    }

    /// <summary>Attacks of a kind begin at random, so many a day in the mean that their payments are the share that is asked for.</summary>
    private void Await(Campaign campaign, Dice dice, DateTimeOffset after)
    {
        var perDay = world.Options.Shares.Of(campaign.Kind) * world.Options.PaymentsPerDay / campaign.MeanPayments;
        var at = after.AddMilliseconds(Math.Ceiling(dice.Exponential(TimeSpan.MillisecondsPerDay / perDay)));
        pending.Enqueue(new(at, null, campaign, dice), (at.UtcTicks, order++));
    }

    /// <summary>Either payments, of which the next one is due, or an attack that begins.</summary>
    private sealed record Pending(DateTimeOffset At, IEnumerator<TrafficPayment>? Source, Campaign? Begins = null, Dice? Dice = null);
}
