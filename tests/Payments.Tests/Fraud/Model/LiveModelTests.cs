using Payments.Core;
using Payments.Core.Seams;
using Payments.Fraud.Features;
using Payments.Fraud.Live;
using Payments.Fraud.Model;
using Payments.Fraud.Registry;
using Payments.Fraud.Training;
using Payments.Tests.Ledger.Lives;

namespace Payments.Tests.Fraud.Model;

public sealed class LiveModelTests
{
    [Theory]
    [InlineData(0, 0)]
    [InlineData(1_000, 0)]
    [InlineData(1_001, 0.8 / 9_000)]
    [InlineData(5_500, 0.4)]
    [InlineData(10_000, 0.8)]
    [InlineData(5_000_000, 0.8)]
    public void A_merchants_own_model_counts_by_its_payments(long payments, double weight) => Assert.Equal(weight, Blend.OwnWeight(payments), 1e-12);

    [Theory]
    [InlineData(0.2, 0.9, 0, 0.2)]
    [InlineData(0.2, 0.9, 1, 0.9)]
    [InlineData(0.5, 0.5, 0.4, 0.5)]
    [InlineData(0.1, 0.9, 0.5, 0.5)] // Log-odds of one ninth and of nine.
    [InlineData(0.5, 0.9, 0.5, 0.75)] // Odds 1 and 9: their geometric mean is 3.
    public void Two_models_are_mixed_as_log_odds(double global, double own, double weight, double mixed) => Assert.Equal(mixed, Blend.Mix(global, own, weight), 1e-6);

    //          from          to            allowed
    [Theory]
    [InlineData("candidate", "challenger", true)]
    [InlineData("candidate", "champion", true)]
    [InlineData("candidate", "retired", false)]
    [InlineData("challenger", "champion", true)]
    [InlineData("challenger", "candidate", true)]
    [InlineData("challenger", "retired", false)]
    [InlineData("champion", "challenger", false)]
    [InlineData("champion", "candidate", false)]
    [InlineData("champion", "retired", false)]
    [InlineData("retired", "champion", true)]
    [InlineData("retired", "challenger", true)]
    [InlineData("retired", "candidate", false)]
    public void Models_change_their_state_by_one_table(string from, string to, bool allowed) =>
        Assert.Equal(allowed, ModelStates.MayBecome(Words.Parse<ModelState>(from), Words.Parse<ModelState>(to)));

    [Fact]
    public void A_stored_row_is_the_row_to_the_last_bit()
    {
        var random = new Random(4);
        float[] special = [float.NaN, 0, -0f, 1, 255, 256, 1.5f, -3, float.Epsilon, float.MaxValue, float.PositiveInfinity];
        for (var length = 0; length < 300; length++)
        {
            var row = Enumerable.Range(0, length).Select(i => random.Next(2) == 0 ? special[random.Next(special.Length)] : (float)random.NextDouble()).ToArray();
            var read = new float[length];
            FeatureRowCode.Decode(FeatureRowCode.Encode(row), read);
            Assert.Equal(row.Select(BitConverter.SingleToInt32Bits), read.Select(BitConverter.SingleToInt32Bits));
        }

        var code = FeatureRowCode.Encode([1, 2, 3.5f]);
        Assert.Throws<InvalidDataException>(() => FeatureRowCode.Decode(code.AsSpan(0, code.Length - 1), new float[3]));
        Assert.Throws<InvalidDataException>(() => FeatureRowCode.Decode([.. code, 0], new float[3]));
    }

    [Fact]
    public void A_row_of_an_older_list_of_features_is_read_by_name()
    {
        var row = StoredRow.Decode(FeatureRowCode.Encode([7, 250, 3]), ["hour_of_day", "amount", "gone"]);
        Assert.Equal((250f, 7f), (row[FeatureCatalogue.Names.IndexOf("amount")], row[FeatureCatalogue.Names.IndexOf("hour_of_day")]));
        Assert.All(row.Where((_, i) => FeatureCatalogue.Names[i] is not ("amount" or "hour_of_day")), v => Assert.True(float.IsNaN(v)));
    }

    [Fact]
    public void The_stability_index_is_the_one_computed_by_hand()
    {
        var profile = FeatureProfile.Of([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, float.NaN, float.NaN], [.. Enumerable.Repeat(1f, 12)]);
        Assert.Equal([1f, 2, 3, 4, 5, 6, 7, 8, 9], profile.Cuts);
        Assert.Equal(2 / 12.0, profile.Shares[0], 1e-6);
        Assert.Equal([0, 1, 1, 10, 10], new[] { float.NaN, 0.5f, 1, 9.1f, 1000 }.Select(profile.PlaceOf));
        Assert.Equal(0, profile.StabilityIndex([2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]), 1e-9);

        // Half of the payments without a value, where a sixth was.
        var changed = (0.5 - 1 / 6.0) * Math.Log(0.5 * 6) + 10 * ((0.05 - 1 / 12.0) * Math.Log(0.05 * 12));
        Assert.Equal(changed, profile.StabilityIndex([10, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]), 1e-9);
        Assert.True(double.IsNaN(profile.StabilityIndex(new long[11])));
    }

