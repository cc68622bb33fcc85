using Payments.Fraud.Features;

namespace Payments.Tests.Fraud.Model;

/// <summary>Features in training and in scoring, and against their definitions written down a second time over the whole stream.</summary>
public sealed class FeatureReplayTests
{
    private const long Day = FeatureState.Day;
    private const long Delay = 7 * Day;
    private static readonly LabelledPayment[] Stream = SyntheticStream.Make(days: 60, customers: 25, merchants: 15, seed: 31);

    [Fact]
    public void A_stream_gives_the_same_features_in_training_and_in_scoring()
    {
        var trained = FeatureTable.Replay(Stream, Delay, _ => 1, null, TestContext.Current.CancellationToken);

        // Scoring sees one thing after the other: a payment is described, then happens; its outcome arrives a week later by itself.
        var arrivals = new PriorityQueue<(PaymentTrace Trace, bool Fraud), long>();
        var state = new FeatureState();
        var row = new float[FeatureCatalogue.StreamCount];
        for (var i = 0; i < Stream.Length; i++)
        {
            var payment = Stream[i].Payment;
            while (arrivals.TryPeek(out var outcome, out var at) && at <= payment.At)
            {
                state.Learn(outcome.Trace, outcome.Fraud, at);
                arrivals.Dequeue();
            }

            state.Describe(payment, row);
            Assert.Equal(trained[i].ToArray(), row);
            arrivals.Enqueue((state.Observe(payment), Stream[i].Fraud), payment.At + Delay);
        }
    }

    [Fact]
    public void What_comes_later_changes_nothing()
    {
        const int until = 2_000;
        var whole = FeatureTable.Replay(Stream, Delay, _ => 1, null, TestContext.Current.CancellationToken);
        var seen = Stream[until].Payment.At;

        // Every label that is not yet known then is turned, and the later payments are others.
        var other = Stream.Select((p, i) => i <= until
            ? p with { Fraud = p.Payment.At + Delay <= seen ? p.Fraud : !p.Fraud }
            : p with { Payment = p.Payment with { AmountMinor = 1, Card = 0 } }).ToArray();
        var changed = FeatureTable.Replay(other, Delay, _ => 1, null, TestContext.Current.CancellationToken);
        for (var i = 0; i <= until; i++)
        {
            Assert.Equal(whole[i].ToArray(), changed[i].ToArray());
        }
    }

    [Fact]
    public void Describing_a_payment_leaves_no_trace()
    {
        var state = new FeatureState();
        var (first, second) = (new float[FeatureCatalogue.StreamCount], new float[FeatureCatalogue.StreamCount]);
        state.Observe(new(1, 1, 100, 500));
        state.Describe(new(1, 1, 200, 900), first);
        state.Describe(new(2, 2, 200, 900), second);
        state.Describe(new(1, 1, 200, 900), second);
        Assert.Equal(first, second);
    }

    [Fact]
    public void Every_name_is_unique_and_every_feature_varies_or_can_be_unknown()
    {
        Assert.True(FeatureCatalogue.StreamCount >= 60);
        Assert.Equal(FeatureCatalogue.StreamNames.AsEnumerable(), FeatureCatalogue.Names.Take(FeatureCatalogue.StreamCount));
        Assert.Equal(FeatureCatalogue.Count, FeatureCatalogue.Names.Distinct().Count());
        var table = FeatureTable.Replay(Stream, Delay, _ => 1, null, TestContext.Current.CancellationToken);
        Assert.All(
            Enumerable.Range(0, FeatureCatalogue.StreamCount),
            f => Assert.True(Enumerable.Range(0, table.Rows).Select(r => table[r][f]).Distinct().Count() > 1, FeatureCatalogue.Names[f] + " never varies"));
    }

    [Fact]
    public void Features_are_what_their_definitions_say()
    {
        var table = FeatureTable.Replay(Stream, Delay, _ => 1, null, TestContext.Current.CancellationToken);
        for (var i = 0; i < Stream.Length; i += 37)
        {
            foreach (var (name, expected) in Definitions(i))
            {
                var actual = table[i][FeatureCatalogue.StreamNames.IndexOf(name)];
                Assert.True(
                    double.IsNaN(expected) ? float.IsNaN(actual) : Math.Abs(expected - actual) <= 1e-5 * Math.Max(1, Math.Abs(expected)),
                    $"{name} of payment {i} is {actual}, not {expected}");
            }
        }
    }

