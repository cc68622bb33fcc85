namespace Payments.Fraud.Features;

/// <summary>
/// Everything the features of the next payment depend on. Training and scoring use this very code: training replays the stream of
/// payments and outcomes through it, scoring keeps it up to date. A row at time t is made from what was known at t: payments that
/// came before, and answers and outcomes that had arrived. Not thread-safe; payments, answers and outcomes come in the order of time.
/// </summary>
/// <param name="mostParties">Beyond so many parties of all kinds those are forgotten that were idle for longest, a tenth at a time.</param>
public sealed class FeatureState(int mostParties = int.MaxValue)
{
    public const long Day = 86_400;

    public const long Hour = 3_600;

    internal const int FeaturesOfVisitor = 15;

    private static readonly long[] CardWindows = [300, Hour, Day, 7 * Day, 30 * Day];
    private static readonly long[] MerchantWindows = [Hour, Day, 7 * Day, 30 * Day];
    private static readonly int[] CardOutcomeDays = [7, 28];
    private static readonly int[] MerchantOutcomeDays = [1, 3, 7, 14, 28];
    private static readonly Surroundings Nowhere = new();

    private readonly Parties<Card> cards = new();
    private readonly Parties<Merchant> merchants = new();
    private readonly Parties<Visitor> customers = new();
    private readonly Parties<Visitor> addresses = new();
    private readonly Parties<Visitor> devices = new();
    private readonly Parties<Visitor> emails = new();

    /// <summary>Of all kinds.</summary>
    public int PartyCount => cards.Count + merchants.Count + customers.Count + addresses.Count + devices.Count + emails.Count;

    /// <summary>
    /// The features of a payment that is about to be decided, in the order of <see cref="FeatureCatalogue"/>: all, or only those of a
    /// stored stream if the row has no place for more.
    /// </summary>
    public void Describe(in PaymentFact payment, Span<float> row)
    {
        if (row.Length != FeatureCatalogue.Count && row.Length != FeatureCatalogue.StreamCount)
        {
            throw new ArgumentOutOfRangeException(nameof(row), row.Length, "A row has all features, or those of a stream.");
        }

        var card = cards.Find(payment.Card);
        var merchant = merchants.Find(payment.Merchant);
        var writer = new FeatureWriter(row);

        writer.Add((float)(payment.AmountMinor / 100.0));
        writer.Add((float)(payment.At % Day / (double)Hour));
        writer.Add(payment.At / Day % 7);

        card.Payments.DescribeActivity(payment, ref writer, CardWindows);
        card.Payments.DescribeNorm(payment, ref writer);
        card.Payments.DescribeUnusual(payment, ref writer);
        card.Payments.DescribeCounterparts(payment, payment.Merchant, ref writer);
        card.Outcomes.Describe(payment.At, ref writer, CardOutcomeDays);

        merchant.Payments.DescribeActivity(payment, ref writer, MerchantWindows);
        merchant.Payments.DescribeNorm(payment, ref writer);
        merchant.Outcomes.Describe(payment.At, ref writer, MerchantOutcomeDays);

        if (row.Length > writer.Written)
        {
            DescribeCircumstances(payment, card, merchant, ref writer);
        }
    }

    /// <summary>The payment happened: it counts from now on. What is returned has to be kept until the outcome is known.</summary>
    public PaymentTrace Observe(in PaymentFact payment)
    {
        var card = cards.Of(payment.Card);
        var ordinary = card.Payments.Multiple(payment.AmountMinor) <= Spending.Unusual;
        card.Payments.Observe(payment, payment.Merchant);
        merchants.Of(payment.Merchant).Payments.Observe(payment, payment.Card);
        if ((payment.Ip | payment.Device | payment.Email) != 0)
        {
            (card.Surroundings ??= new()).Observe(payment);
        }

        Visitors(payment, static (visitor, fact, _) => visitor.Observe(fact), 0);
        Trim();
        return new(payment, ordinary);
    }

