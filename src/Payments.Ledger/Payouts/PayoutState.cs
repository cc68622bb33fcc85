namespace Payments.Ledger.Payouts;

/// <summary>Where a payout stands. The table of transitions is <c>ledger.payout_transitions</c>, which the database holds.</summary>
public enum PayoutState
{
    /// <summary>Above the limit: two people agree before it is ready.</summary>
    AwaitingApproval,

    /// <summary>The next bank file takes it.</summary>
    Ready,

    /// <summary>It is in a bank file; the bank has not said what became of it.</summary>
    Sent,
    Paid,

    /// <summary>The bank refused it; the amount is payable again.</summary>
    Failed,

    /// <summary>It was paid and came back; the amount is payable again.</summary>
    Returned,
    Canceled,
}

/// <summary>Whether a merchant may be paid; only <see cref="Cleared"/> is.</summary>
public enum PayoutStanding
{
    KycPending,
    Cleared,
    SanctionsHold,
    RiskHold,
}