    private static IEnumerable<(string, double)> Definitions(int index)
    {
        var now = Stream[index].Payment;
        var earlier = Stream.Take(index).ToArray();
        var ofCard = earlier.Where(p => p.Payment.Card == now.Card).ToArray();
        var ofMerchant = earlier.Where(p => p.Payment.Merchant == now.Merchant).ToArray();
        LabelledPayment[] Within(LabelledPayment[] payments, long window) => [.. payments.Where(p => now.At - p.Payment.At < window)];
        LabelledPayment[] KnownWithin(LabelledPayment[] payments, long window) =>
            [.. payments.Where(p => p.Payment.At + Delay <= now.At && now.At - (p.Payment.At + Delay) < window)];
        double HoursSince(IEnumerable<long> moments, bool first = false) =>
            moments.Any() ? (now.At - (first ? moments.Min() : moments.Max())) / 3600.0 : double.NaN;

        yield return ("amount", now.AmountMinor / 100.0);
        yield return ("hour_of_day", now.At % Day / 3600.0);
        foreach (var (who, payments) in new[] { ("card", ofCard), ("merchant", ofMerchant) })
        {
            foreach (var (window, seconds) in new[] { ("1h", 3_600L), ("1d", Day), ("7d", 7 * Day), ("30d", 30 * Day) })
            {
                var inside = Within(payments, seconds);
                yield return ($"{who}_payments_{window}", inside.Length);
                yield return ($"{who}_amount_{window}", inside.Sum(p => p.Payment.AmountMinor) / 100.0);
                yield return ($"amount_over_{who}_mean_{window}", inside.Length == 0 ? double.NaN : now.AmountMinor / inside.Average(p => (double)p.Payment.AmountMinor));
            }

            yield return ($"{who}_payments", payments.Length);
            yield return ($"{who}_idle_hours", HoursSince(payments.Select(p => p.Payment.At)));
            yield return ($"{who}_age_hours", HoursSince(payments.Select(p => p.Payment.At), first: true));
            foreach (var days in new[] { 7, 28 })
            {
                var known = KnownWithin(payments, days * Day);
                yield return ($"{who}_frauds_{days}d", known.Count(p => p.Fraud));
                yield return ($"{who}_fraud_share_{days}d", known.Length == 0 ? double.NaN : known.Average(p => p.Fraud ? 1.0 : 0));
            }

            var all = KnownWithin(payments, long.MaxValue);
            yield return ($"{who}_fraud_share", all.Length == 0 ? double.NaN : all.Average(p => p.Fraud ? 1.0 : 0));
            yield return ($"{who}_last_fraud_hours", HoursSince(all.Where(p => p.Fraud).Select(p => p.Payment.At + Delay)));
            yield return ($"{who}_first_fraud_hours", HoursSince(KnownWithin(payments, 28 * Day).Where(p => p.Fraud).Select(p => p.Payment.At + Delay), first: true));
            yield return ($"{who}_last_good_hours", HoursSince(all.Where(p => !p.Fraud).Select(p => p.Payment.At + Delay)));
            yield return ($"{who}_fraud_run", all.Reverse().TakeWhile(p => p.Fraud).Count());
            yield return ($"{who}_fraud_run_hours", HoursSince(all.Reverse().TakeWhile(p => p.Fraud).Select(p => p.Payment.At + Delay), first: true));
            yield return ($"{who}_good_since_fraud", all.Any(p => p.Fraud) ? all.Reverse().TakeWhile(p => !p.Fraud).Count() : double.NaN);
        }

        var (usual, spread, multiples) = Usual(ofCard);
        yield return ("card_usual_amount", usual / 100);
        yield return ("card_usual_spread", spread / 100);
        yield return ("amount_over_card_usual", now.AmountMinor / usual);
        yield return ("amount_deviation_for_card", (now.AmountMinor - usual) / spread);
        var lately = ofCard.Zip(multiples).Where(p => now.At - p.First.Payment.At < 14 * Day).ToArray();
        yield return ("card_unusual_14d", lately.Count(p => p.Second > 2.5));
        yield return ("card_elevated_14d", lately.Count(p => p.Second > 1.8));
        yield return ("card_extreme_14d", lately.Count(p => p.Second > 4));
        yield return ("card_unusual_3d", lately.Count(p => p.Second > 2.5 && now.At - p.First.Payment.At < 3 * Day));
        yield return ("card_excess_14d", lately.Sum(p => Math.Max(0, p.Second - 1.8)));
        yield return ("card_first_unusual_hours", HoursSince(lately.Where(p => p.Second > 2.5).Select(p => p.First.Payment.At), first: true));
        yield return ("card_last_unusual_hours", HoursSince(lately.Where(p => p.Second > 2.5).Select(p => p.First.Payment.At)));
        yield return ("card_merchants_7d", Within(ofCard, 7 * Day).Select(p => p.Payment.Merchant).Distinct().Count());
        yield return ("card_merchants_1d", Within(ofCard, Day).Select(p => p.Payment.Merchant).Distinct().Count());
        yield return ("card_merchant_payments_30d", Within(ofCard, 30 * Day).Count(p => p.Payment.Merchant == now.Merchant));
    }

    /// <summary>Mean and deviation of the amounts that were not unusual when they came, and each payment's multiple of the mean then.</summary>
    private static (double Mean, double Spread, double[] Multiples) Usual(LabelledPayment[] payments)
    {
        var usual = new List<double>();
        var multiples = new List<double>();
        foreach (var payment in payments)
        {
            var multiple = usual.Count < 5 ? 1 : payment.Payment.AmountMinor / usual.Average();
            multiples.Add(multiple);
            if (multiple <= 2.5)
            {
                usual.Add(payment.Payment.AmountMinor);
            }
        }

        var mean = usual.Count == 0 ? double.NaN : usual.Average();
        var spread = usual.Count < 2 ? double.NaN : Math.Sqrt(usual.Sum(a => (a - mean) * (a - mean)) / (usual.Count - 1));
        return (mean, spread, [.. multiples]);
    }
}
