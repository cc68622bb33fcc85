using Payments.Core;
using Payments.Core.Seams;
using Payments.Fraud.Rules;
using Payments.Fraud.Scoring;
using Xunit;

namespace Payments.Tests.Fraud;

public sealed class DecisionPolicyTests
{
    // model score, minor units, currency, decision
    [Theory]
    [InlineData(0, 100_000, "USD", "0 Approve None")]
    [InlineData(29, 100_000, "USD", "29 Approve None")]
    [InlineData(29.4, 100_000, "USD", "29 Approve None")]
    [InlineData(29.5, 100_000, "USD", "30 Approve NoPreference")]
    [InlineData(30, 100, "USD", "30 Approve NoPreference")]
    [InlineData(59, 100_000, "USD", "59 Approve NoPreference")]
    [InlineData(60, 20_000, "USD", "60 Challenge Challenge")]
    [InlineData(60, 20_001, "USD", "60 Review None")]
    [InlineData(60, 18_518, "EUR", "60 Challenge Challenge")]
    [InlineData(60, 18_519, "EUR", "60 Review None")]
    [InlineData(60, 29_850, "JPY", "60 Challenge Challenge")]
    [InlineData(60, 29_851, "JPY", "60 Review None")]
    [InlineData(84, 20_000, "USD", "84 Challenge Challenge")]
    [InlineData(84, 20_001, "USD", "84 Review None")]
    [InlineData(85, 1, "USD", "85 Reject None")]
    [InlineData(100, 1, "USD", "100 Reject None")]
    public void The_models_score_and_the_amount_decide_where_no_rule_speaks(double score, long amount, string currency, string expected) =>
        Assert.Equal(expected, Show(DecisionPolicy.Decide([], Model(score), amount, currency)));

    // hits, model score (none: -1), decision at 100 US dollars
    [Theory]
    [InlineData("", -1, "0 Approve None")]
    [InlineData("rule:challenge", -1, "60 Challenge Challenge: rule-challenge")]
    [InlineData("rule:review", -1, "65 Review None: rule-review")]
    [InlineData("rule:reject", -1, "90 Reject None: rule-reject")]
    [InlineData("list:reject", -1, "100 Reject None: list-reject")]
    [InlineData("list:allow", -1, "0 Approve None: list-allow")]
    [InlineData("rule:allow", -1, "0 Approve None: rule-allow")]
    [InlineData("rule:challenge", 20, "60 Challenge Challenge: rule-challenge")]
    [InlineData("rule:challenge", 90, "90 Reject None: rule-challenge")]
    [InlineData("rule:review", 10, "65 Review None: rule-review")]
    [InlineData("rule:review", 70, "70 Review None: rule-review")]
    [InlineData("rule:review", 85, "85 Reject None: rule-review")]
    [InlineData("rule:challenge,rule:review", -1, "65 Review None: rule-review,rule-challenge")]
    [InlineData("rule:review,rule:reject", 5, "90 Reject None: rule-reject,rule-review")]
    [InlineData("rule:allow,rule:review", 99, "0 Approve None: rule-allow")]
    [InlineData("list:allow,rule:review,rule:challenge", 99, "0 Approve None: list-allow")]
    [InlineData("list:allow,rule:reject", 5, "90 Reject None: rule-reject,list-allow")]
    [InlineData("list:allow,list:reject", 5, "100 Reject None: list-reject,list-allow")]
    [InlineData("rule:allow,list:reject", 5, "100 Reject None: list-reject,rule-allow")]
    [InlineData("list:reject,rule:reject,rule:review", 99, "100 Reject None: list-reject,rule-reject,rule-review")]
    public void What_speaks_first_in_the_table_decides(string hits, double score, string expected) =>
        Assert.Equal(expected, Show(DecisionPolicy.Decide(Hits(hits), score < 0 ? null : Model(score), 10_000, "USD")));

    [Fact]
    public void The_models_factors_that_speak_for_fraud_and_the_marks_come_after_the_rules()
    {
        var model = new ModelScore(45, 0.8, "v7", [new("unusual_amount", 1.2, "amount_z", 4), new("known_device", -0.4, "device_age", 90)]);

        var decision = DecisionPolicy.Decide(Hits("rule:challenge"), model, 10_000, "USD", "velocity_from_database");

        Assert.Equal(["rule-challenge", "unusual_amount", "velocity_from_database"], decision.Factors);
        Assert.Equal((0.8, "v7"), (decision.Confidence, decision.ModelVersion));
    }

    private static ModelScore Model(double score) => new(score, 0.9, "v1", []);

    private static RuleHit[] Hits(string text) =>
        [.. text.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(h => h.Split(':')).Select(h =>
            new RuleHit(Enum.Parse<HitSource>(h[0], ignoreCase: true), Enum.Parse<RuleAction>(h[1], ignoreCase: true), $"{h[0]}-{h[1]}"))];

    private static string Show(FraudDecision decision) =>
        $"{decision.Score} {decision.Verdict} {decision.ThreeDSecure}{(decision.Factors.Count > 0 ? ": " + string.Join(',', decision.Factors) : "")}";
}
