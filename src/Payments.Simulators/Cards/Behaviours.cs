namespace Payments.Simulators.Cards;

public enum Authentication
{
    /// <summary>Takes no part in 3-D Secure: an attempt is acknowledged, where its scheme does that.</summary>
    None,

    /// <summary>Challenged when the merchant asks for a challenge; authenticated without one when it asks without preference.</summary>
    OnRequest,

    /// <summary>Refuses to be charged unauthenticated, whatever exemption is claimed; else as <see cref="OnRequest"/>.</summary>
    Insists,

    /// <summary>Its issuer's systems do not answer.</summary>
    Unavailable,

    /// <summary>Challenged unless it was set up for use without the shopper.</summary>
    UnlessSetUp,

    Always,
}

public enum Later
{
    Succeeds,

    /// <summary>Reported as done at first, then taken back.</summary>
    FailsLater,

    /// <summary>Pending at first, then done.</summary>
    PendingThenSucceeds,

    /// <summary>The first is taken back for a reason that passes; those after it succeed.</summary>
    FailsOnce,
}

/// <summary>A refusal in the words of both providers.</summary>
public sealed record Refusal(string StripeCode, string StripeDeclineCode, string StripeMessage, int AdyenCode, string AdyenReason, string AdyenRaw, bool Blocked = false)
{
    /// <summary>Adyen answers an acquirer's failure with another result than a refusal.</summary>
    public string AdyenResult => AdyenCode == 4 ? "Error" : "Refused";
}

/// <summary>How a test card acts.</summary>
public sealed record Behaviour(string Name, Refusal? Refusal = null, Authentication Authentication = Authentication.None, Later Refund = Later.Succeeds, Later Capture = Later.Succeeds)
{
    /// <summary>Why its holder disputes whatever was taken, in Stripe's words; null: does not. Of a bank account: why a debit is returned that had succeeded.</summary>
    public string? Dispute { get; init; }

    /// <summary>Why its bank returns every debit of an account.</summary>
    public DebitReturn? Debit { get; init; }

    /// <summary>The bank never says what became of a debit.</summary>
    public bool StaysProcessing { get; init; }
}

/// <summary>A debit that a bank returns, in Stripe's words.</summary>
/// <param name="Code">Nacha's code of the return, which Stripe does not tell.</param>
public sealed record DebitReturn(string Code, string StripeCode, string StripeMessage);

/// <summary>
/// Every way a test card can act, at both providers. Codes and messages are the vendors' documented ones; where a vendor has no
/// card for a behaviour, the row says the analogous thing in its vocabulary.
/// </summary>
public static class Behaviours
{
    private const string Declined = "Your card was declined.";

    private static readonly Refusal Generic = new("card_declined", "generic_decline", Declined, 2, "Refused", "05 : Do not honor");
    private static readonly Refusal NoFunds = new("card_declined", "insufficient_funds", "Your card has insufficient funds.", 12, "Not enough balance", "51 : Insufficient funds/over credit limit");

