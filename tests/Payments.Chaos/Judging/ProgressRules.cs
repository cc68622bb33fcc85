using Payments.Platform;

namespace Payments.Chaos.Judging;

/// <summary>The relay has produced, and every consumer applied, each logical partition of the event log to its head.</summary>
internal static class ProgressRules
{
    /// <summary>What follows the log, by database; each consumer by the name that its checkpoints carry.</summary>
    public static readonly IReadOnlyList<(string Database, string[] Consumers)> Consumers =
    [
        (Names.Databases.Ledger, ["ledger"]),
        (Names.Databases.Webhooks, ["webhooks"]),
        (Names.Databases.Fraud, ["fraud", "fraud_model"]),
        (Names.Databases.Reconciliation, ["reconciliation"]),
    ];

    /// <summary>The relay between the outbox and the broker.</summary>
    public const string Relay = "relay";

    public static IEnumerable<Violation> Judge(Evidence evidence) =>
        Behind(evidence.Positions).Select(stuck => new Violation(Rules.Stuck, null, $"{stuck.What}: {stuck.Detail}"));

    /// <summary>Everything whose position is not its head. Who has no position at all has never begun.</summary>
    public static IEnumerable<StuckRow> Behind(IReadOnlyList<PositionRow> positions)
    {
        var heads = positions.Where(p => p.Who == Head).ToArray();
        var reached = positions.ToDictionary(p => (p.Who, p.Partition), p => p.Seq);
        if (heads.Length == 0)
        {
            yield return new StuckRow("event log", "its heads are not known");
        }

        foreach (var who in Consumers.SelectMany(c => c.Consumers).Prepend(Relay))
        {
            foreach (var head in heads.Where(h => reached.GetValueOrDefault((who, h.Partition)) != h.Seq))
            {
                yield return new StuckRow(
                    who == Relay ? "events not produced" : $"events not applied by {who}", $"partition {head.Partition} at {reached.GetValueOrDefault((who, head.Partition))} of {head.Seq}");
            }
        }
    }

    /// <summary>As <see cref="PositionRow.Who"/>: the number of the newest event.</summary>
    public const string Head = "head";
}
