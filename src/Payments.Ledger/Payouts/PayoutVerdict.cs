namespace Payments.Ledger.Payouts;

/// <summary>What became of a change of a payout.</summary>
public enum PayoutVerdict
{
    Done,

    /// <summary>It stood so already.</summary>
    Duplicate,
    NotFound,

    /// <summary>From where it stands it does not come there.</summary>
    WrongState,

    /// <summary>One person approved or told it; another one is needed.</summary>
    SecondPersonNeeded,

    /// <summary>This person approved it before.</summary>
    SamePerson,

    /// <summary>It goes to another bank account than the one that was approved.</summary>
    OtherAccount,

    /// <summary>What is told is of another amount or currency.</summary>
    OtherAmount,
}

/// <summary>What is told of a payout.</summary>
/// <param name="Reference">What the bank calls it, as far as it said.</param>
/// <param name="By">The person, or the service that read it.</param>
/// <param name="At">When it happened.</param>
/// <param name="Evidence">The bank's word: <see cref="BankEvidence"/>. Empty: people say so. A report is what a person uploaded.</param>
public sealed record ToldOfPayout(PayoutState To, string Reference, string Reason, string By, DateTimeOffset At, string Evidence = "");