    [Fact]
    public void Drift_is_seen_in_the_feature_that_changed_and_only_after_enough_payments()
    {
        var profile = FeatureProfile.Of([.. Enumerable.Range(1, 100).Select(i => (float)i)], [.. Enumerable.Repeat(1f, 100)]);
        var ensemble = RandomEnsembles.Of(new Random(1), 1, 2, 2) with { Features = ["amount", "hour_of_day"] };
        ensemble = ensemble with { Profiles = ensemble.Profiles.Add("amount", profile).Add("hour_of_day", profile).Add(FeatureProfile.Score, profile) };
        var drift = new Drift(ensemble.Over(FeatureCatalogue.Names));
        var row = new float[FeatureCatalogue.Count];
        for (var i = 0; i < 1_000; i++)
        {
            Assert.Equal(i < 500, drift.Indices().Count == 0);
            row[FeatureCatalogue.Names.IndexOf("amount")] = i % 100 + 1;
            row[FeatureCatalogue.Names.IndexOf("hour_of_day")] = 200;
            drift.Count(row, i % 100 + 1, HistorySample.Begin.AddSeconds(i));
        }

        var indices = drift.Indices().ToDictionary(i => i.Name, i => i.Index);
        Assert.Equal(0, indices["amount"], 1e-6);
        Assert.Equal(0, indices["score"], 1e-6);
        Assert.True(indices["hour_of_day"] > 2);

        // A day later the old payments count no more.
        drift.Count(row, 1, HistorySample.Begin.AddDays(2));
        Assert.Empty(drift.Indices());
    }

    [Fact]
    public void What_a_request_tells_becomes_numbers()
    {
        var at = HistorySample.Begin;
        var request = new FraudRequest(default, default, Mode.Live, 10_000, "USD", "f", "visa", "400000", "US", "debit")
        {
            Context = new RiskContext(
                "198.51.100.1", "Mozilla", "d", "anna77@gmail.com", new RiskAddress(PostalCode: "1", Country: "DE"), new RiskAddress(PostalCode: "2", Country: "US"), 90, at.AddDays(-2)),
        };
        Assert.Equal(
            [0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 3, 1.5f, 2, 1, 6, 2 / 6f, 7, 8, 1],
            Told.Of(request, "FR", at));
        const float unknown = float.NaN;
        Assert.Equal(
            [unknown, unknown, unknown, unknown, unknown, unknown, unknown, unknown, unknown, unknown, unknown, unknown, unknown, unknown, unknown, unknown, unknown, 0, 0],
            Told.Of(request with { Context = null, CardBrand = "", CardFunding = null, CardCountry = null, Method = "cash", AmountMinor = 9_999 }, null, at));
        Assert.Equal(Told.Features.Length, Told.Of(request, null, at).Length);
    }

    [Fact]
    public void A_payment_teaches_what_became_known_of_it_by_then()
    {
        var approved = HistorySample.Make(1, 200, 1).First(p => p.Fraud is null && p.Answers!.Any(a => a.Kind == PaymentAnswer.Approved));
        var declined = approved with { Answers = [new(PaymentAnswer.Declined, approved.At)] };
        var charged = approved with { Fraud = true, KnownAt = approved.At.AddDays(30) };
        bool? After(HistoricPayment payment, double days) => PaymentHistory.LabelOf(payment, payment.At.AddDays(days));
        Assert.Equal([null, false, null, null, false, true], new[] { After(approved, 13.9), After(approved, 14), After(declined, 90), After(charged, 13), After(charged, 29), After(charged, 30) });
    }

    //           event,                authentication, review,     automatic, refund's reason, what it says
    [Theory]
    [InlineData("payment.authorized", null, null, false, null, "approved")]
    [InlineData("payment.authorized", "authenticated", null, false, null, "approved authenticated")]
    [InlineData("payment.authorized", "attempted", null, false, null, "approved")]
    [InlineData("payment.in_review", null, null, false, null, "approved")]
    [InlineData("payment.captured", null, null, false, null, "approved")]
    [InlineData("payment.declined", null, null, false, null, "declined")]
    [InlineData("payment.declined", "failed", null, false, null, "not_authenticated authentication:fraud")]
    [InlineData("payment.failed", "failed", null, false, null, "not_authenticated authentication:fraud")]
    [InlineData("payment.failed", null, null, false, null, "")]
    [InlineData("payment.review_decided", null, "rejected", false, null, "review:fraud")]
    [InlineData("payment.review_decided", null, "approved", false, null, "review:good")]
    [InlineData("payment.review_decided", null, "rejected", true, null, "")]
    [InlineData("payment.review_decided", null, "approved", true, null, "")]
    [InlineData("payment.review_decided", null, "challenge_requested", false, null, "")]
    [InlineData("payment.refunded", null, null, false, "fraudulent", "refund:fraud")]
    [InlineData("payment.refunded", null, null, false, "duplicate", "")]
    [InlineData("payment.voided", null, null, false, null, "")]
    public void Events_say_what_became_of_a_payment(string type, string? authentication, string? review, bool automatic, string? reason, string says)
    {
        var told = new PaymentLife(new IdSource(TimeProvider.System), HistorySample.Begin).Of(type, OperationKind.Refund, OperationState.Succeeded, 100);
        var payment = told.Data.Payment with
        {
            Authentication = authentication is null ? null : new(ThreeDSecureRequest.None, null, Words.Parse<AuthenticationResult>(authentication), null, null, null, false),
            Review = review is null ? null : new(Words.Parse<ReviewStatus>(review), automatic, HistorySample.Begin),
        };
        told = told with { Data = told.Data with { Payment = payment, Operation = told.Data.Operation! with { Reason = reason } } };
        Assert.Equal(says, string.Join(' ', ToldOutcome.Of(told).Select(o => o.Answer is { } answer ? Words.Of(answer) : $"{o.Source}:{(o.Fraud == true ? "fraud" : "good")}")));
    }

