using System.Text.Json;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Fraud.Scoring;
using Xunit;

namespace Payments.IntegrationTests.Fraud;

/// <summary>Rules as they are kept: the platform's own, merchants' and operators', tried before they decide, and what a model that fails changes.</summary>
public sealed class RiskRuleTests(EmbeddedServers servers) : IAsyncLifetime
{
    private static readonly IdSource Ids = new(TimeProvider.System);
    private readonly SlowModel model = new();
    private FraudHost fraud = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => fraud = await FraudHost.StartAsync(servers, model);

    public ValueTask DisposeAsync() => fraud.DisposeAsync();

    [Fact]
    public async Task The_platforms_rules_are_these_active_for_live_and_drafts_for_test()
    {
        (string Name, string Condition, string Action)[] rules =
        [
            ("card_at_many_merchants", "card.merchants_1h > 3", "reject"),
            ("many_cards_from_one_ip", "ip.cards_1h > 5", "reject"),
            ("card_tried_often", "card.attempts_5m > 3", "review"),
            ("large_first_purchase", "first_purchase and amount_usd > 500", "review"),
            ("ip_country_differs", "card.country != ip.country", "review"),
            ("shipping_country_differs", "card.country != shipping.country", "review"),
            ("unusual_amount_at_merchant", "amount_sigmas > 3", "review"),
        ];
        foreach (var (mode, status) in new[] { ("live", "active"), ("test", "draft") })
        {
            var listed = (await fraud.GetAsync($"/internal/v1/ops/risk/rules?mode={mode}&limit=100")).GetProperty("data").EnumerateArray().Reverse().ToList();
            Assert.Equal(
                rules.Select(r => $"{r.Name}: {r.Condition} {r.Action} {r.Name} {status} True"),
                listed.Select(r => $"{Text(r, "name")}: {Text(r.GetProperty("versions")[0], "condition")} {Text(r.GetProperty("versions")[0], "action")} {Text(r.GetProperty("versions")[0], "reason")} {Text(r, "status")} {r.GetProperty("built_in").GetBoolean()}"));
        }
    }

    [Fact]
    public async Task Live_payments_meet_the_platforms_rules_and_test_payments_do_not()
    {
        // The fourth merchant within an hour; the fourth attempt within five minutes is to be reviewed, which rejecting beats.
        Assert.Equal(["Approve ", "Approve ", "Approve ", "Reject card_at_many_merchants,card_tried_often"], await FourAsync(Mode.Live));
        Assert.Equal(["Approve ", "Approve ", "Approve ", "Approve "], await FourAsync(Mode.Test));
        var large = FraudHost.Question("b", Mode.Live) with { AmountMinor = 50_001 };
        Assert.Equal("Review large_first_purchase", Show(await fraud.ScoreAsync(large)));
        Assert.Equal("Approve ", Show(await fraud.ScoreAsync(FraudHost.Question("c", Mode.Live) with { AmountMinor = 50_000 })));
        Assert.Equal("Review shipping_country_differs", Show(await fraud.ScoreAsync(FraudHost.Question("d", Mode.Live) with { Context = new RiskContext(ShippingAddress: new RiskAddress(Country: "FR")) })));

        async Task<string[]> FourAsync(Mode mode)
        {
            var decisions = new List<string>();
            for (var i = 0; i < 4; i++)
            {
                decisions.Add(Show(await fraud.ScoreAsync(FraudHost.Question("a", mode))));
            }

            return [.. decisions];
        }
    }

    [Fact]
    public async Task A_rule_decides_once_it_was_tried_and_activated_and_for_its_owner_only()
    {
        var question = FraudHost.Question() with { AmountMinor = 31_000 };
        var prefix = $"/internal/v1/merchants/{question.MerchantId}/test/risk/rules";
        var (_, rule) = await fraud.PostAsync(prefix, new { name = "large", condition = "amount_usd > 300", action = "reject", reason = "too_large" });
        var id = Text(rule, "id");
        Assert.Equal(("draft", 1), (Text(rule, "status"), rule.GetProperty("versions").GetArrayLength()));
        Assert.Equal("Approve ", Show(await fraud.ScoreAsync(question)));

        var (refused, problem) = await fraud.PostAsync($"{prefix}/{id}/activate", new { version = 1 });
        Assert.Equal((409, "rule_not_dry_run"), (refused, Text(problem, "code")));
        var stranger = $"/internal/v1/merchants/{Ids.New<MerchantId>()}/test/risk/rules";
        Assert.Equal(404, (await fraud.PostAsync($"{stranger}/{id}/dry_run", new { })).Status);
        Assert.Equal(404, (await fraud.PostAsync($"{prefix.Replace("/test/", "/live/", StringComparison.Ordinal)}/{id}/dry_run", new { })).Status);

        var (_, tried) = await fraud.PostAsync($"{prefix}/{id}/dry_run", new { });
        Assert.Equal("would have blocked 1 of 1 payments: USD 0.00 of fraud, 310.00 of other payments", Text(tried, "summary"));
        Assert.Equal(200, (await fraud.PostAsync($"{prefix}/{id}/activate", new { version = 1 })).Status);
        Assert.Equal("Reject too_large", Show(await fraud.ScoreAsync(question with { PaymentId = Ids.New<PaymentId>(), RequestHash = "second" })));
        Assert.Equal("Approve ", Show(await fraud.ScoreAsync(question with { PaymentId = Ids.New<PaymentId>(), MerchantId = Ids.New<MerchantId>(), RequestHash = "third" })));

        var (_, next) = await fraud.PostAsync($"{prefix}/{id}/versions", new { condition = "amount_usd > 400", action = "review" });
        Assert.Equal((1, 2), (next.GetProperty("active_version").GetInt32(), next.GetProperty("versions")[0].GetProperty("version").GetInt32()));
        Assert.Equal(200, (await fraud.PostAsync($"{prefix}/{id}/deactivate", new { })).Status);
        Assert.Equal("Approve ", Show(await fraud.ScoreAsync(question with { PaymentId = Ids.New<PaymentId>(), RequestHash = "fourth" })));

        var changes = (await fraud.GetAsync(prefix.Replace("/rules", "/changes", StringComparison.Ordinal))).GetProperty("data").EnumerateArray().Select(c => $"{Text(c, "action")} by {Text(c, "actor")}: {c.GetProperty("before")} {c.GetProperty("after")}").ToList();
        Assert.Equal(["rule.deactivate", "rule.version", "rule.activate", "rule.create"], changes.Select(c => c.Split(' ')[0]));
        Assert.All(changes, c => Assert.Contains("by key_of_the_test:", c, StringComparison.Ordinal));
        Assert.Contains("\"active_version\": 1", changes[0].Replace(":1", ": 1", StringComparison.Ordinal), StringComparison.Ordinal);
        await Assert.ThrowsAsync<Npgsql.PostgresException>(() => fraud.QueryAsync<object>("UPDATE rule_versions SET condition = 'true' RETURNING 1"));
        await Assert.ThrowsAsync<Npgsql.PostgresException>(() => fraud.QueryAsync<object>("DELETE FROM risk_audit RETURNING 1"));
    }

