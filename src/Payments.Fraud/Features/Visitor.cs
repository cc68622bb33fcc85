namespace Payments.Fraud.Features;

/// <summary>A customer, IP address, device or e-mail address: fewer things are kept of it than of a card, since there are many.</summary>
internal sealed class Visitor : IParty
{
    private const int Most = 64;
    private const long Horizon = 30 * FeatureState.Day;

    private readonly Recent<Visit> recent = new(Most);
    private readonly Answers answers = new(Most / 2);
    private readonly Outcomes outcomes = new(Most / 2);
    private long firstAt = Outcomes.Never;
    private long lastAt = Outcomes.Never;

    public long LastAt { get; private set; } = Outcomes.Never;

    public static void DescribeAbsent(ref FeatureWriter writer)
    {
        for (var i = 0; i < FeatureState.FeaturesOfVisitor; i++)
        {
            writer.Add(float.NaN);
        }
    }

    public void Observe(in PaymentFact payment)
    {
        while (recent.Count > 0 && recent[0].At <= payment.At - Horizon)
        {
            recent.RemoveOldest();
        }

        recent.Add(new(payment.At, payment.AmountMinor, payment.Card));
        firstAt = firstAt == Outcomes.Never ? payment.At : firstAt;
        LastAt = lastAt = payment.At;
    }

    public void Answer(PaymentAnswer answer, long at)
    {
        answers.Observe(answer, at);
        LastAt = at;
    }

    public void Learn(long knownAt, bool fraud, bool ordinary)
    {
        outcomes.Learn(knownAt, fraud, ordinary);
        LastAt = knownAt;
    }

    public void Describe(in PaymentFact payment, ref FeatureWriter writer)
    {
        Span<long> cards = stackalloc long[Most];
        int hour = 0, day = 0, week = 0, month = 0, same = 0, different = 0, differentOfDay = 0;
        long amount = 0;
        for (var i = recent.Count - 1; i >= 0; i--)
        {
            ref readonly var visit = ref recent[i];
            var age = payment.At - visit.At;
            if (age >= Horizon)
            {
                break;
            }

            month++;
            week += age < 7 * FeatureState.Day ? 1 : 0;
            hour += age < FeatureState.Hour ? 1 : 0;
            same += visit.Card == payment.Card ? 1 : 0;
            if (!cards[..different].Contains(visit.Card))
            {
                cards[different++] = visit.Card;
            }

            if (age < FeatureState.Day)
            {
                day++;
                amount += visit.Amount;
                differentOfDay = different;
            }
        }

        writer.Add(hour);
        writer.Add(day);
        writer.Add(week);
        writer.Add(month);
        writer.Add((float)(amount / 100.0));
        writer.Add(differentOfDay);
        writer.Add(different);
        writer.Add(same);
        writer.AddHours(payment.At, firstAt);
        writer.AddHours(payment.At, lastAt);
        writer.Add(answers.Count(PaymentAnswer.Declined, payment.At, FeatureState.Day));
        writer.Add(answers.DeclineShare(payment.At, Horizon));
        outcomes.DescribeBriefly(payment.At, ref writer);
    }

    private readonly record struct Visit(long At, long Amount, long Card);
}
