using System.Collections.Immutable;
using Payments.Fraud.Features;
using Payments.Fraud.Model;
using Payments.Fraud.Training;

namespace Payments.Fraud.Handbook;

/// <summary>What a test week showed.</summary>
internal sealed record TrialResult(double AreaUnderRoc, double AveragePrecision, double CardPrecision, int Trees, int TrainingRows, TimeSpan TrainingTook)
{
    public static TrialResult Mean(IReadOnlyCollection<TrialResult> results) => new(
        results.Average(r => r.AreaUnderRoc), results.Average(r => r.AveragePrecision), results.Average(r => r.CardPrecision),
        (int)results.Average(r => r.Trees), (int)results.Average(r => r.TrainingRows), TimeSpan.FromTicks((long)results.Average(r => r.TrainingTook.Ticks)));
}

/// <summary>Trains on the days before a test week and measures on it.</summary>
internal sealed class Trial(LabelledPayment[] stream, FeatureTable table, IEnsembleTrainer trainer, TimeProvider time)
{
    /// <summary>Least days of history that a row must have behind it: windows of 28 days are full, outcomes a week late.</summary>
    public const int WarmUpDays = 35;

    public TrialResult Run(
        ProtocolB protocol, int trainingDays, TrainingOptions options, Action<TrainingProgress>? progress, CancellationToken cancellationToken)
    {
        var rows = Rows(protocol.TrainTo - trainingDays, protocol.TrainTo);
        var began = time.GetTimestamp();
        var trained = trainer.Train(rows, setAside: null, options, progress, cancellationToken);
        var took = time.GetElapsedTime(began);

        var scorer = new EnsembleScorer(new Ensemble(
            new("trial", trainer.Name, options.Seed, 0, 0, rows.Count, 0, ImmutableSortedDictionary<string, double>.Empty), FeatureCatalogue.StreamNames, trained.Base, [.. trained.Trees], new PlattCalibration(1, 0, 1)));
        var ranked = new List<Ranked>();
        foreach (var index in protocol.Test(stream))
        {
            var row = table.RowOf(index);
            ranked.Add(new(ProtocolB.DayOf(stream[index]), stream[index].Payment.Card, scorer.Raw(table[row]), stream[index].Fraud));
        }

        return new(
            Ranking.AreaUnderRoc(ranked), Ranking.AveragePrecision(ranked), Ranking.CardPrecision(ranked, 100), trained.Trees.Count, rows.Count, took);
    }

    /// <summary>Average precision and card precision if every fraud that leaves a sign were found.</summary>
    public (double AveragePrecision, double CardPrecision) CeilingOf(ProtocolB protocol)
    {
        var ranked = protocol.Test(stream)
            .Select(i => new Ranked(
                ProtocolB.DayOf(stream[i]), stream[i].Payment.Card, stream[i].Fraud && Ceiling.LeavesSign(table[table.RowOf(i)]) ? 1 : 0, stream[i].Fraud))
            .ToList();
        return (Ranking.AveragePrecision(ranked), Ranking.CardPrecision(ranked, 100));
    }

    private TrainingRows Rows(int fromDay, int toDay) => table.Select(i => ProtocolB.DayOf(stream[i]) is var day && day >= fromDay && day < toDay);
}
