using Payments.Core.Seams;
using Polly;
using Polly.CircuitBreaker;

namespace Payments.Api.Flow;

/// <summary>
/// Stops asking a fraud service that does not answer: half of at least ten questions within ten seconds failed or late open the circuit
/// for two seconds, then one question tries. Meanwhile every payment has the default decision at once instead of after its whole budget.
/// </summary>
internal sealed class FraudCircuit(IFraudScorer inner, TimeProvider time) : IFraudScorer
{
    public const int FewestQuestions = 10;

    public static readonly TimeSpan Break = TimeSpan.FromSeconds(2);

    private readonly ResiliencePipeline pipeline = new ResiliencePipelineBuilder { TimeProvider = time }
        .AddCircuitBreaker(new CircuitBreakerStrategyOptions
        {
            FailureRatio = 0.5,
            MinimumThroughput = FewestQuestions,
            SamplingDuration = TimeSpan.FromSeconds(10),
            BreakDuration = Break,

            // Late is a cancelled call here: the budget is the caller's token.
            ShouldHandle = static outcome => ValueTask.FromResult(outcome.Outcome.Exception is not null),
        })
        .Build();

    public static string? ReasonOf(Exception exception) => exception is BrokenCircuitException ? "circuit_open" : null;

    public async Task<FraudDecision> ScoreAsync(FraudRequest request, CancellationToken cancellationToken) =>
        await pipeline.ExecuteAsync(
            static async (call, token) => await call.inner.ScoreAsync(call.request, token).WaitAsync(token), (inner, request), cancellationToken);
}
