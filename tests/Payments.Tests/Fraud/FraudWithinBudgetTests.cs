using Payments.Core;
using Payments.Core.Seams;
using Xunit;

namespace Payments.Tests.Fraud;

public sealed class FraudWithinBudgetTests
{
    private static readonly IdSource Ids = new(TimeProvider.System);
    private static readonly FraudRequest Request = new(Ids.New<PaymentId>(), Ids.New<MerchantId>(), Mode.Test, 5_000, "USD", new string('a', 64), "visa", "424242", "US", "credit");
    private static readonly FraudDecision Rejection = new(100, FraudVerdict.Reject, ["blocklisted_card"]);

    private readonly List<string> told = [];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_timely_decision_is_passed_on() =>
        Assert.Same(Rejection, await Within(_ => Task.FromResult(Rejection), TimeSpan.FromMinutes(10)).ScoreAsync(Request, Cancel));

    [Fact]
    public async Task A_late_decision_becomes_the_fallback_and_the_scorer_is_told_to_stop()
    {
        var stopped = new TaskCompletionSource();
        var decision = await Within(
            async token =>
            {
                try
                {
                    await Task.Delay(Timeout.Infinite, token);
                    return Rejection;
                }
                finally
                {
                    stopped.SetResult();
                }
            },
            TimeSpan.FromMilliseconds(20)).ScoreAsync(Request, Cancel);
        AssertFallback(decision);
        await stopped.Task.WaitAsync(TimeSpan.FromSeconds(30), Cancel);
    }

    [Fact]
    public async Task A_scorer_that_ignores_its_token_does_not_hold_the_payment_up()
    {
        var never = new TaskCompletionSource<FraudDecision>();
        AssertFallback(await Within(_ => never.Task, TimeSpan.FromMilliseconds(20)).ScoreAsync(Request, Cancel));
    }

    [Fact]
    public async Task A_failed_scorer_becomes_the_fallback()
    {
        AssertFallback(await Within(_ => throw new HttpRequestException("down"), TimeSpan.FromMinutes(10)).ScoreAsync(Request, Cancel));
        Assert.Equal([$"{Request.PaymentId}: down"], told);
        AssertFallback(await Within(_ => Task.FromException<FraudDecision>(new InvalidOperationException("broken")), TimeSpan.FromMinutes(10)).ScoreAsync(Request, Cancel));
    }

    [Fact]
    public async Task A_caller_who_gives_up_is_not_answered_with_a_decision()
    {
        using var gone = new CancellationTokenSource();
        var never = new TaskCompletionSource<FraudDecision>();
        var asked = Within(_ => never.Task, TimeSpan.FromMinutes(10)).ScoreAsync(Request, gone.Token);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
    }

    // minor units, currency, verdict, 3-D Secure
    [Theory]
    [InlineData(1, "USD", FraudVerdict.Approve, ThreeDSecureRequest.NoPreference)]
    [InlineData(5_000, "USD", FraudVerdict.Approve, ThreeDSecureRequest.NoPreference)]
    [InlineData(5_001, "USD", FraudVerdict.Challenge, ThreeDSecureRequest.Challenge)]
    [InlineData(50_000, "USD", FraudVerdict.Challenge, ThreeDSecureRequest.Challenge)]
    [InlineData(50_001, "USD", FraudVerdict.Review, ThreeDSecureRequest.None)]
    [InlineData(4_629, "EUR", FraudVerdict.Approve, ThreeDSecureRequest.NoPreference)]
    [InlineData(4_630, "EUR", FraudVerdict.Challenge, ThreeDSecureRequest.Challenge)]
    [InlineData(7_462, "JPY", FraudVerdict.Approve, ThreeDSecureRequest.NoPreference)]
    [InlineData(7_463, "JPY", FraudVerdict.Challenge, ThreeDSecureRequest.Challenge)]
    [InlineData(15_384, "KWD", FraudVerdict.Approve, ThreeDSecureRequest.NoPreference)]
    [InlineData(15_385, "KWD", FraudVerdict.Challenge, ThreeDSecureRequest.Challenge)]
    [InlineData(1, "XXX", FraudVerdict.Review, ThreeDSecureRequest.None)]
    public void Without_scoring_the_amount_decides(long amount, string currency, FraudVerdict verdict, ThreeDSecureRequest authentication)
    {
        var decision = FraudFallback.Decide(Request with { AmountMinor = amount, Currency = currency }, new FraudDefault());
        Assert.Equal((verdict, authentication, FraudFallback.Factor), (decision.Verdict, decision.ThreeDSecure, Assert.Single(decision.Factors)));
    }

    [Theory]
    [InlineData(5_000, FraudVerdict.Approve)]
    [InlineData(5_001, FraudVerdict.Review)]
    [InlineData(50_000, FraudVerdict.Review)]
    [InlineData(50_001, FraudVerdict.Review)]
    public void Without_scoring_a_debit_that_nobody_can_be_challenged_about_is_held_where_a_card_is_challenged(long amount, FraudVerdict verdict) =>
        Assert.Equal(verdict, FraudFallback.Decide(Request with { AmountMinor = amount, Method = FraudMethods.BankTransfer }, new FraudDefault()).Verdict);

    [Fact]
    public void Every_accepted_currency_has_its_risk_amount() => Assert.All(Currency.All, c => Assert.True(RiskAmounts.Knows(c.Code), c.Code));

    private static void AssertFallback(FraudDecision decision)
    {
        Assert.Equal((0, FraudVerdict.Approve), (decision.Score, decision.Verdict));
        Assert.Equal([FraudFallback.Factor], decision.Factors);
    }

    private FraudWithinBudget Within(Func<CancellationToken, Task<FraudDecision>> score, TimeSpan budget) =>
        new(new Scorer(score), TimeProvider.System, budget, new FraudDefault(), (request, e) => told.Add($"{request.PaymentId}: {e.Message}"));

    private sealed class Scorer(Func<CancellationToken, Task<FraudDecision>> score) : IFraudScorer
    {
        public Task<FraudDecision> ScoreAsync(FraudRequest request, CancellationToken cancellationToken) => score(cancellationToken);
    }
}