    [Fact]
    public void The_newest_rows_are_set_aside_and_frauds_are_among_them()
    {
        var rows = new RowCollector(1);
        for (var i = 0; i < 700; i++)
        {
            rows.Add([i], i % 10 == 0, 1, i);
        }

        var split = rows.Split(leastFrauds: 20);
        Assert.Equal((700, 200, 500), (split.All.Count, split.Aside.Count, split.Earlier.Count));
        Assert.Equal(20, split.Aside.Labels.Count(l => l));
        Assert.Equal(500f, split.Aside[0][0]);
    }

    [Fact]
    public void A_model_keeps_its_profiles_in_its_file_and_a_wrong_one_is_refused()
    {
        var ensemble = RandomEnsembles.Of(new Random(3), 2, 4, 2);
        ensemble = ensemble with { Profiles = ensemble.Profiles.Add("f0", FeatureProfile.Of([1, 2, 3], [1, 1, 1])) };
        var read = EnsembleFile.Read(EnsembleFile.Write(ensemble));
        Assert.Equal(ensemble.Profiles["f0"].Cuts.AsEnumerable(), read.Profiles["f0"].Cuts);
        Assert.Equal(ensemble.Profiles["f0"].Shares.AsEnumerable(), read.Profiles["f0"].Shares);

        foreach (var wrong in new[] { new FeatureProfile([2, 1], [0, 0.5, 0.5, 0]), new FeatureProfile([1], [0.5, 0.5]), new FeatureProfile([1], [0.5, 0.5, 0.5]) })
        {
            var file = EnsembleFile.Write(ensemble with { Profiles = ensemble.Profiles.SetItem("f0", wrong) });
            Assert.Contains("profiles.f0", Assert.Throws<EnsembleFormatException>(() => EnsembleFile.Read(file)).Message, StringComparison.Ordinal);
        }

        var stray = EnsembleFile.Write(ensemble with { Profiles = ensemble.Profiles.Add("f9", ensemble.Profiles["f0"]) });
        Assert.Throws<EnsembleFormatException>(() => EnsembleFile.Read(stray));

        // A share of everything is 1, however many parts it was added up of.
        var unknown = FeatureProfile.Of([.. Enumerable.Repeat(float.NaN, 1_200)], [.. Enumerable.Repeat(1f, 1_200)]);
        Assert.InRange(unknown.Shares[0], 0.999, 1);
        Assert.Equal(0, unknown.Shares[1]);
    }

    [Fact]
    public void A_history_file_is_read_with_what_it_tells()
    {
        var file = Path.GetTempFileName();
        try
        {
            const string header = "transaction_id,tx_time_seconds,customer_id,terminal_id,tx_amount,tx_fraud,amount_minor,currency,card_fingerprint,card_brand,email,decline,known_at_seconds,new_thing";
            File.WriteAllText(file, header + "\n1,10,5,7,5.00,0,460,EUR,abc,visa,a@b.de,,,x\n2,20,5,7,5.00,1,500,USD,abc,visa,,,86420,\n3,30,5,7,5.00,1,500,USD,abc,visa,,do_not_honor,,\n");
            Assert.True(HistoryCsv.Is(file));
            var read = HistoryCsv.Read(file, HistorySample.Begin, TestContext.Current.CancellationToken);
            Assert.Equal(("EUR", 460L, "a@b.de"), (read[0].Request.Currency, read[0].Request.AmountMinor, read[0].Request.Context?.Email));
            Assert.Equal([null, true, null], read.Select(p => p.Fraud));
            Assert.Equal([PaymentAnswer.Approved, PaymentAnswer.Approved, PaymentAnswer.Declined], read.Select(p => p.Answers![0].Kind));
            Assert.Equal((HistorySample.Begin.AddSeconds(86_420), null), (read[1].KnownAt, read[1].Request.Context));

            File.AppendAllText(file, "4,40,5,7\n");
            Assert.Contains("Line 5", Assert.Throws<InvalidDataException>(() => HistoryCsv.Read(file, HistorySample.Begin, TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }
}
