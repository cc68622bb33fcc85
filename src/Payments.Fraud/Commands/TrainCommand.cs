using System.Collections.Immutable;
using System.Globalization;
using Payments.Fraud.Features;
using Payments.Fraud.Handbook;
using Payments.Fraud.Model;
using Payments.Fraud.Training;

namespace Payments.Fraud.Commands;

/// <summary>
/// <c>fraud train</c>: the last week with known outcomes is set aside first; it says how many trees pay off, calibrates, and
/// measures. Then the trees are grown again from all rows.
/// </summary>
internal static class TrainCommand
{
    private const int AsideDays = 7;
    private const int LabelDelayDays = 7;

    public static void Run(IReadOnlyList<string> arguments, IReadOnlyList<IEnsembleTrainer> trainers, TextWriter output, CancellationToken cancellationToken)
    {
        var options = new CommandLine(arguments, "--stream", "--output", "--version", "--trainer", "--days", "--seed");
        var trainer = FraudCommands.Trainer(options, trainers);
        var days = (int)options.Number("--days", 77, 2 * AsideDays, 3_650);
        var seed = options.Number("--seed", 1, 0, long.MaxValue);
        var target = options.Required("--output");

        Console.Error.WriteLine($"Reading {options.ExistingFile("--stream")}");
        var stream = PaymentCsv.Read(options.ExistingFile("--stream"), cancellationToken);
        var table = Replay(stream, days, out var fromDay, out var toDay, cancellationToken);
        var (earlier, aside) = (Rows(fromDay, toDay - AsideDays), Rows(toDay - AsideDays, toDay));
        if (!earlier.Labels.Contains(true) || !aside.Labels.Contains(true))
        {
            throw new InvalidDataException($"Training needs frauds both in the last {AsideDays} days with known outcomes and before them.");
        }

        var choice = Hyperparameters.LongHistory with { Seed = seed };
        var first = Train("Finding the number of trees", earlier, aside, choice with { PatienceRounds = 50 });
        var (calibration, metrics) = Measure(first, aside);

        var all = Rows(fromDay, toDay);
        var rounds = Math.Max(1, (int)Math.Round(first.Trees.Count * ((double)all.Count / earlier.Count)));
        var trained = Train("Training on all rows", all, null, choice with { Rounds = rounds });
        var version = options.Text("--version") ?? ProtocolB.Epoch.AddDays(toDay - 1).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        var origin = new EnsembleOrigin(
            version, trainer.Name, seed, fromDay * FeatureState.Day, toDay * FeatureState.Day, all.Count, all.Labels.Count(l => l), metrics);
        EnsembleFile.Save(new(origin, FeatureCatalogue.Names, trained.Base, [.. trained.Trees], calibration), target);

        output.WriteLine($"{target}: {trained.Trees.Count} trees from {all.Count} rows with {origin.Frauds} frauds");
        foreach (var (name, value) in metrics)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {name} {value:F4} (on the week set aside)"));
        }

        TrainingRows Rows(int from, int to) => table.Select(i => ProtocolB.DayOf(stream[i]) is var day && day >= from && day < to);

        TrainedTrees Train(string what, TrainingRows rows, TrainingRows? setAside, TrainingOptions how)
        {
            var progress = ProgressLine.OnError(what);
            var trees = trainer.Train(rows, setAside, how, p => progress.Report((double)p.Round / p.Rounds), cancellationToken);
            progress.Report(1);
            return trees;
        }
    }

    private static FeatureTable Replay(LabelledPayment[] stream, int days, out int fromDay, out int toDay, CancellationToken cancellationToken)
    {
        // The newest payments have no known outcomes yet; the oldest have no history behind them.
        var to = stream.Length == 0 ? 0 : ProtocolB.DayOf(stream[^1]) + 1 - LabelDelayDays;
        var from = Math.Max(to - days, stream.Length == 0 ? 0 : ProtocolB.DayOf(stream[0]) + Trial.WarmUpDays);
        if (to - from < 2 * AsideDays)
        {
            throw new InvalidDataException(
                $"The stream is too short: {Trial.WarmUpDays} days give the features their history, {2 * AsideDays} are trained on and {LabelDelayDays} wait for outcomes.");
        }

        var progress = ProgressLine.OnError("Replaying payments for their features");
        var table = FeatureTable.Replay(stream, LabelDelayDays * FeatureState.Day, WeightOf, progress.Report, cancellationToken);
        progress.Report(1);
        (fromDay, toDay) = (from, to);
        return table;

        float WeightOf(int index)
        {
            const int share = 4;
            var day = ProtocolB.DayOf(stream[index]);
            return day < from || day >= to ? 0 : stream[index].Fraud || day >= to - AsideDays ? 1 : index % share == 0 ? share : 0;
        }
    }

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
            .Add("brier", brier));
    }
}
