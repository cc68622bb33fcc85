using System.Globalization;
using Payments.Fraud.Features;
using Payments.Fraud.Handbook;
using Payments.Fraud.Training;

namespace Payments.Fraud.Commands;

/// <summary><c>fraud evaluate</c>: protocol B with our features, trainer and scorer, beside the published figures.</summary>
internal static class EvaluateCommand
{
    private const int LongHistoryDays = 77;

    /// <summary>Of the good payments before the weeks that need every row, one in so many is trained on, at that weight.</summary>
    private const int GoodShare = 4;

    private static readonly DateOnly[] HandbookWeeks = [new(2018, 8, 8), new(2018, 8, 15), new(2018, 8, 22), new(2018, 8, 29)];

    public static void Run(CommandLine options, IReadOnlyList<IEnsembleTrainer> trainers, TextWriter output, CancellationToken cancellationToken)
    {
        var trainer = FraudCommands.Trainer(options, trainers);
        var seed = options.Number("--seed", 1, 0, long.MaxValue);
        var began = TimeProvider.System.GetTimestamp();
        var path = options.ExistingFile("--handbook");

        Console.Error.WriteLine($"Reading {path}");
        var stream = PaymentCsv.Read(path, cancellationToken);
        var weeks = Weeks(stream, options.Date("--test-week"));
        var table = Replay(stream, weeks, cancellationToken);
        var trial = new Trial(stream, table, trainer, TimeProvider.System);

        var lines = new List<string>();
        foreach (var (days, choice) in new[] { (ProtocolB.Days, Hyperparameters.Week), (LongHistoryDays, Hyperparameters.LongHistory) })
        {
            var results = new List<TrialResult>();
            foreach (var week in weeks)
            {
                var progress = ProgressLine.OnError($"{trainer.Name}, {days} days before {week.TestDate:yyyy-MM-dd}");
                var result = trial.Run(week, days, choice with { Seed = seed }, p => progress.Report((double)p.Round / p.Rounds), cancellationToken);
                results.Add(result);
                lines.Add(Line($"{trainer.Name}, {days} days, week of {week.TestDate:MM-dd}", result));
            }

            lines.Add(Line($"{trainer.Name}, {days} days, mean", TrialResult.Mean(results)));
        }

        var ceilings = weeks.Select(trial.CeilingOf).ToArray();
        lines.Add(string.Empty);
        lines.AddRange(weeks.Zip(ceilings, (week, ceiling) => Line($"all that leaves a sign, week of {week.TestDate:MM-dd}", ceiling)));
        lines.Add(Line("all that leaves a sign, mean", (ceilings.Average(c => c.AveragePrecision), ceilings.Average(c => c.CardPrecision))));
        Print(output, lines, table, TimeProvider.System.GetElapsedTime(began));
    }

    private static ProtocolB[] Weeks(LabelledPayment[] stream, DateOnly? only)
    {
        if (stream.Length == 0)
        {
            throw new InvalidDataException("The file holds no payments.");
        }

        // The last day counts as complete: the file ends with it.
        var last = ProtocolB.DayOf(stream[^1]);
        DateOnly[] wanted = only is { } date ? [date] : HandbookWeeks;
        var weeks = wanted.Select(d => new ProtocolB(d.DayNumber - ProtocolB.Epoch.DayNumber)).ToArray();
        var whole = weeks.Where(w => w.TrainTo - ProtocolB.Days >= Trial.WarmUpDays && w.TestFrom + ProtocolB.Days - 1 <= last).ToArray();
        return whole.Length > 0
            ? whole
            : throw new InvalidDataException($"The file ends on {ProtocolB.Epoch.AddDays(last):yyyy-MM-dd}: it does not hold the history and all days of a test week.");
    }

    private static FeatureTable Replay(LabelledPayment[] stream, ProtocolB[] weeks, CancellationToken cancellationToken)
    {
        // Frauds, the short training weeks and what is between them and the test are kept whole; of older good payments a share.
        var oldest = Math.Max(Trial.WarmUpDays, weeks[0].TrainTo - LongHistoryDays);
        var whole = weeks[0].TrainTo - ProtocolB.Days;
        var end = weeks[^1].TestFrom + ProtocolB.Days;
        var progress = ProgressLine.OnError("Replaying payments for their features");
        var table = FeatureTable.Replay(stream, ProtocolB.LabelDelay, WeightOf, progress.Report, cancellationToken);
        progress.Report(1);
        return table;

        float WeightOf(int index)
        {
            var day = ProtocolB.DayOf(stream[index]);
            return day < oldest || day >= end ? 0
                : day >= whole || stream[index].Fraud ? 1
                : index % GoodShare == 0 ? GoodShare : 0;
        }
    }

    private static string Line(string what, TrialResult result) => string.Create(
        CultureInfo.InvariantCulture,
        $"  {what,-42} {result.AreaUnderRoc,8:F3} {result.AveragePrecision,8:F3} {result.CardPrecision,8:F3}   {result.Trees} trees from {result.TrainingRows} rows in {result.TrainingTook.TotalSeconds:F1} s");

    private static string Line(string what, (double AveragePrecision, double CardPrecision) ceiling) => string.Create(
        CultureInfo.InvariantCulture, $"  {what,-42} {string.Empty,8} {ceiling.AveragePrecision,8:F3} {ceiling.CardPrecision,8:F3}");

    private static void Print(TextWriter output, List<string> lines, FeatureTable table, TimeSpan took)
    {
        output.WriteLine($"{"Protocol B: train 7 days, wait 7, test 7",-44} {"AUC ROC",8} {"avg prec",8} {"CP@100",8}");
        output.WriteLine("published, mean of the weeks from 08-08, 08-15, 08-22 and 08-29");
        foreach (var (name, roc, precision, card) in Published.Rows)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {name,-42} {roc,8:F3} {precision,8:F3} {card,8:F3}"));
        }

        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"  {"ceiling of the four weeks, about",-42} {string.Empty,8} {Published.CeilingPrecision,8:F2} {Published.CeilingCards,8:F3}"));
        output.WriteLine("measured now");
        lines.ForEach(output.WriteLine);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{table.Rows} rows of {FeatureTable.Columns} features; {took.TotalSeconds:F0} s in all"));
    }
}
