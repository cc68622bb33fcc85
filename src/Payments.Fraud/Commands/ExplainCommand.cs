using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Payments.Core;
using Payments.Fraud.Features;
using Payments.Fraud.Handbook;
using Payments.Fraud.Live;
using Payments.Fraud.Model;
using Payments.Fraud.Registry;

namespace Payments.Fraud.Commands;

/// <summary><c>fraud explain</c>: a payment's score with its reasons by exact Shapley values, and by paths beside them.</summary>
internal static class ExplainCommand
{
    private const long LabelDelay = 7 * FeatureState.Day;

    public static async Task RunAsync(IReadOnlyList<string> arguments, TextWriter output, Func<string, string?> environment, CancellationToken cancellationToken)
    {
        var options = new CommandLine(arguments, "--model", "--stream", "--transaction", "--mode", "--payment");
        if (options.Text("--mode") is not null)
        {
            await ScoredPaymentAsync(options, output, environment, cancellationToken);
            return;
        }

        OfStream(options, output, cancellationToken);
    }

    private static async Task ScoredPaymentAsync(CommandLine options, TextWriter output, Func<string, string?> environment, CancellationToken cancellationToken)
    {
        if (!Id.TryParse<PaymentId>(options.Required("--payment"), out var payment))
        {
            throw new UsageException($"--payment must be the id of a payment, not {options.Required("--payment")}.");
        }

        await using var stored = StoredModels.Open(options, environment);
        var models = new LoadedModels(new ModelRegistry(stored.Database), NullLogger<LoadedModels>.Instance);
        var reasons = await new ModelReasons(stored.Database, models).ExplainAsync(payment, cancellationToken)
            ?? throw new InvalidDataException($"No model has scored {payment}, or nothing is kept of it.");
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{payment}: score {reasons.Score:F1} of 100 at {reasons.At:u} (model {reasons.ModelVersion}{(reasons.OwnWeight is { } weight ? $", {weight:P0} the merchant's own" : "")})"));
        foreach (var factor in reasons.Factors)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{factor.Name,-32} {factor.Contribution,9:F4}   {factor.Feature} = {Value(factor)} ({factor.Meaning})"));
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{"base, the mean of the training",-32} {reasons.Base,9:F4}"));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{"sum",-32} {reasons.Raw,9:F4}"));
    }

    private static string Value(RiskFactor factor) => factor.Value?.ToString("0.###", CultureInfo.InvariantCulture) ?? "unknown";

    private static void OfStream(CommandLine options, TextWriter output, CancellationToken cancellationToken)
    {
        var model = EnsembleFile.Load(options.ExistingFile("--model")).Over(FeatureCatalogue.StreamNames);
        var wanted = options.Number("--transaction", -1, 0, long.MaxValue);
        Console.Error.WriteLine($"Reading {options.ExistingFile("--stream")}");
        var stream = PaymentCsv.Read(options.ExistingFile("--stream"), cancellationToken);
        var index = Array.FindIndex(stream, p => p.Id == wanted);
        if (index < 0)
        {
            throw new InvalidDataException($"The stream holds no transaction {options.Required("--transaction")}.");
        }

        var progress = ProgressLine.OnError("Replaying payments for their features");
        var table = FeatureTable.Replay(stream.AsSpan(0, index + 1), LabelDelay, i => i == index ? 1 : 0, progress.Report, cancellationToken);
        progress.Report(1);
        var row = table[0];
        var score = new EnsembleScorer(model).Score(row);
        var exact = new TreeShap(model).Of(row);
        var paths = RiskFactors.Of(new PathAttribution(model).Of(row), row);

        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"transaction {wanted}: score {score.Score:F1} of 100, confidence {score.Confidence:F2}, raw {score.Raw:F4} (model {model.Origin.Version}); it was {(stream[index].Fraud ? "fraud" : "good")}"));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{"factor",-32} {"exact",9} {"by path",9}   strongest feature"));
        foreach (var factor in RiskFactors.Of(exact, row))
        {
            var byPath = paths.FirstOrDefault(p => p.Name == factor.Name)?.Contribution ?? 0;
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{factor.Name,-32} {factor.Contribution,9:F4} {byPath,9:F4}   {factor.Feature} = {Value(factor)} ({factor.Meaning})"));
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{"base, the mean of the training",-32} {exact.Base,9:F4}"));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{"sum",-32} {exact.Raw,9:F4}"));
    }
}
