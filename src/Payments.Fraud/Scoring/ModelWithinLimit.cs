using System.Diagnostics.Metrics;
using Payments.Core.Seams;

namespace Payments.Fraud.Scoring;

/// <summary>What came of asking the model.</summary>
/// <param name="Unavailable">There is one, and it failed or was late.</param>
internal readonly record struct ModelAnswer(ModelScore? Score, bool Unavailable);

/// <summary>Asks the model for at most 50 ms. One that was late is left alone for a second, so that it costs its limit once and not every payment's.</summary>
internal sealed class ModelWithinLimit(IModelScorer model, TimeProvider time, ILogger<ModelWithinLimit> logger)
{
    public const string Mark = "model_unavailable";

    public static readonly TimeSpan Limit = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private static readonly Meter Meter = new("Payments.Fraud");
    private static readonly Counter<long> Unavailable = Meter.CreateCounter<long>("payments.fraud.model.unavailable", "{decision}", "Decisions that rules made alone because the model failed or was late.");
    private long closedUntil;

    public async ValueTask<ModelAnswer> ScoreAsync(FraudRequest request, ScoringMoment moment, CancellationToken cancellationToken)
    {
        if (time.GetTimestamp() < Volatile.Read(ref closedUntil))
        {
            Unavailable.Add(1);
            return new ModelAnswer(null, true);
        }

        try
        {
            var asked = model.ScoreAsync(request, moment, cancellationToken);
            return new ModelAnswer(asked.IsCompletedSuccessfully ? asked.Result : await asked.AsTask().WaitAsync(Limit, time, cancellationToken), false);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            if (e is TimeoutException)
            {
                Volatile.Write(ref closedUntil, time.GetTimestamp() + (long)(Pause.TotalSeconds * time.TimestampFrequency));
            }

            Unavailable.Add(1);
            Log.ModelUnavailable(logger, e.GetType().Name);
            return new ModelAnswer(null, true);
        }
    }
}
