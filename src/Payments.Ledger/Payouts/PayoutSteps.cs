namespace Payments.Ledger.Payouts;

/// <summary>The named steps of a payout, announced as <see cref="Platform.Steps"/> are: a test ends the process at each of them.</summary>
public static class PayoutSteps
{
    /// <summary>A payout and its state are written, in the open transaction; nothing is held.</summary>
    public const string CreateGathered = "payout.create.gathered";

    /// <summary>The amount is held too, in the open transaction.</summary>
    public const string CreateEffects = "payout.create.effects";

    public const string CreateAfter = "payout.create.after";

    /// <summary>A bank file and its payouts are written, in the open transaction.</summary>
    public const string FileEffects = "payout.file.effects";

    public const string FileAfter = "payout.file.after";

    /// <summary>What the bank said is written and booked, in the open transaction.</summary>
    public const string ReportEffects = "payout.report.effects";

    public const string ReportAfter = "payout.report.after";

    public static IReadOnlyList<string> All { get; } = [CreateGathered, CreateEffects, CreateAfter, FileEffects, FileAfter, ReportEffects, ReportAfter];
}
