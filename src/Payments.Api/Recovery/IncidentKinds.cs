using System.Collections.Frozen;

namespace Payments.Api.Recovery;

/// <summary>How soon a person must look.</summary>
public enum IncidentSeverity
{
    /// <summary>Put right already, or nothing that moves money: within some days.</summary>
    Notice,

    /// <summary>Money may stand wrong: the same day.</summary>
    Warning,

    /// <summary>Money stands wrong, or soon will: now.</summary>
    Critical,
}

/// <param name="Runbook">File below <c>docs/runbooks</c>.</param>
/// <param name="Action">What a person is to do.</param>
public sealed record IncidentKind(string Name, IncidentSeverity Severity, string Runbook, string Action);

/// <summary>Every kind of incident, in one place.</summary>
public static class IncidentKinds
{
    public const string Contradiction = "contradiction";
    public const string AttemptUnresolved = "attempt_unresolved";
    public const string UnknownProviderReference = "unknown_provider_reference";
    public const string NoticeNotApplied = "notice_not_applied";
    public const string ProviderReferenceShared = "provider_reference_shared";
    public const string PhantomPayment = "phantom_payment";
    public const string UnattributedCharge = "unattributed_charge";
    public const string UnreadableCharge = "unreadable_charge";
    public const string ChargeMissing = "charge_missing";
    public const string DoubleCharge = "double_charge";
    public const string DoubleChargeNotUndone = "double_charge_not_undone";
    public const string LikelyDuplicate = "likely_duplicate";
    public const string RefundFailed = "refund_failed";
    public const string OrphanedHoldStuck = "orphaned_hold_stuck";

    public const string ChargebackBeyondBooks = "chargeback_beyond_books";

    private const string Unknown = "unknown-outcomes.md";
    private const string Notices = "provider-webhooks.md";
    private const string Charges = "provider-charges.md";
    private const string Refunds = "failed-refunds.md";

    // kind, how soon, runbook, what to do
    public static IReadOnlyList<IncidentKind> All { get; } =
    [
        new(Contradiction, IncidentSeverity.Critical, Notices, "Compare the payment with the provider's own page of it; book what is true by a refund or void there, and close."),
        new(AttemptUnresolved, IncidentSeverity.Critical, Unknown, "Look the attempt up at the provider by its id; if its report does not have it either, ask the provider."),
        new(UnknownProviderReference, IncidentSeverity.Warning, Notices, "Find whose the reference is at the provider; what is not ours is closed as such."),
        new(NoticeNotApplied, IncidentSeverity.Warning, Notices, "Read the log of the notice; it is tried again every ten minutes."),
        new(ProviderReferenceShared, IncidentSeverity.Critical, Notices, "Two payments carry one name of the provider: refund neither before the provider has said whose it is."),
        new(PhantomPayment, IncidentSeverity.Notice, Charges, "The payment was made of the provider's record. Find out why it was missing; tell the merchant if its order is still open."),
        new(UnattributedCharge, IncidentSeverity.Warning, Charges, "Find the merchant and attribute the break, or refund the charge at the provider."),
        new(UnreadableCharge, IncidentSeverity.Warning, Charges, "The charge is of another mode, of a currency that we do not accept or made in a way that we do not use: settle it at the provider."),
        new(ChargeMissing, IncidentSeverity.Critical, Charges, "Our books have money of a payment that the provider does not have: ask the provider with its reference before the merchant is settled; if it is gone, agree with the merchant who bears it."),
        new(DoubleCharge, IncidentSeverity.Notice, Charges, "The second charge is being undone by itself; look that it is, and find out how it came to be."),
        new(DoubleChargeNotUndone, IncidentSeverity.Critical, Charges, "The provider refuses to undo the second charge: give the money back by another way today."),
        new(LikelyDuplicate, IncidentSeverity.Notice, Charges, "Ask the merchant whether both were meant; split orders are legitimate. Nothing was moved."),
        new(RefundFailed, IncidentSeverity.Critical, Refunds, "The customer does not have the money, and the merchant was told: agree with the merchant on another way to pay it back."),
        new(ChargebackBeyondBooks, IncidentSeverity.Critical, Charges, "The excess stands in suspense. Show the bank that the customer was refunded (evidence of the dispute); what is lost in the end is agreed with the merchant and booked by resolving the break in our own books."),
        new(OrphanedHoldStuck, IncidentSeverity.Notice, Refunds, "The provider cannot or will not release the hold: cancel it on the provider's own page, or wait until it expires."),
    ];

    private static readonly FrozenDictionary<string, IncidentKind> ByName = All.ToFrozenDictionary(k => k.Name, StringComparer.Ordinal);

    /// <summary>Null for a name that is not in the table.</summary>
    public static IncidentKind? Find(string name) => ByName.GetValueOrDefault(name);
}
