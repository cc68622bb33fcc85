using System.Collections.Frozen;
using Payments.Core;

namespace Payments.Connectors;

/// <summary>One of our own decline codes: what merchants see and may program against.</summary>
public sealed record NormalDecline(string Code, DeclineKind Kind, string Message);

/// <summary>The normalised codes. Soft: the same card may succeed later or after the customer did something. Hard: it will not.</summary>
public static class NormalDeclines
{
    public static readonly NormalDecline CardDeclined = new("card_declined", DeclineKind.Soft, "The card was declined by its issuer without a reason.");
    public static readonly NormalDecline InsufficientFunds = new("insufficient_funds", DeclineKind.Soft, "The card has insufficient funds.");
    public static readonly NormalDecline LimitExceeded = new("limit_exceeded", DeclineKind.Soft, "The card's limit of amount or number of payments is exceeded.");
    public static readonly NormalDecline IssuerUnavailable = new("issuer_unavailable", DeclineKind.Soft, "The card's issuer could not be reached.");
    public static readonly NormalDecline ProcessingError = new("processing_error", DeclineKind.Soft, "An error occurred while the card was processed.");
    public static readonly NormalDecline CallIssuer = new("call_issuer", DeclineKind.Soft, "The issuer wants the cardholder to get in touch.");
    public static readonly NormalDecline AuthenticationRequired = new("authentication_required", DeclineKind.Soft, "The issuer asks for authentication of the cardholder.");
    public static readonly NormalDecline AuthenticationFailed = new("authentication_failed", DeclineKind.Soft, "The cardholder was not authenticated.");
    public static readonly NormalDecline CustomerCancelled = new("customer_cancelled", DeclineKind.Soft, "The customer cancelled the payment.");
    public static readonly NormalDecline IncorrectCvc = new("incorrect_cvc", DeclineKind.Soft, "The card's security code is incorrect.");
    public static readonly NormalDecline IncorrectAddress = new("incorrect_address", DeclineKind.Soft, "The billing address does not match the card.");
    public static readonly NormalDecline IncorrectPin = new("incorrect_pin", DeclineKind.Soft, "A PIN is required or was incorrect.");
    public static readonly NormalDecline DuplicateTransaction = new("duplicate_transaction", DeclineKind.Soft, "A payment of the same amount was made with this card very recently.");
    public static readonly NormalDecline ExpiredCard = new("expired_card", DeclineKind.Hard, "The card has expired.");
    public static readonly NormalDecline IncorrectNumber = new("incorrect_number", DeclineKind.Hard, "The card number is incorrect.");
    public static readonly NormalDecline InvalidExpiry = new("invalid_expiry", DeclineKind.Hard, "The card's expiry date is invalid.");
    public static readonly NormalDecline LostCard = new("lost_card", DeclineKind.Hard, "The card was declined by its issuer.");
    public static readonly NormalDecline StolenCard = new("stolen_card", DeclineKind.Hard, "The card was declined by its issuer.");
    public static readonly NormalDecline BlockedCard = new("blocked_card", DeclineKind.Hard, "The card is blocked or restricted.");
    public static readonly NormalDecline ClosedAccount = new("closed_account", DeclineKind.Hard, "The card's account does not exist or is closed.");
    public static readonly NormalDecline PinTriesExceeded = new("pin_tries_exceeded", DeclineKind.Hard, "The number of PIN tries is exceeded.");
    public static readonly NormalDecline SuspectedFraud = new("suspected_fraud", DeclineKind.Hard, "The payment was declined as suspected fraud.");
    public static readonly NormalDecline DoNotRetry = new("do_not_retry", DeclineKind.Hard, "The issuer declined and does not want another try.");
    public static readonly NormalDecline RevokedAuthorization = new("revoked_authorization", DeclineKind.Hard, "The cardholder has revoked this authorization.");
    public static readonly NormalDecline NotPermitted = new("transaction_not_permitted", DeclineKind.Hard, "The card does not permit this kind of payment.");
    public static readonly NormalDecline CardNotSupported = new("card_not_supported", DeclineKind.Hard, "The card is not supported for this payment.");
    public static readonly NormalDecline CurrencyNotSupported = new("currency_not_supported", DeclineKind.Hard, "The card does not support this currency.");
    public static readonly NormalDecline InvalidAmount = new("invalid_amount", DeclineKind.Hard, "The amount is not accepted.");
    public static readonly NormalDecline TokenUnusable = new("token_unusable", DeclineKind.Hard, "The provider does not know the stored card any more.");
    public static readonly NormalDecline RequestRefused = new("request_refused", DeclineKind.Hard, "The provider refused the request as invalid.");
    public static readonly NormalDecline WrongState = new("wrong_state", DeclineKind.Hard, "The payment is not in a state that allows this at the provider.");
    public static readonly NormalDecline AmountExceeded = new("amount_exceeded", DeclineKind.Hard, "The amount is more than is left at the provider.");
    public static readonly NormalDecline RefundFailed = new("refund_failed", DeclineKind.Soft, "The refund did not go through; another try may work.");
    public static readonly NormalDecline PaymentNotFound = new("payment_not_found", DeclineKind.Hard, "The provider has no payment of this reference.");
    public static readonly NormalDecline PaymentNotCancellable = new("payment_not_cancellable", DeclineKind.Hard, "The provider has the payment, and it cannot be cancelled any more.");
    public static readonly NormalDecline RefundRejected = new("refund_rejected", DeclineKind.Hard, "The card's issuer did not take the refund.");

