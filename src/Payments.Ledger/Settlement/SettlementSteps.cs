namespace Payments.Ledger.Settlement;

/// <summary>The named steps of a settlement, announced as <see cref="Platform.Steps"/> are: a test ends the process at each of them.</summary>
public static class SettlementSteps
{
    public const string CutoffBefore = "settlement.cutoff.before";

    /// <summary>The heads of the cut-off are durable; no batch is.</summary>
    public const string CutoffAfter = "settlement.cutoff.after";

    /// <summary>A batch has its items, in the open transaction; nothing is booked.</summary>
    public const string BatchGathered = "settlement.batch.gathered";

    /// <summary>It is booked too, in the open transaction.</summary>
    public const string BatchEffects = "settlement.batch.effects";

    public const string BatchAfter = "settlement.batch.after";

    public static IReadOnlyList<string> All { get; } = [CutoffBefore, CutoffAfter, BatchGathered, BatchEffects, BatchAfter];
}
