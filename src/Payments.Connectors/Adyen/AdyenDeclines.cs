using System.Collections.Frozen;
using Payments.Core;
using static Payments.Connectors.NormalDeclines;

namespace Payments.Connectors.Adyen;

/// <summary>
/// Adyen's <c>refusalReasonCode</c> in our words, with the name that a webhook's <c>reason</c> carries instead of the number; and
/// the error codes of requests that it does not take.
/// </summary>
public static class AdyenDeclines
{
    private const bool Cascade = true;
    private const bool Stay = false;

    private static readonly (string Code, string Name, NormalDecline Normal, bool MayCascade)[] Refusals =
    [
        ("2", "Refused", CardDeclined, Stay),
        ("3", "Referral", CallIssuer, Stay),
        ("4", "Acquirer Error", ProcessingError, Cascade),
        ("5", "Blocked Card", BlockedCard, Stay),
        ("6", "Expired Card", ExpiredCard, Stay),
        ("7", "Invalid Amount", InvalidAmount, Stay),
        ("8", "Invalid Card Number", IncorrectNumber, Stay),
        ("9", "Issuer Unavailable", IssuerUnavailable, Cascade),
        ("10", "Not supported", CardNotSupported, Cascade),
        ("11", "3D Not Authenticated", AuthenticationFailed, Stay),
        ("12", "Not enough balance", InsufficientFunds, Stay),
        ("14", "Acquirer Fraud", SuspectedFraud, Stay),
        ("15", "Cancelled", CustomerCancelled, Stay),
        ("16", "Shopper Cancelled", CustomerCancelled, Stay),
        ("17", "Invalid Pin", IncorrectPin, Stay),
        ("18", "Pin tries exceeded", PinTriesExceeded, Stay),
        ("19", "Pin validation not possible", IncorrectPin, Stay),
        ("20", "FRAUD", SuspectedFraud, Stay),
        ("21", "Not Submitted", ProcessingError, Cascade),
        ("22", "FRAUD-CANCELLED", SuspectedFraud, Stay),
        ("23", "Transaction Not Permitted", NotPermitted, Stay),
        ("24", "CVC Declined", IncorrectCvc, Stay),
        ("25", "Restricted Card", BlockedCard, Stay),
        ("26", "Revocation Of Auth", RevokedAuthorization, Stay),
        ("27", "Declined Non Generic", CardDeclined, Stay),
        ("28", "Withdrawal amount exceeded", LimitExceeded, Stay),
        ("29", "Withdrawal count exceeded", LimitExceeded, Stay),
        ("31", "Issuer Suspected Fraud", SuspectedFraud, Stay),
        ("32", "AVS Declined", IncorrectAddress, Stay),
        ("33", "Card requires online pin", IncorrectPin, Stay),
        ("34", "No checking account available on Card", ClosedAccount, Stay),
        ("35", "No savings account available on Card", ClosedAccount, Stay),
        ("36", "Mobile pin required", IncorrectPin, Stay),
        ("37", "Contactless fallback", NotPermitted, Stay),
        ("38", "Authentication required", AuthenticationRequired, Stay),
        ("39", "RReq not received from DS", AuthenticationFailed, Stay),
        ("40", "Current AID is in Penalty Box", NotPermitted, Stay),
        ("41", "CVM Required Restart Payment", AuthenticationRequired, Stay),
        ("42", "3DS Authentication Error", AuthenticationFailed, Stay),
        ("43", "Online PIN required", IncorrectPin, Stay),
        ("44", "Try another interface", NotPermitted, Stay),
        ("45", "Chip downgrade mode", NotPermitted, Stay),
        ("46", "Transaction blocked by Adyen to prevent excessive retry fees", DoNotRetry, Stay),
    ];

    private static readonly FrozenDictionary<string, string> CodeByName =
        Refusals.ToFrozenDictionary(r => r.Name, r => r.Code, StringComparer.OrdinalIgnoreCase);

    public static DeclineTable Table { get; } = new(
    [
        .. Refusals.Select(r => new DeclineRow(r.Code, r.Normal, r.MayCascade)),

        // errorCode of a request that was refused before it became a payment
        new("error_800", TokenUnusable, Cascade),
        new("error_803", TokenUnusable, Cascade),
        new("error_137", InvalidAmount, Stay),
        new("error_100", InvalidAmount, Stay),
        new("error_101", IncorrectNumber, Stay),
        new("error_103", IncorrectCvc, Stay),
        new("error_105", AuthenticationFailed, Stay),
        new("error_108", InvalidExpiry, Stay),
        new("error_138", CurrencyNotSupported, Cascade),
        new("error_140", InvalidExpiry, Stay),
        new("error_141", InvalidExpiry, Stay),
        new("error_153", IncorrectCvc, Stay),
        new("error_167", WrongState, Stay),
        new("error_905", RequestRefused, Cascade),

        // eventCode of a challenge that nobody finished
        new("OFFER_CLOSED", AuthenticationFailed, Stay),

        // eventCode of a refund or a cancellation that failed, where its reason has no row
        new("REFUND", RefundRejected, Stay),
        new("REFUND_FAILED", NormalDeclines.RefundFailed, Stay),
        new("REFUNDED_REVERSED", RefundRejected, Stay),
        new("Insufficient balance on payment", AmountExceeded, Stay),
        new("technical_cancel_not_found", PaymentNotFound, Stay),
        new("technical_cancel_refused", PaymentNotCancellable, Stay),
    ]);

    public static string? NameOf(string code) => Refusals.FirstOrDefault(r => r.Code == code).Name;

    public static Decline OfRefusal(string? code, string? reason)
    {
        var known = Table.Knows(code) ? code : reason is not null && CodeByName.TryGetValue(reason.Trim(), out var byName) ? byName : code ?? reason;
        return Table.Of(known);
    }

    /// <summary>
    /// Of a refund or a cancellation by our reference; none for what needs none. A cancellation that names the payment it was about has
    /// found it.
    /// </summary>
    public static Decline? OfModification(string eventCode, string? reason, bool namesPayment) => eventCode switch
    {
        "REFUND" or "REFUND_FAILED" or "REFUNDED_REVERSED" => Table.Of(Table.Knows(reason?.Trim()) ? reason!.Trim() : eventCode),
        "TECHNICAL_CANCEL" => Table.Of(namesPayment ? "technical_cancel_refused" : "technical_cancel_not_found"),
        _ => null,
    };

    /// <summary>Of a 4xx answer to a request; one without a row of its own is refused as invalid.</summary>
    public static Decline OfError(string? errorCode)
    {
        var code = "error_" + (errorCode ?? "none");
        return Table.Knows(code) ? Table.Of(code) : new DeclineRow(code, RequestRefused, Stay).Of(code);
    }
}
