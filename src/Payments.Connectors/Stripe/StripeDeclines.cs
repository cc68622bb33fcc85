using Payments.Core;
using static Payments.Connectors.NormalDeclines;

namespace Payments.Connectors.Stripe;

/// <summary>
/// Stripe's decline codes (and, where there is none, error codes) in our words. Most specific first: <c>decline_code</c>, then
/// <c>code</c>.
/// </summary>
public static class StripeDeclines
{
    private const bool Cascade = true;
    private const bool Stay = false;

    public static DeclineTable Table { get; } = new(
    [
        // decline_code of the issuer or of Stripe
        new("approve_with_id", IssuerUnavailable, Cascade),
        new("authentication_not_handled", AuthenticationRequired, Stay),
        new("authentication_required", AuthenticationRequired, Stay),
        new("call_issuer", CallIssuer, Stay),
        new("card_not_supported", CardNotSupported, Cascade),
        new("card_velocity_exceeded", LimitExceeded, Stay),
        new("currency_not_supported", CurrencyNotSupported, Cascade),
        new("do_not_honor", CardDeclined, Stay),
        new("do_not_try_again", DoNotRetry, Stay),
        new("duplicate_transaction", NormalDeclines.DuplicateTransaction, Stay),
        new("expired_card", ExpiredCard, Stay),
        new("fraudulent", SuspectedFraud, Stay),
        new("generic_decline", CardDeclined, Stay),
        new("highest_risk_level", SuspectedFraud, Stay),
        new("incorrect_address", IncorrectAddress, Stay),
        new("incorrect_cvc", IncorrectCvc, Stay),
        new("incorrect_number", IncorrectNumber, Stay),
        new("incorrect_pin", IncorrectPin, Stay),
        new("incorrect_zip", IncorrectAddress, Stay),
        new("insufficient_funds", InsufficientFunds, Stay),
        new("invalid_account", ClosedAccount, Stay),
        new("invalid_amount", InvalidAmount, Stay),
        new("invalid_cvc", IncorrectCvc, Stay),
        new("invalid_expiry_month", InvalidExpiry, Stay),
        new("invalid_expiry_year", InvalidExpiry, Stay),
        new("invalid_number", IncorrectNumber, Stay),
        new("invalid_pin", IncorrectPin, Stay),
        new("issuer_not_available", IssuerUnavailable, Cascade),
        new("lost_card", LostCard, Stay),
        new("merchant_blacklist", SuspectedFraud, Stay),
        new("mobile_device_authentication_required", AuthenticationRequired, Stay),
        new("new_account_information_available", ClosedAccount, Stay),
        new("no_action_taken", CardDeclined, Stay),
        new("not_permitted", NotPermitted, Cascade),
        new("offline_pin_required", IncorrectPin, Stay),
        new("online_or_offline_pin_required", IncorrectPin, Stay),
        new("pickup_card", BlockedCard, Stay),
        new("pin_try_exceeded", PinTriesExceeded, Stay),
        new("processing_error", ProcessingError, Cascade),
        new("reenter_transaction", ProcessingError, Cascade),
        new("restricted_card", BlockedCard, Stay),
        new("revocation_of_all_authorizations", RevokedAuthorization, Stay),
        new("revocation_of_authorization", RevokedAuthorization, Stay),
        new("security_violation", CardDeclined, Stay),
        new("service_not_allowed", NotPermitted, Cascade),
        new("stolen_card", StolenCard, Stay),
        new("stop_payment_order", RevokedAuthorization, Stay),
        new("testmode_decline", CardDeclined, Stay),
        new("transaction_not_allowed", NotPermitted, Stay),
        new("try_again_later", IssuerUnavailable, Cascade),
        new("withdrawal_count_limit_exceeded", LimitExceeded, Stay),

        // code of an error or of last_payment_error
        new("amount_too_large", InvalidAmount, Stay),
        new("amount_too_small", InvalidAmount, Stay),
        new("card_declined", CardDeclined, Stay),
        new("card_decline_rate_limit_exceeded", LimitExceeded, Stay),
        new("charge_already_captured", WrongState, Stay),
        new("charge_already_refunded", WrongState, Stay),
        new("charge_disputed", WrongState, Stay),
        new("charge_expired_for_capture", WrongState, Stay),
        new("charge_exceeds_source_limit", LimitExceeded, Stay),
        new("charge_exceeds_transaction_limit", LimitExceeded, Stay),
        new("customer_max_payment_methods", RequestRefused, Stay),
        new("parameter_invalid_integer", RequestRefused, Stay),
        new("parameter_missing", RequestRefused, Stay),
        new("parameter_unknown", RequestRefused, Stay),
        new("payment_intent_authentication_failure", AuthenticationFailed, Stay),
        new("payment_intent_unexpected_state", WrongState, Stay),
        new("payment_method_customer_decline", CustomerCancelled, Stay),
        new("payment_method_provider_decline", CardDeclined, Stay),
        new("payment_method_unexpected_state", TokenUnusable, Cascade),
        new("resource_missing", TokenUnusable, Cascade),

        // failure_reason of a refund
        new("expired_or_canceled_card", RefundRejected, Stay),
        new("lost_or_stolen_card", RefundRejected, Stay),
        new("charge_for_pending_refund_disputed", RefundRejected, Stay),
        new("merchant_request", RefundRejected, Stay),
        new("declined", RefundFailed, Stay),
        new("unknown", RefundFailed, Stay),
    ]);

    public static Decline Of(string? code, string? declineCode) =>
        Table.Knows(declineCode) ? Table.Of(declineCode)
        : Table.Knows(code) ? Table.Of(code) with { ProviderCode = declineCode ?? code }
        : Table.Of(declineCode ?? code);
}
