using Payments.Core;
using Payments.Fraud.Features;
using Payments.Fraud.Live;
using Payments.Fraud.Velocity;

namespace Payments.Tests.Fraud.Model;

/// <summary>Features of real payments: the same in training and in scoring, made of nothing that came later, and what their definitions say.</summary>
public sealed class LiveReplayTests
{
    private static readonly EntityHash Hash = new(new byte[32]);
    private static readonly List<HistoricPayment> Payments = HistorySample.Make(days: 50, perDay: 40, seed: 5);

    [Fact]
    public void A_history_gives_the_same_features_in_training_and_in_scoring()
    {
        var trained = Trained(Payments);

        // Scoring sees one thing after the other: requests are asked about when they come, the rest arrives by itself, some of it twice.
        var features = new LiveFeatures(new(), TimeProvider.System);
        var later = new Queue<Occurrence>(PaymentHistory.Occurrences(Payments, Hash).Where(o => o.Kind != OccurrenceKind.Attempted));
        var traces = new Dictionary<Guid, PaymentTrace>();
        var row = new float[FeatureCatalogue.Count];
        foreach (var payment in Payments)
        {
            while (later.TryPeek(out var next) && next.At <= payment.At.ToUnixTimeSeconds())
            {
                var told = later.Dequeue();
                told = told with { Trace = traces[told.Payment] };
                features.Apply(Mode.Live, [told, told]);
            }

            var id = payment.Request.PaymentId.Value;
            traces[id] = features.Attempt(Mode.Live, id, RequestFacts.Of(payment.Request, Hash.Of(payment.Request), payment.IpCountry, payment.At), row);
            Assert.Equal(trained[id], row);
        }
    }

    [Fact]
    public void What_another_replica_scored_counts_here_as_if_it_had_been_scored_here()
    {
        var (alone, other) = (new LiveFeatures(new(), TimeProvider.System), new LiveFeatures(new(), TimeProvider.System));
        var (here, there) = (new float[FeatureCatalogue.Count], new float[FeatureCatalogue.Count]);
        for (var i = 0; i < 400; i++)
        {
            var payment = Payments[i];
            var (id, fact) = (payment.Request.PaymentId.Value, RequestFacts.Of(payment.Request, Hash.Of(payment.Request), payment.IpCountry, payment.At));
            alone.Attempt(Mode.Live, id, fact, here);
            if (i % 2 == 0)
            {
                other.Attempt(Mode.Live, id, fact, there);
                Assert.Equal(here, there);
            }

            // The database tells of every attempt, also of those that were scored here.
            other.Apply(Mode.Live, [new(fact.At, OccurrenceKind.Attempted, id, new(fact with { Told = null }, Ordinary: false))]);
        }
    }

    [Fact]
    public void What_comes_later_changes_no_row()
    {
        const int until = 1_200;
        var seen = Payments[until].At;
        var others = HistorySample.Make(days: 50, perDay: 40, seed: 6);
        var changed = Payments.Select((p, i) => i <= until
            ? p with
            {
                Answers = [.. p.Answers!.Select(a => a.At.ToUnixTimeSeconds() <= seen.ToUnixTimeSeconds() ? a : new HistoricAnswer(PaymentAnswer.NotAuthenticated, a.At))],
                Fraud = p.KnownAt?.ToUnixTimeSeconds() <= seen.ToUnixTimeSeconds() ? p.Fraud : p.At + PaymentHistory.Maturity <= seen ? p.Fraud : true,
                KnownAt = p.KnownAt?.ToUnixTimeSeconds() <= seen.ToUnixTimeSeconds() ? p.KnownAt : seen.AddDays(3),
            }
            : others[i] with { At = p.At });
        var (was, now) = (Trained(Payments), Trained([.. changed]));
        Assert.All(Payments.Take(until + 1), p => Assert.Equal(was[p.Request.PaymentId.Value], now[p.Request.PaymentId.Value]));
    }

    [Fact]
    public void Features_are_what_their_definitions_say()
    {
        var rows = Trained(Payments);
        for (var i = 0; i < Payments.Count; i += 29)
        {
            var row = rows[Payments[i].Request.PaymentId.Value];
            foreach (var (name, expected) in Definitions(i))
            {
                var actual = row[FeatureCatalogue.Names.IndexOf(name)];
                Assert.True(
                    double.IsNaN(expected) ? float.IsNaN(actual) : Math.Abs(expected - actual) <= 1e-4 * Math.Max(1, Math.Abs(expected)),
                    $"{name} of payment {i} is {actual}, not {expected}");
            }
        }
    }

