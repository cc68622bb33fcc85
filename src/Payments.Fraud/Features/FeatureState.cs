namespace Payments.Fraud.Features;

/// <summary>
/// Everything the features of the next payment depend on. Training and scoring use this very code: training replays the stream of
/// payments and outcomes through it, scoring keeps it up to date. A row at time t is made from what was known at t: payments that
/// came before, and outcomes that had arrived. Not thread-safe; payments and outcomes come in the order of time.
/// </summary>
public sealed class FeatureState
{
    public const long Day = 86_400;

    private const long Hour = 3_600;

    private static readonly long[] CustomerWindows = [300, Hour, Day, 7 * Day, 30 * Day];
    private static readonly long[] MerchantWindows = [Hour, Day, 7 * Day, 30 * Day];
    private static readonly int[] CustomerOutcomeDays = [7, 28];
    private static readonly int[] MerchantOutcomeDays = [1, 3, 7, 14, 28];

    private readonly Dictionary<long, Party> customers = [];
    private readonly Dictionary<long, Party> merchants = [];

    /// <summary>The features of a payment that is about to be decided, in the order of <see cref="FeatureCatalogue"/>.</summary>
    public void Describe(in PaymentFact payment, Span<float> row)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(row.Length, FeatureCatalogue.Count);
        var customer = customers.GetValueOrDefault(payment.Customer) ?? Party.Unknown;
        var merchant = merchants.GetValueOrDefault(payment.Merchant) ?? Party.Unknown;
        var writer = new FeatureWriter(row);

        writer.Add((float)(payment.AmountMinor / 100.0));
        writer.Add((float)(payment.At % Day / (double)Hour));
        writer.Add(payment.At / Day % 7);

        customer.Payments.DescribeActivity(payment, ref writer, CustomerWindows);
        customer.Payments.DescribeNorm(payment, ref writer);
        customer.Payments.DescribeUnusual(payment, ref writer);
        customer.Payments.DescribeCounterparts(payment, payment.Merchant, ref writer);
        customer.Outcomes.Describe(payment.At, ref writer, CustomerOutcomeDays);

        merchant.Payments.DescribeActivity(payment, ref writer, MerchantWindows);
        merchant.Payments.DescribeNorm(payment, ref writer);
        merchant.Outcomes.Describe(payment.At, ref writer, MerchantOutcomeDays);
    }

    /// <summary>The payment happened: it counts from now on. What is returned has to be kept until the outcome is known.</summary>
    public PaymentTrace Observe(in PaymentFact payment)
    {
        var customer = Of(customers, payment.Customer);
        var ordinary = customer.Payments.Multiple(payment.AmountMinor) <= Spending.Unusual;
        customer.Payments.Observe(payment, payment.Merchant);
        Of(merchants, payment.Merchant).Payments.Observe(payment, payment.Customer);
        return new(payment, ordinary);
    }

    /// <summary>The outcome of an earlier payment became known.</summary>
    public void Learn(in PaymentTrace trace, bool fraud, long knownAt)
    {
        Of(customers, trace.Payment.Customer).Outcomes.Learn(knownAt, fraud, trace.Ordinary);
        Of(merchants, trace.Payment.Merchant).Outcomes.Learn(knownAt, fraud, trace.Ordinary);
    }

    private static Party Of(Dictionary<long, Party> parties, long key)
    {
        if (!parties.TryGetValue(key, out var party))
        {
            parties.Add(key, party = new());
        }

        return party;
    }

    private sealed class Party
    {
        /// <summary>Nothing is known of it; never written to.</summary>
        public static readonly Party Unknown = new();

        public Spending Payments { get; } = new();

        public Outcomes Outcomes { get; } = new();
    }
}
