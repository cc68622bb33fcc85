using Payments.Api.Flow;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Tests.Connectors;
using Polly.CircuitBreaker;
using Xunit;

namespace Payments.Tests.Fraud;

public sealed class FraudCircuitTests
{
    private static readonly FraudRequest Request = new(default, default, Mode.Test, 5_000, "USD", new string('a', 64), "visa", "424242", "US", "credit");
    private readonly FakeTime time = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Ten_failures_stop_the_questions_until_one_after_the_break_is_answered()
    {
        var scorer = new Scorer { Fails = true };
        var circuit = new FraudCircuit(scorer, time);
        for (var i = 0; i < FraudCircuit.FewestQuestions; i++)
        {
            await Assert.ThrowsAsync<HttpRequestException>(() => circuit.ScoreAsync(Request, Cancel));
        }

        var refused = await Assert.ThrowsAnyAsync<BrokenCircuitException>(() => circuit.ScoreAsync(Request, Cancel));
        Assert.Equal(("circuit_open", 10), (FraudCircuit.ReasonOf(refused), scorer.Asked));

        time.Pass(FraudCircuit.Break + TimeSpan.FromMilliseconds(1));
        scorer.Fails = false;
        Assert.Equal(FraudVerdict.Approve, (await circuit.ScoreAsync(Request, Cancel)).Verdict);
        Assert.Equal(FraudVerdict.Approve, (await circuit.ScoreAsync(Request, Cancel)).Verdict);
        Assert.Equal(12, scorer.Asked);
    }

    [Fact]
    public async Task A_few_failures_among_many_answers_stop_nothing()
    {
        var scorer = new Scorer();
        var circuit = new FraudCircuit(scorer, time);
        for (var i = 0; i < 40; i++)
        {
            scorer.Fails = i % 3 == 0;
            var asked = circuit.ScoreAsync(Request, Cancel);
            if (scorer.Fails)
            {
                await Assert.ThrowsAsync<HttpRequestException>(() => asked);
            }
            else
            {
                await asked;
            }
        }

        Assert.Equal(40, scorer.Asked);
    }

    private sealed class Scorer : IFraudScorer
    {
        public bool Fails { get; set; }

        public int Asked { get; private set; }

        public Task<FraudDecision> ScoreAsync(FraudRequest request, CancellationToken cancellationToken)
        {
            Asked++;
            return Fails ? Task.FromException<FraudDecision>(new HttpRequestException("down")) : Task.FromResult(new FraudDecision(0, FraudVerdict.Approve, []));
        }
    }
}
