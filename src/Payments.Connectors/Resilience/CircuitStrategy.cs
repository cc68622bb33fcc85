using Polly;
using Polly.CircuitBreaker;

namespace Payments.Connectors;

/// <summary>Lets calls through while the circuit is not open, and tells it how each of them ended.</summary>
/// <param name="refuses">
/// False for calls that also go to a provider whose circuit is open: reads are no risk, and evidence; the end of a challenge has no
/// other provider to go to.
/// </param>
internal sealed class CircuitStrategy(Circuit circuit, TimeProvider time, bool refuses, Action<Circuit> opened) : ResilienceStrategy
{
    protected override async ValueTask<Outcome<TResult>> ExecuteCore<TResult, TState>(
        Func<ResilienceContext, TState, ValueTask<Outcome<TResult>>> callback, ResilienceContext context, TState state)
    {
        if (refuses && circuit.IsOpen)
        {
            return Polly.Outcome.FromException<TResult>(new BrokenCircuitException($"The circuit of {circuit.Provider} is open."));
        }

        var began = time.GetTimestamp();
        var outcome = await callback(context, state);
        var abandoned = context.CancellationToken.IsCancellationRequested;
        if (!abandoned && circuit.Record(time.GetElapsedTime(began), Failed(outcome.Exception, outcome.Result)))
        {
            opened(circuit);
        }

        return outcome;
    }

    /// <summary>A provider that declines, or refuses a request of ours, works.</summary>
    private static bool Failed(Exception? exception, object? result) => exception is not null || result switch
    {
        Outcome { ProviderIsWell: true } => false,
        Outcome o => o.Kind is OutcomeKind.NotProcessed or OutcomeKind.Unknown,
        ReadBack r => r.Kind == ReadBackKind.Unanswered,
        Tokenisation t => t.Kind is OutcomeKind.NotProcessed or OutcomeKind.Unknown,
        _ => false,
    };
}
