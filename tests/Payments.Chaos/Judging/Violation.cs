namespace Payments.Chaos.Judging;

/// <summary>A promise that was broken.</summary>
/// <param name="Rule">One of <see cref="Rules"/>.</param>
/// <param name="Payment">Whose history shows it; null where it is nobody's in particular.</param>
public sealed record Violation(string Rule, string? Payment, string Detail)
{
    public override string ToString() => $"{Rule}{(Payment is null ? "" : $" {Payment}")}: {Detail}";
}

/// <summary>The promises, by name.</summary>
public static class Rules
{
    public const string OneChargePerKey = "one_charge_per_key";
    public const string NothingUnasked = "nothing_unasked";
    public const string AcknowledgedLost = "acknowledged_lost";
    public const string AnswerContradicted = "answer_contradicted";
    public const string OneAnswerPerKey = "one_answer_per_key";
    public const string NeverAnswered = "never_answered";
    public const string UnexpectedAnswer = "unexpected_answer";
    public const string AmountsDiffer = "amounts_differ";
    public const string UnknownCharge = "unknown_charge";
    public const string AboveLimit = "above_limit";
    public const string TrialBalance = "trial_balance";
    public const string PostingsDiffer = "postings_differ";
    public const string FoldDiffers = "fold_differs";
    public const string ControlAccount = "control_account";
    public const string EventMissing = "event_missing";
    public const string NotTold = "webhook_missing";
    public const string ToldWrongly = "webhook_differs";
    public const string AttemptOpen = "attempt_open";
    public const string Stuck = "stuck";
    public const string TooLittleFire = "too_little_fire";
    public const string Failover = "failover_after_unknown";
    public const string LateResolution = "late_resolution";
    public const string Incident = "incident";
    public const string BreakLeft = "break_left";
}