    /// <summary>A provider or an issuer answered.</summary>
    public void Answer(in PaymentFact payment, PaymentAnswer answer, long at)
    {
        var (card, merchant) = (cards.Of(payment.Card), merchants.Of(payment.Merchant));
        card.Answers.Observe(answer, at);
        card.Touch(at);
        merchant.Answers.Observe(answer, at);
        merchant.Touch(at);
        Visitors(payment, static (visitor, _, what) => visitor.Answer(what.answer, what.at), (answer, at));
        Trim();
    }

    /// <summary>The outcome of an earlier payment became known.</summary>
    public void Learn(in PaymentTrace trace, bool fraud, long knownAt)
    {
        var (card, merchant) = (cards.Of(trace.Payment.Card), merchants.Of(trace.Payment.Merchant));
        card.Outcomes.Learn(knownAt, fraud, trace.Ordinary);
        card.Touch(knownAt);
        merchant.Outcomes.Learn(knownAt, fraud, trace.Ordinary);
        merchant.Touch(knownAt);
        Visitors(trace.Payment, static (visitor, _, what) => visitor.Learn(what.knownAt, what.fraud, what.Ordinary), (knownAt, fraud, trace.Ordinary));
        Trim();
    }

    private static void DescribeVisitor(Parties<Visitor> visitors, long key, in PaymentFact payment, ref FeatureWriter writer)
    {
        if (key == 0)
        {
            Visitor.DescribeAbsent(ref writer);
        }
        else
        {
            visitors.Find(key).Describe(payment, ref writer);
        }
    }

    private void DescribeCircumstances(in PaymentFact payment, Card card, Merchant merchant, ref FeatureWriter writer)
    {
        var at = payment.At;
        for (var i = 0; i < Told.Features.Length; i++)
        {
            writer.Add(payment.Told is { } told ? told[i] : float.NaN);
        }

        writer.Add(card.Answers.Count(PaymentAnswer.Declined, at, Hour));
        writer.Add(card.Answers.Count(PaymentAnswer.Declined, at, Day));
        writer.Add(card.Answers.DeclineShare(at, 30 * Day));
        writer.Add(card.Answers.Count(PaymentAnswer.Authenticated, at, 30 * Day));
        writer.Add(card.Answers.Count(PaymentAnswer.NotAuthenticated, at, 30 * Day));
        writer.AddHours(at, card.Answers.LastAuthentication(at));
        (card.Surroundings ?? Nowhere).Describe(at, ref writer);

        writer.Add(merchant.Answers.Count(PaymentAnswer.Declined, at, Hour));
        writer.Add(merchant.Answers.DeclineShare(at, Day));
        writer.Add(merchant.Answers.Count(PaymentAnswer.NotAuthenticated, at, 7 * Day));

        DescribeVisitor(customers, payment.Customer, payment, ref writer);
        DescribeVisitor(addresses, payment.Ip, payment, ref writer);
        DescribeVisitor(devices, payment.Device, payment, ref writer);
        DescribeVisitor(emails, payment.Email, payment, ref writer);
    }

    private void Visitors<T>(in PaymentFact payment, Action<Visitor, PaymentFact, T> act, T what)
    {
        if (payment.Customer != 0)
        {
            act(customers.Of(payment.Customer), payment, what);
        }

        if (payment.Ip != 0)
        {
            act(addresses.Of(payment.Ip), payment, what);
        }

        if (payment.Device != 0)
        {
            act(devices.Of(payment.Device), payment, what);
        }

        if (payment.Email != 0)
        {
            act(emails.Of(payment.Email), payment, what);
        }
    }

    private void Trim()
    {
        if (PartyCount <= mostParties)
        {
            return;
        }

        var ages = new List<long>(PartyCount);
        cards.CollectAges(ages);
        merchants.CollectAges(ages);
        customers.CollectAges(ages);
        addresses.CollectAges(ages);
        devices.CollectAges(ages);
        emails.CollectAges(ages);
        ages.Sort();

        // Those of the latest second stay, so that what was just seen is never forgotten for its own sake.
        var before = Math.Min(ages[ages.Count / 10] + 1, ages[^1]);
        cards.ForgetOlderThan(before);
        merchants.ForgetOlderThan(before);
        customers.ForgetOlderThan(before);
        addresses.ForgetOlderThan(before);
        devices.ForgetOlderThan(before);
        emails.ForgetOlderThan(before);
    }
}
