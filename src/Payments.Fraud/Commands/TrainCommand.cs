using System.Collections.Immutable;
using System.Globalization;
using Payments.Core;
using Payments.Fraud.Features;
using Payments.Fraud.Handbook;
using Payments.Fraud.Live;
using Payments.Fraud.Model;
using Payments.Fraud.Registry;
using Payments.Fraud.Training;
using Payments.Fraud.Velocity;

namespace Payments.Fraud.Commands;

/// <summary><c>fraud train</c>: from a file, or from the payments that the service has scored (<c>--mode</c>).</summary>
internal static class TrainCommand
{
    private const int AsideDays = 7;
    private const int LabelDelayDays = 7;

    /// <summary>Where a file counts its seconds from, unless it is told.</summary>
    private static readonly DateOnly UsualEpoch = new(2026, 1, 5);

    public static async Task RunAsync(IReadOnlyList<string> arguments, IReadOnlyList<IEnsembleTrainer> trainers, TextWriter output, Func<string, string?> environment, CancellationToken cancellationToken)
    {
        var options = new CommandLine(arguments, "--stream", "--mode", "--merchant", "--output", "--version", "--trainer", "--days", "--seed", "--epoch");
        var trainer = FraudCommands.Trainer(options, trainers);
        if (options.Text("--mode") is not null)
        {
            await FromDatabaseAsync(options, trainer, output, environment, cancellationToken);
            return;
        }

        var target = options.Required("--output");
        var path = options.ExistingFile("--stream");
        Console.Error.WriteLine($"Reading {path}");
        var ensemble = HistoryCsv.Is(path) ? FromHistory(path, options, trainer, cancellationToken) : FromStream(path, options, trainer, cancellationToken);
        EnsembleFile.Save(ensemble, target);
        Tell(output, target, ensemble);
    }

    private static Ensemble FromStream(string path, CommandLine options, IEnsembleTrainer trainer, CancellationToken cancellationToken)
    {
        var days = (int)options.Number("--days", 77, 2 * AsideDays, 3_650);
        var stream = PaymentCsv.Read(path, cancellationToken);
        var table = Replay(stream, days, out var from, out var to, cancellationToken);
        TrainingRows Rows(int first, int end) => table.Select(i => ProtocolB.DayOf(stream[i]) is var day && day >= first && day < end);
        var version = ProtocolB.Epoch.AddDays(to - 1).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        var subject = Subject(options, version, from * FeatureState.Day, to * FeatureState.Day, FeatureCatalogue.StreamNames);
        return ModelTraining.Fit(
            trainer, new(Rows(from, to - AsideDays), Rows(to - AsideDays, to), Rows(from, to)), subject, Hyperparameters.LongHistory, Progress, cancellationToken);
    }

    private static Ensemble FromHistory(string path, CommandLine options, IEnsembleTrainer trainer, CancellationToken cancellationToken)
    {
        var epoch = new DateTimeOffset((options.Date("--epoch") ?? UsualEpoch).ToDateTime(TimeOnly.MinValue), TimeSpan.Zero);
        var payments = HistoryCsv.Read(path, epoch, cancellationToken);
        if (payments.Count == 0)
        {
            throw new InvalidDataException("The file holds no payments.");
        }

        // A month gives the features their history, and what came later than the end of the file is not known.
        var end = payments[^1].At;
        var from = payments[0].At.AddDays(Math.Min(30, (end - payments[0].At).TotalDays / 3));
        var byId = payments.ToDictionary(p => p.Request.PaymentId.Value);
        var rows = new RowCollector(FeatureCatalogue.Count);
        PaymentHistory.Replay(
            PaymentHistory.Occurrences(payments, new EntityHash(new byte[32])), new FeatureState(),
            (attempt, row) =>
            {
                var payment = byId[attempt.Payment];
                if (payment.At >= from && PaymentHistory.LabelOf(payment, end) is { } fraud)
                {
                    rows.Add(row, fraud, 1, attempt.At);
                }
            },
            Progress("Replaying payments for their features"), cancellationToken);
        return Fit(rows, options, trainer, cancellationToken);
    }

    private static async Task FromDatabaseAsync(
        CommandLine options, IEnsembleTrainer trainer, TextWriter output, Func<string, string?> environment, CancellationToken cancellationToken)
    {
        var days = options.Number("--days", 180, 2 * AsideDays, 3_650);
        await using var stored = StoredModels.Open(options, environment);
        var now = TimeProvider.System.GetUtcNow();
        var (rows, payments) = await new StoredRows(stored.Database).LoadAsync(
            stored.Mode, stored.Merchant, now.AddDays(-days), now, Progress("Reading scored payments"), cancellationToken);
        var ensemble = Fit(rows, options, trainer, cancellationToken);
        var model = await new ModelRegistry(stored.Database).AddAsync(
            new IdSource(TimeProvider.System).New<FraudModelId>(), stored.Mode, stored.Merchant, ensemble, payments, "fraud train", cancellationToken);
        if (options.Text("--output") is { } target)
        {
            EnsembleFile.Save(ensemble, target);
        }

        Tell(output, $"{model.Version} ({model.Id}), a candidate", ensemble);
    }

    private static Ensemble Fit(RowCollector rows, CommandLine options, IEnsembleTrainer trainer, CancellationToken cancellationToken) => ModelTraining.Fit(
        trainer, rows, options.Text("--version"), options.Number("--seed", 1, 0, long.MaxValue), FeatureCatalogue.Names, Hyperparameters.LongHistory, Progress, cancellationToken);

    private static TrainingSubject Subject(CommandLine options, string version, long from, long to, ImmutableArray<string> features) =>
        new(options.Text("--version") ?? version, options.Number("--seed", 1, 0, long.MaxValue), from, to, features);

    private static Action<double> Progress(string what) => ProgressLine.OnError(what).Report;

    private static void Tell(TextWriter output, string what, Ensemble ensemble)
    {
        output.WriteLine($"{what}: {ensemble.Trees.Length} trees from {ensemble.Origin.Rows} rows with {ensemble.Origin.Frauds} frauds");
        foreach (var (name, value) in ensemble.Origin.Metrics)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {name} {value:0.####} (on the newest rows, set aside)"));
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

        var table = FeatureTable.Replay(
            stream, LabelDelayDays * FeatureState.Day, WeightOf, Progress("Replaying payments for their features"), cancellationToken);
        (fromDay, toDay) = (from, to);
        return table;

        float WeightOf(int index)
        {
            const int share = 4;
            var day = ProtocolB.DayOf(stream[index]);
            return day < from || day >= to ? 0 : stream[index].Fraud || day >= to - AsideDays ? 1 : index % share == 0 ? share : 0;
        }
    }
}
