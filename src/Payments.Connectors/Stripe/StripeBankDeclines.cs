using static Payments.Connectors.NormalDeclines;

namespace Payments.Connectors.Stripe;

/// <summary>What Stripe calls the returns of banks, in our words. Nacha's codes stand beside: Stripe does not tell them.</summary>
public static class StripeBankDeclines
{
    private const bool Stay = false;

    public static DeclineTable Table { get; } = new(
    [
        // code                                    ours                        Nacha
        new("insufficient_funds", AccountFundsInsufficient, Stay),          // R01, R09
        new("account_closed", AccountClosed, Stay),                         // R02
        new("bank_account_unusable", AccountClosed, Stay),                  // R02
        new("no_account", AccountNotFound, Stay),                           // R03
        new("account_number_invalid", AccountNumberInvalid, Stay),          // R04
        new("invalid_account_number", AccountNumberInvalid, Stay),          // R04
        new("routing_number_invalid", RoutingNumberInvalid, Stay),          // R13
        new("debit_not_authorized", DebitNotAuthorized, Stay),              // R05, R07, R08, R10, R11, R29
        new("account_frozen", AccountRestricted, Stay),                     // R16
        new("bank_account_restricted", AccountRestricted, Stay),            // R16, R20
        new("payment_method_bank_account_blocked", AccountRestricted, Stay),
        new("bank_account_unverified", AccountUnverified, Stay),
        new("bank_account_verification_failed", AccountUnverified, Stay),
        new("payment_method_microdeposit_failed", AccountUnverified, Stay),
        new("charge_exceeds_source_limit", DebitLimitExceeded, Stay),
        new("charge_exceeds_weekly_limit", DebitLimitExceeded, Stay),
        new("payment_method_customer_decline", CustomerCancelled, Stay),
        new("bank_account_declined", DebitDeclined, Stay),
        new("could_not_process", DebitDeclined, Stay),                      // R17
        new("refer_to_customer", DebitDeclined, Stay),
    ], DebitDeclined);
}