    [Fact]
    public void Every_feature_of_a_payment_varies()
    {
        var rows = Trained(Payments).Values.ToArray();
        string[] constant = ["method"];
        Assert.All(
            Enumerable.Range(0, FeatureCatalogue.Count).Where(f => !constant.Contains(FeatureCatalogue.Names[f])),
            f => Assert.True(rows.Select(r => r[f]).Distinct().Count() > 1, FeatureCatalogue.Names[f] + " never varies"));
    }

    [Fact]
    public void Beyond_the_limit_those_are_forgotten_that_were_idle_for_longest()
    {
        var state = new FeatureState(mostParties: 1_000);
        for (var i = 0; i < 5_000; i++)
        {
            state.Observe(new(i, 1, i, 100));
            Assert.InRange(state.PartyCount, 1, 1_000);
        }

        var row = new float[FeatureCatalogue.StreamCount];
        int Payments(long card)
        {
            state.Describe(new(card, 1, 5_000, 100), row);
            return (int)row[FeatureCatalogue.Names.IndexOf("card_payments")];
        }

        Assert.Equal((0, 1, 1), (Payments(10), Payments(4_500), Payments(4_999)));
    }

    private static Dictionary<Guid, float[]> Trained(IReadOnlyList<HistoricPayment> payments)
    {
        var rows = new Dictionary<Guid, float[]>();
        PaymentHistory.Replay(
            PaymentHistory.Occurrences(payments, Hash), new FeatureState(), (attempt, row) => rows.Add(attempt.Payment, row), null, TestContext.Current.CancellationToken);
        return rows;
    }

    private static IEnumerable<(string, double)> Definitions(int index)
    {
        var now = Payments[index];
        var at = now.At.ToUnixTimeSeconds();
        var earlier = Payments.Take(index).ToArray();
        long Age(HistoricPayment p) => at - p.At.ToUnixTimeSeconds();
        bool Said(HistoricPayment p, PaymentAnswer kind, long within) =>
            p.Answers!.Any(a => a.Kind == kind && a.At.ToUnixTimeSeconds() <= at && at - a.At.ToUnixTimeSeconds() < within);
        const long hour = 3_600, day = 86_400;

        var ofCard = earlier.Where(p => p.Request.CardFingerprint == now.Request.CardFingerprint).ToArray();
        if (ofCard.Where(p => Age(p) < 31 * day).Sum(p => p.Answers!.Count) > 64)
        {
            yield break; // Of a party's answers only the newest count.
        }

        yield return ("card_declines_1d", ofCard.Count(p => Said(p, PaymentAnswer.Declined, day)));
        yield return ("card_threeds_passed_30d", ofCard.Count(p => Said(p, PaymentAnswer.Authenticated, 30 * day)));
        yield return ("card_threeds_failed_30d", ofCard.Count(p => Said(p, PaymentAnswer.NotAuthenticated, 30 * day)));
        yield return ("card_devices_7d", ofCard.Where(p => Age(p) < 7 * day).Select(p => p.Request.Context?.DeviceId).OfType<string>().Distinct().Count());

        foreach (var (who, of) in new (string, Func<HistoricPayment, string?>)[]
        {
            ("ip", p => p.Request.Context?.Ip), ("device", p => p.Request.Context?.DeviceId), ("email", p => p.Request.Context?.Email),
            ("customer", p => p.Request.CustomerReference is { } name ? $"{p.Request.MerchantId} {name}" : null),
        })
        {
            if (of(now) is not { } key)
            {
                yield return ($"{who}_payments_1h", double.NaN);
                yield return ($"{who}_last_fraud_hours", double.NaN);
                continue;
            }

            var same = earlier.Where(p => of(p) == key).ToArray();
            if (same.Count(p => Age(p) < 30 * day) > 60)
            {
                continue;
            }

            yield return ($"{who}_payments_1h", same.Count(p => Age(p) < hour));
            yield return ($"{who}_payments_7d", same.Count(p => Age(p) < 7 * day));
            yield return ($"{who}_cards_1d", same.Where(p => Age(p) < day).Select(p => p.Request.CardFingerprint).Distinct().Count());
            yield return ($"{who}_cards_30d", same.Where(p => Age(p) < 30 * day).Select(p => p.Request.CardFingerprint).Distinct().Count());
            yield return ($"{who}_card_payments_30d", same.Count(p => Age(p) < 30 * day && p.Request.CardFingerprint == now.Request.CardFingerprint));
            yield return ($"{who}_age_hours", same.Length == 0 ? double.NaN : (at - same[0].At.ToUnixTimeSeconds()) / 3600.0);
            var known = same.Where(p => p.KnownAt?.ToUnixTimeSeconds() <= at).Select(p => p.KnownAt!.Value.ToUnixTimeSeconds()).ToArray();
            yield return ($"{who}_last_fraud_hours", known.Length == 0 ? double.NaN : (at - known.Max()) / 3600.0);
        }
    }
}
