using System.Collections.Immutable;
using System.Globalization;
using Payments.Fraud.Handbook;
using Payments.Fraud.Model;

namespace Payments.Fraud.Training;

/// <summary>Rows in three overlapping parts.</summary>
/// <param name="Earlier">Finds how many trees pay off, on <paramref name="Aside"/>, which comes after it and also calibrates and measures.</param>
/// <param name="All">Both: what the model is made of in the end.</param>
internal sealed record TrainingSplit(TrainingRows Earlier, TrainingRows Aside, TrainingRows All);

/// <summary>What a model will say of its origin that its rows do not.</summary>
internal sealed record TrainingSubject(string Version, long Seed, long From, long To, ImmutableArray<string> Features);

/// <summary>
/// Makes a model of rows: the newest are set aside first; they say how many trees pay off, calibrate, and measure. Then the trees are
/// grown again from all rows, with that calibration.
/// </summary>
internal static class ModelTraining
{
    /// <summary>Fewer teach nothing that lasts.</summary>
    public const int LeastFrauds = 40;

    private const int PatienceRounds = 50;

    /// <param name="rows">Of real payments, oldest first.</param>
    /// <param name="version">The model's name; null for the day of the newest row.</param>
    /// <exception cref="InvalidDataException">The rows hold too few frauds.</exception>
    public static Ensemble Fit(
        IEnsembleTrainer trainer, RowCollector rows, string? version, long seed, ImmutableArray<string> features, TrainingOptions options, Func<string, Action<double>> progressOf,
        CancellationToken cancellationToken)
    {
        if (rows.Frauds < LeastFrauds)
        {
            throw new InvalidDataException($"There are {rows.Frauds} known frauds in {rows.Count} payments with a known outcome; a model needs {LeastFrauds}.");
        }

        var name = version ?? DateTimeOffset.FromUnixTimeSeconds(rows.Last).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        return Fit(trainer, rows.Split(), new(name, seed, rows.First, rows.Last, features), options, progressOf, cancellationToken);
    }

    /// <exception cref="InvalidDataException">A part has no frauds, or nothing else.</exception>
    public static Ensemble Fit(
        IEnsembleTrainer trainer, TrainingSplit split, TrainingSubject subject, TrainingOptions options, Func<string, Action<double>> progressOf, CancellationToken cancellationToken)
    {
        if (!Teaches(split.Earlier) || !Teaches(split.Aside))
        {
            throw new InvalidDataException("Training needs frauds and good payments both in the days set aside, the last with known outcomes, and before them.");
        }

        var choice = options with { Seed = subject.Seed };
        var first = Train("Finding the number of trees", split.Earlier, split.Aside, choice with { PatienceRounds = PatienceRounds });
        var (calibration, metrics) = Measure(first, split.Aside);

        var rounds = Math.Max(1, (int)Math.Round(first.Trees.Count * ((double)split.All.Count / split.Earlier.Count)));
        var trained = Train("Training on all rows", split.All, null, choice with { Rounds = rounds });
        var origin = new EnsembleOrigin(
            subject.Version, trainer.Name, subject.Seed, subject.From, subject.To, split.All.Count, split.All.Labels.Count(l => l), metrics);
        var ensemble = new Ensemble(origin, subject.Features, trained.Base, [.. trained.Trees], calibration);
        return ensemble with { Profiles = ProfilesOf(ensemble, split.All) };

        TrainedTrees Train(string what, TrainingRows rows, TrainingRows? setAside, TrainingOptions how)
        {
            var progress = progressOf(what);
            var trees = trainer.Train(rows, setAside, how, p => progress((double)p.Round / p.Rounds), cancellationToken);
            progress(1);
            return trees;
        }
    }

    /// <summary>How each feature and the score are distributed in rows.</summary>
    public static ImmutableSortedDictionary<string, FeatureProfile> ProfilesOf(Ensemble ensemble, TrainingRows rows)
    {
        var profiles = ImmutableSortedDictionary.CreateBuilder<string, FeatureProfile>(StringComparer.Ordinal);
        var column = new float[rows.Count];
        for (var feature = 0; feature < rows.Columns; feature++)
        {
            for (var row = 0; row < column.Length; row++)
            {
                column[row] = rows[row][feature];
            }

            profiles.Add(ensemble.Features[feature], FeatureProfile.Of(column, rows.Weights));
        }

        var scorer = new EnsembleScorer(ensemble);
        for (var row = 0; row < column.Length; row++)
        {
            column[row] = (float)scorer.Score(rows[row]).Score;
        }

        profiles.Add(FeatureProfile.Score, FeatureProfile.Of(column, rows.Weights));
        return profiles.ToImmutable();
    }

    private static bool Teaches(TrainingRows rows) => rows.Labels.Contains(true) && rows.Labels.Contains(false);

    private static (Calibration Calibration, ImmutableSortedDictionary<string, double> Metrics) Measure(TrainedTrees trained, TrainingRows aside)
    {
        var raw = new double[aside.Count];
        var ranked = new Ranked[aside.Count];
        for (var row = 0; row < raw.Length; row++)
        {
            raw[row] = trained.Base;
            foreach (var tree in trained.Trees)
            {
                raw[row] += tree.Evaluate(aside[row]);
            }

            ranked[row] = new(0, row, raw[row], aside.Labels[row]);
        }

        var calibration = CalibrationFit.Fit(raw, aside.Labels, aside.Weights);
        var brier = raw.Select((r, i) => Math.Pow(calibration.Of(r).Probability - (aside.Labels[i] ? 1 : 0), 2)).Average();
        return (calibration, ImmutableSortedDictionary<string, double>.Empty
            .Add("area_under_roc", Ranking.AreaUnderRoc(ranked))
            .Add("average_precision", Ranking.AveragePrecision(ranked))
            .Add("brier", brier)
            .Add("rows", aside.Count)
            .Add("frauds", aside.Labels.Count(l => l)));
    }
}
