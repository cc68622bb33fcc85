using System.Globalization;
using Payments.Chaos.Judging;

namespace Payments.Chaos;

/// <summary>What a run says to a person: counts, violations with their histories, and the one last line.</summary>
internal static class Report
{
    private const int MostShown = 20;
    private const int MostHistories = 3;
    private const int NothingProven = 4;

    /// <returns>The exit code: 0 where every promise was kept, 4 where none was broken and too little happened to prove it, else 1.</returns>
    public static async Task<int> WriteAsync(ChaosOptions options, Evidence evidence, IReadOnlyList<Violation> violations, Outcome? outcome, CancellationToken cancellationToken)
    {
        if (evidence.Fire is { } fire)
        {
            options.Tell("faults: " + Listed(fire.Faults));
            options.Tell("calls and webhooks that providers' faults struck: " + Listed(fire.ProviderFaults));
        }

        if (outcome is not null)
        {
            options.Tell("providers' faults (outbreaks of 1 to 8 calls): " + Listed(outcome.ProviderFaults));
            options.Tell("restarts by the supervisor: " + Listed(outcome.Restarts));
        }

        foreach (var operation in evidence.Told.Where(t => t.Life > 0).GroupBy(t => t.Operation).OrderBy(g => g.Key))
        {
            options.Tell($"{operation.Key} ({operation.Count()} requests): "
                + Listed(operation.GroupBy(t => t.Status is { } status ? Told(t, status) : t.Lost == Load.Client.HungUp ? "hung up" : "no answer").ToDictionary(g => g.Key, g => g.Count())));
        }

        options.Tell($"payments ({evidence.Payments.Count}): " + Listed(evidence.Payments.GroupBy(p => $"{p.Status}").ToDictionary(g => g.Key, g => g.Count())));
        options.Tell($"charges in the providers' books: {Listed(evidence.Charges.Where(c => c.IsCharge).GroupBy(c => c.Provider).ToDictionary(g => g.Key, g => g.Count()))}; "
            + $"events {evidence.Events.Count}, journals {evidence.Journals.Count}, webhooks received {evidence.Received.Count}, incidents {evidence.Incidents.Count}");

        var rules = Listed(violations.GroupBy(v => v.Rule).ToDictionary(g => g.Key, g => g.Count()));
        if (violations.Count > 0)
        {
            await ShowAsync(options, evidence, violations, cancellationToken);
        }

        options.Tell(violations.Count == 0
            ? string.Create(CultureInfo.InvariantCulture, $"VERDICT ok seed {options.Seed}: {evidence.Payments.Count} payments, {evidence.Fire?.Faults.Values.Sum() ?? 0} faults{LeftOut(evidence)}; evidence in {options.Evidence}")
            : string.Create(CultureInfo.InvariantCulture, $"VERDICT VIOLATION seed {options.Seed}: {violations.Count} ({rules}) in {evidence.Payments.Count} payments{LeftOut(evidence)}; evidence in {options.Evidence}"));
        return violations.Count == 0 ? 0 : violations.All(v => v.Rule == Rules.TooLittleFire) ? NothingProven : 1;
    }

    private static async Task ShowAsync(ChaosOptions options, Evidence evidence, IReadOnlyList<Violation> violations, CancellationToken cancellationToken)
    {
        await File.WriteAllLinesAsync(Path.Combine(options.Evidence, "violations.txt"), violations.Select(v => v.ToString()), cancellationToken);
        foreach (var violation in violations.Take(MostShown))
        {
            options.Tell("  " + violation);
        }

        // One history for each rule first: twenty of one kind explain less than one of each.
        var payments = violations.Where(v => v.Payment is not null).GroupBy(v => v.Rule).Select(g => g.First().Payment!)
            .Concat(violations.Select(v => v.Payment).OfType<string>()).Distinct().Take(20).ToArray();
        var histories = payments.Select(p => $"history of {p}{Environment.NewLine}{History.Of(evidence, p)}").ToArray();
        await File.WriteAllLinesAsync(Path.Combine(options.Evidence, "histories.txt"), histories, cancellationToken);
        foreach (var history in histories.Take(MostHistories))
        {
            options.Tell(history);
        }
    }

    private static string LeftOut(Evidence evidence) =>
        evidence.Fire is { LeftOut.Count: > 0 } fire ? $"; LEFT OUT: {string.Join(", ", fire.LeftOut.Select(l => $"{l.Key} ({l.Value})"))}" : "";

    private static string Told(Load.Told told, int status) => told.Code is { } code ? $"{status} {code}" : status.ToString(CultureInfo.InvariantCulture);

    private static string Listed(IReadOnlyDictionary<string, int> counts) =>
        counts.Count == 0 ? "none" : string.Join(", ", counts.OrderByDescending(c => c.Value).ThenBy(c => c.Key, StringComparer.Ordinal).Select(c => $"{c.Key} {c.Value}"));
}