    // Debits of bank accounts. Two codes are those of cards, in words for accounts.
    public static readonly NormalDecline AccountFundsInsufficient = new("insufficient_funds", DeclineKind.Soft, "The bank account has insufficient funds.");
    public static readonly NormalDecline AccountClosed = new("closed_account", DeclineKind.Hard, "The bank account is closed.");
    public static readonly NormalDecline AccountNotFound = new("no_account", DeclineKind.Hard, "The bank has no such account.");
    public static readonly NormalDecline AccountNumberInvalid = new("invalid_account_number", DeclineKind.Hard, "The account number is not one of this bank.");
    public static readonly NormalDecline RoutingNumberInvalid = new("invalid_routing_number", DeclineKind.Hard, "No bank has this routing number.");
    public static readonly NormalDecline DebitNotAuthorized = new("debit_not_authorized", DeclineKind.Hard, "The account's holder did not authorize the debit, or has revoked it.");
    public static readonly NormalDecline AccountRestricted = new("account_restricted", DeclineKind.Hard, "The bank account may not be debited.");
    public static readonly NormalDecline AccountUnverified = new("account_unverified", DeclineKind.Hard, "The bank account was not verified.");
    public static readonly NormalDecline DebitLimitExceeded = new("debit_limit_exceeded", DeclineKind.Soft, "The limit of debits is exceeded.");
    public static readonly NormalDecline DebitDeclined = new("debit_declined", DeclineKind.Soft, "The bank returned the debit without a reason.");

    /// <summary>What a debit of a bank account may be declined with, beside what says something of the request.</summary>
    public static IReadOnlyList<NormalDecline> OfBankAccounts { get; } =
    [
        AccountFundsInsufficient, AccountClosed, AccountNotFound, AccountNumberInvalid, RoutingNumberInvalid, DebitNotAuthorized, AccountRestricted,
        AccountUnverified, DebitLimitExceeded, DebitDeclined,
    ];

    public static IReadOnlyList<NormalDecline> All { get; } =
    [
        CardDeclined, InsufficientFunds, LimitExceeded, IssuerUnavailable, ProcessingError, CallIssuer, AuthenticationRequired, AuthenticationFailed,
        CustomerCancelled, IncorrectCvc, IncorrectAddress, IncorrectPin, DuplicateTransaction, ExpiredCard, IncorrectNumber, InvalidExpiry, LostCard,
        StolenCard, BlockedCard, ClosedAccount, PinTriesExceeded, SuspectedFraud, DoNotRetry, RevokedAuthorization, NotPermitted, CardNotSupported,
        CurrencyNotSupported, InvalidAmount, TokenUnusable, RequestRefused, WrongState, AmountExceeded, RefundRejected, RefundFailed,
        PaymentNotFound, PaymentNotCancellable,
    ];
}

/// <param name="ProviderCode">As the provider writes it.</param>
/// <param name="MayCascade">
/// The refusal says something about this provider or the way to the issuer, not about the card: the other provider may be asked
/// within the same request.
/// </param>
public sealed record DeclineRow(string ProviderCode, NormalDecline Normal, bool MayCascade)
{
    public Decline Of(string? providerCode) => new(Normal.Code, Normal.Kind, MayCascade, providerCode, Normal.Message);
}

/// <summary>The decline table of one provider. An unknown code is a plain decline that may not cascade.</summary>
/// <param name="unlisted">What an unknown code means; absent: the plain decline of a card.</param>
public sealed class DeclineTable(IReadOnlyList<DeclineRow> rows, NormalDecline? unlisted = null)
{
    private readonly DeclineRow other = new("(any other)", unlisted ?? NormalDeclines.CardDeclined, MayCascade: false);

    private readonly FrozenDictionary<string, DeclineRow> byCode = rows.ToFrozenDictionary(r => r.ProviderCode, StringComparer.Ordinal);

    public IReadOnlyList<DeclineRow> Rows => rows;

    public Decline Of(string? providerCode) => (providerCode is null ? other : byCode.GetValueOrDefault(providerCode, other)).Of(providerCode);

    public bool Knows(string? providerCode) => providerCode is not null && byCode.ContainsKey(providerCode);
}