    [Fact]
    public async Task A_dry_run_tells_fraud_from_the_rest_by_its_labels_and_each_currency_apart()
    {
        var question = FraudHost.Question();
        (string Key, long Amount, string Currency, string Country, bool Fraud)[] past =
        [
            ("1", 10_000, "USD", "FR", true), ("2", 20_000, "USD", "FR", true), ("3", 5_000, "USD", "FR", false), ("4", 9_000, "USD", "US", true), ("5", 700, "JPY", "FR", false), ("6", 100, "USD", "US", false),
        ];
        foreach (var (key, amount, currency, country, isFraud) in past)
        {
            var payment = question with { PaymentId = Ids.New<PaymentId>(), RequestHash = key, AmountMinor = amount, Currency = currency, CardCountry = country };
            await fraud.ScoreAsync(payment);
            if (isFraud)
            {
                await fraud.QueryAsync<object>($"INSERT INTO labels (mode, merchant_id, payment_id, fraud, source, known_at) VALUES ('test', '{payment.MerchantId.Value}', '{payment.PaymentId.Value}', true, 'review', now()) RETURNING 1");
            }
        }

        var prefix = $"/internal/v1/merchants/{question.MerchantId}/test/risk/rules";
        var (_, rule) = await fraud.PostAsync(prefix, new { name = "french", condition = "card.country = 'FR' and card.attempts_1h >= 1 and first_purchase", action = "reject" });
        var (_, tried) = await fraud.PostAsync($"{prefix}/{Text(rule, "id")}/dry_run", new { days = 7 });

        Assert.Equal("would have blocked 4 of 6 payments: JPY 0 of fraud, 700 of other payments; USD 300.00 of fraud, 50.00 of other payments", Text(tried, "summary"));
        Assert.Equal(
            ["JPY 0 0 1 700", "USD 2 30000 1 5000"],
            tried.GetProperty("amounts").EnumerateArray().Select(a => $"{Text(a, "currency")} {a.GetProperty("fraud_payments")} {a.GetProperty("fraud_amount")} {a.GetProperty("other_payments")} {a.GetProperty("other_amount")}"));
    }

    [Fact]
    public async Task A_model_that_fails_or_is_late_leaves_the_decision_to_the_rules_and_is_marked()
    {
        await fraud.ActivateAsync("amount_usd > 300", "review", "large");
        model.Answer = _ => Task.FromResult<ModelScore?>(new ModelScore(45, 0.75, "v1", [new("odd_hour", 0.5, "hour", 3)]));
        var scored = await fraud.ScoreAsync(FraudHost.Question());
        Assert.Equal(("Approve odd_hour", ThreeDSecureRequest.NoPreference, 45, (double?)0.75, "v1"), (Show(scored), scored.ThreeDSecure, scored.Score, scored.Confidence, scored.ModelVersion));

        model.Answer = _ => throw new InvalidOperationException("broken");
        Assert.Equal("Approve model_unavailable", Show(await fraud.ScoreAsync(FraudHost.Question())));
        var late = new TaskCompletionSource<ModelScore?>();
        model.Answer = _ => late.Task;
        var alone = await fraud.ScoreAsync(FraudHost.Question() with { AmountMinor = 30_001 });
        Assert.Equal(("Review large,model_unavailable", null), (Show(alone), alone.ModelVersion));
        Assert.Equal(2L, await fraud.QueryAsync<long>("SELECT count(*) FROM decisions WHERE 'model_unavailable' = ANY (without) AND model_version IS NULL"));
        Assert.Equal(1L, await fraud.QueryAsync<long>("SELECT count(*) FROM decisions WHERE model_version = 'v1' AND model_factors->0->>'name' = 'odd_hour'"));
    }

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;

    private static string Show(FraudDecision decision) => $"{decision.Verdict} {string.Join(',', decision.Factors.Where(f => f != FraudScorer.FromDatabase))}";

    private sealed class SlowModel : IModelScorer
    {
        public Func<FraudRequest, Task<ModelScore?>> Answer { get; set; } = _ => Task.FromResult<ModelScore?>(null);

        public ValueTask<ModelScore?> ScoreAsync(FraudRequest request, ScoringMoment moment, CancellationToken cancellationToken) => new(Answer(request));
    }
}