    private static readonly Behaviour[] Rows =
    [
        new("succeeds"),
        new("generic_decline", Generic),
        new("insufficient_funds", NoFunds),
        new("lost_card", new("card_declined", "lost_card", Declined, 5, "Blocked Card", "41 : Lost card")),
        new("stolen_card", new("card_declined", "stolen_card", Declined, 5, "Blocked Card", "43 : Stolen card")),
        new("expired_card", new("expired_card", "expired_card", "Your card has expired.", 6, "Expired Card", "54 : Expired card")),
        new("incorrect_cvc", new("incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect.", 24, "CVC Declined", "N7 : CVC mismatch")),
        new("processing_error", new("processing_error", "processing_error", "An error occurred while processing your card. Try again in a little bit.", 4, "Acquirer Error", "96 : System malfunction")),
        new("card_velocity_exceeded", new("card_declined", "card_velocity_exceeded", "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.", 29, "Withdrawal count exceeded", "65 : Activity limit exceeded")),
        new("do_not_honor", new("card_declined", "do_not_honor", Declined, 2, "Refused", "05 : Do not honor")),
        new("issuer_unavailable", new("card_declined", "issuer_not_available", Declined, 9, "Issuer Unavailable", "91 : Issuer or switch inoperative")),
        new("transaction_not_allowed", new("card_declined", "transaction_not_allowed", Declined, 23, "Transaction Not Permitted", "57 : Transaction not permitted")),
        new("restricted_card", new("card_declined", "restricted_card", Declined, 25, "Restricted Card", "62 : Restricted card")),
        new("referral", new("card_declined", "call_issuer", Declined, 3, "Referral", "01 : Refer to issuer")),
        new("fraud_blocked", new("card_declined", "fraudulent", Declined, 20, "FRAUD", "Blocked by risk rules", Blocked: true)),
        new("issuer_suspected_fraud", new("card_declined", "fraudulent", Declined, 31, "Issuer Suspected Fraud", "59 : Suspected fraud")),
        new("not_supported", new("card_declined", "card_not_supported", "Your card does not support this type of purchase.", 10, "Not supported", "58 : Not permitted to terminal")),
        new("authentication_always", Authentication: Authentication.Always),
        new("authentication_unless_set_up", Authentication: Authentication.UnlessSetUp),
        new("authentication_on_request", Authentication: Authentication.OnRequest),
        new("authentication_insists", Authentication: Authentication.Insists),
        new("authentication_unavailable", Authentication: Authentication.Unavailable),
        new("authentication_then_decline", Generic, Authentication.Always),
        new("authentication_then_insufficient_funds", NoFunds, Authentication.Always),
        new("refund_fails_later", Refund: Later.FailsLater),
        new("refund_fails_once", Refund: Later.FailsOnce),
        new("refund_pending_then_succeeds", Refund: Later.PendingThenSucceeds),
        new("capture_fails_later", Capture: Later.FailsLater),
        new("dispute_fraudulent") { Dispute = "fraudulent" },
        new("dispute_product_not_received") { Dispute = "product_not_received" },

        // Of bank accounts
        new("debit_insufficient_funds") { Debit = new("R01", "insufficient_funds", "The customer's account has insufficient funds to cover this payment.") },
        new("debit_account_closed") { Debit = new("R02", "account_closed", "The customer's bank account has been closed.") },
        new("debit_no_account") { Debit = new("R03", "no_account", "The customer's bank account could not be located.") },
        new("debit_not_authorized") { Debit = new("R29", "debit_not_authorized", "The customer has notified their bank that this payment was unauthorized.") },
        new("debit_weekly_limit") { Debit = new("", "charge_exceeds_weekly_limit", "The payment exceeds the weekly limit of debits.") },
        new("debit_unexplained") { Debit = new("R17", "could_not_process", "The customer's bank could not process this payment.") },
        new("debit_stays_processing") { StaysProcessing = true },
        new("debit_contested") { Dispute = "debit_not_authorized" },
        new("debit_returned_later") { Dispute = "insufficient_funds" },
    ];

    private static readonly Dictionary<string, Behaviour> ByName = Rows.ToDictionary(b => b.Name);

    public static IReadOnlyList<Behaviour> All => Rows;

    public static Behaviour Named(string name) => ByName[name];

    /// <summary>The rule that only Adyen has: a refusal asked for by its number, in additional data or as the holder's name.</summary>
    public static Behaviour? RequestedAtAdyen(string? trigger) => trigger?.Split(':')[0].Trim() switch
    {
        "2" or "DECLINED" => Named("generic_decline"),
        "3" or "REFERRAL" => Named("referral"),
        "4" or "ERROR" => Named("processing_error"),
        "5" or "BLOCK_CARD" => Named("lost_card"),
        "6" or "CARD_EXPIRED" => Named("expired_card"),
        "9" or "ISSUER_UNAVAILABLE" => Named("issuer_unavailable"),
        "10" or "NOT_SUPPORTED" => Named("not_supported"),
        "12" or "NOT_ENOUGH_BALANCE" => Named("insufficient_funds"),
        "20" or "FRAUD" => Named("fraud_blocked"),
        "23" or "TRANSACTION_NOT_PERMITTED" => Named("transaction_not_allowed"),
        "24" or "CVC_DECLINED" => Named("incorrect_cvc"),
        "25" or "RESTRICTED_CARD" => Named("restricted_card"),
        "31" or "ISSUER_SUSPECTED_FRAUD" => Named("issuer_suspected_fraud"),
        _ => null,
    };
}
