using System.Text.Json.Nodes;
using Payments.Simulators.Books;
using Payments.Simulators.Cards;

namespace Payments.Simulators.Stripe;

/// <summary>Stripe's objects as JSON.</summary>
public static class StripeJson
{
    public static long Seconds(DateTimeOffset time) => time.ToUnixTimeSeconds();

    public static long? Seconds(DateTimeOffset? time) => time?.ToUnixTimeSeconds();

    public static JsonObject Map(IReadOnlyDictionary<string, string> map)
    {
        ArgumentNullException.ThrowIfNull(map);
        return new JsonObject(map.Select(pair => KeyValuePair.Create<string, JsonNode?>(pair.Key, pair.Value)));
    }

    public static JsonObject Of(PaymentIntent intent, StoredCard? lastErrorMethod = null)
    {
        ArgumentNullException.ThrowIfNull(intent);
        return new JsonObject
        {
            ["id"] = intent.Id,
            ["object"] = "payment_intent",
            ["amount"] = intent.Amount,
            ["amount_capturable"] = intent.AmountCapturable,
            ["amount_details"] = new JsonObject { ["tip"] = new JsonObject() },
            ["amount_received"] = intent.AmountReceived,
            ["application"] = null,
            ["application_fee_amount"] = null,
            ["automatic_payment_methods"] = intent.AutomaticPaymentMethods ? new JsonObject { ["allow_redirects"] = "always", ["enabled"] = true } : null,
            ["canceled_at"] = Seconds(intent.CanceledAt),
            ["cancellation_reason"] = intent.CancellationReason,
            ["capture_method"] = intent.CaptureMethod,
            ["client_secret"] = intent.ClientSecret,
            ["confirmation_method"] = "automatic",
            ["created"] = Seconds(intent.Created),
            ["currency"] = intent.Currency,
            ["customer"] = intent.Customer,
            ["description"] = intent.Description,
            ["last_payment_error"] = Error(intent.LastPaymentError, intent.LatestCharge, lastErrorMethod),
            ["latest_charge"] = intent.LatestCharge,
            ["livemode"] = false,
            ["metadata"] = Map(intent.Metadata),
            ["next_action"] = NextAction(intent),
            ["on_behalf_of"] = null,
            ["payment_method"] = intent.PaymentMethod,
            ["payment_method_options"] = intent.IsDebit ? new JsonObject { [CardReader.StripeMethodType] = new JsonObject { ["verification_method"] = "automatic" } } : new JsonObject
            {
                ["card"] = new JsonObject
                {
                    ["installments"] = null,
                    ["mandate_options"] = null,
                    ["network"] = null,
                    ["request_three_d_secure"] = intent.RequestThreeDSecure,
                },
            },
            ["payment_method_types"] = new JsonArray(intent.IsDebit ? CardReader.StripeMethodType : "card"),
            ["processing"] = null,
            ["receipt_email"] = intent.ReceiptEmail,
            ["review"] = null,
            ["setup_future_usage"] = intent.SetupFutureUsage,
            ["shipping"] = null,
            ["source"] = null,
            ["statement_descriptor"] = intent.StatementDescriptor,
            ["statement_descriptor_suffix"] = intent.StatementDescriptorSuffix,
            ["status"] = intent.Status,
            ["transfer_data"] = null,
            ["transfer_group"] = intent.TransferGroup,
        };
    }

    public static JsonObject Of(Charge charge)
    {
        ArgumentNullException.ThrowIfNull(charge);
        return new JsonObject
        {
            ["id"] = charge.Id,
            ["object"] = "charge",
            ["amount"] = charge.Amount,
            ["amount_captured"] = charge.AmountCaptured,
            ["amount_refunded"] = charge.AmountRefundReserved,
            ["application"] = null,
            ["application_fee"] = null,
            ["application_fee_amount"] = null,
            ["authorization_code"] = charge.AuthorisationCode,
            ["balance_transaction"] = charge.BalanceTransaction,
            ["billing_details"] = StripeCardJson.BillingDetails(Movement.NoMetadata),
            ["calculated_statement_descriptor"] = charge.StatementDescriptor,
            ["captured"] = charge.Captures.Count > 0,
            ["created"] = Seconds(charge.Created),
            ["currency"] = charge.Currency,
            ["customer"] = charge.Customer,
            ["description"] = charge.Description,
            ["disputed"] = charge.Disputed,
            ["failure_balance_transaction"] = null,
            ["failure_code"] = charge.Failure?.Code,
            ["failure_message"] = charge.Failure?.Message,
            ["fraud_details"] = new JsonObject(),
            ["livemode"] = false,
            ["metadata"] = Map(charge.Metadata),
            ["on_behalf_of"] = null,
            ["outcome"] = StripeCardJson.Outcome(charge.Failure),
            ["paid"] = charge.Failure is null && charge.Status != ChargeStatus.Pending,
            ["payment_intent"] = charge.PaymentIntent,
            ["payment_method"] = charge.PaymentMethod,
            ["payment_method_details"] = charge.Card.Bank is { } bank
                ? new JsonObject { [CardReader.StripeMethodType] = StripeCardJson.Bank(charge.Card, bank), ["type"] = CardReader.StripeMethodType }
                : new JsonObject { ["card"] = StripeCardJson.Details(charge), ["type"] = "card" },
            ["receipt_email"] = charge.ReceiptEmail,
            ["receipt_number"] = null,
            ["receipt_url"] = null,
            ["refunded"] = charge.AmountCaptured > 0 && charge.AmountRefundReserved == charge.AmountCaptured,
            ["review"] = null,
            ["shipping"] = null,
            ["source"] = null,
            ["source_transfer"] = null,
            ["statement_descriptor"] = charge.StatementDescriptor,
            ["statement_descriptor_suffix"] = null,
            ["status"] = charge.Status == ChargeStatus.Pending ? "pending" : charge.Failure is null ? "succeeded" : "failed",
            ["transfer_data"] = null,
            ["transfer_group"] = null,
        };
    }

    public static JsonObject Of(Movement refund, Charge charge)
    {
        ArgumentNullException.ThrowIfNull(refund);
        ArgumentNullException.ThrowIfNull(charge);
        var json = new JsonObject
        {
            ["id"] = refund.Id,
            ["object"] = "refund",
            ["amount"] = refund.Amount,
            ["balance_transaction"] = refund.BalanceTransaction,
            ["charge"] = charge.Id,
            ["created"] = Seconds(refund.Created),
            ["currency"] = charge.Currency,
            ["customer"] = charge.Customer,
            ["destination_details"] = new JsonObject
            {
                ["card"] = new JsonObject { ["reference_status"] = "pending", ["reference_type"] = "acquirer_reference_number", ["type"] = "refund" },
                ["type"] = "card",
            },
            ["metadata"] = Map(refund.Metadata),
            ["payment_intent"] = charge.PaymentIntent,
            ["payment_method"] = charge.PaymentMethod,
            ["reason"] = refund.Reason,
            ["receipt_number"] = null,
            ["source_transfer_reversal"] = null,
            ["status"] = refund.Status switch
            {
                MovementStatus.Pending => "pending",
                MovementStatus.Succeeded => "succeeded",
                _ => "failed",
            },
            ["transfer_reversal"] = null,
        };
        if (refund.Status == MovementStatus.Failed)
        {
            json["failure_reason"] = refund.FailureReason;
            json["failure_balance_transaction"] = refund.FailureBalanceTransaction;
        }

        return json;
    }

    public static JsonObject Of(StoredCard card)
    {
        ArgumentNullException.ThrowIfNull(card);
        if (card.Card.Bank is not null)
        {
            return StripeCardJson.BankMethod(card);
        }

        return new JsonObject
        {
            ["id"] = card.Id,
            ["object"] = "payment_method",
            ["allow_redisplay"] = "unspecified",
            ["billing_details"] = StripeCardJson.BillingDetails(card.BillingDetails),
            ["card"] = new JsonObject
            {
                ["brand"] = card.Card.Brand,
                ["checks"] = StripeCardJson.Checks(card.Card, used: card.Owner is not null),
                ["country"] = card.Card.Country,
                ["display_brand"] = card.Card.Brand,
                ["exp_month"] = card.Card.ExpMonth,
                ["exp_year"] = card.Card.ExpYear,
                ["fingerprint"] = card.Card.Fingerprint,
                ["funding"] = card.Card.Funding,
                ["generated_from"] = null,
                ["last4"] = card.Card.Last4,
                ["networks"] = new JsonObject { ["available"] = new JsonArray(card.Card.Brand), ["preferred"] = null },
                ["three_d_secure_usage"] = new JsonObject { ["supported"] = card.Card.Brand is not "discover" },
                ["wallet"] = null,
            },
            ["created"] = Seconds(card.Created),
            ["customer"] = card.Owner,
            ["livemode"] = false,
            ["metadata"] = Map(card.Metadata),
            ["type"] = "card",
        };
    }

    public static JsonObject Of(StripeCustomer customer)
    {
        ArgumentNullException.ThrowIfNull(customer);
        return new JsonObject
        {
            ["id"] = customer.Id,
            ["object"] = "customer",
            ["address"] = null,
            ["balance"] = 0,
            ["created"] = Seconds(customer.Created),
            ["currency"] = null,
            ["default_source"] = null,
            ["delinquent"] = false,
            ["description"] = customer.Description,
            ["email"] = customer.Email,
            ["invoice_settings"] = new JsonObject { ["custom_fields"] = null, ["default_payment_method"] = null, ["footer"] = null, ["rendering_options"] = null },
            ["livemode"] = false,
            ["metadata"] = Map(customer.Metadata),
            ["name"] = customer.Name,
            ["phone"] = null,
            ["preferred_locales"] = new JsonArray(),
            ["shipping"] = null,
            ["tax_exempt"] = "none",
            ["test_clock"] = null,
        };
    }

    public static JsonObject Of(BalanceTransaction transaction)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        return new JsonObject
        {
            ["id"] = transaction.Id,
            ["object"] = "balance_transaction",
            ["amount"] = transaction.Amount,
            ["available_on"] = Seconds(transaction.Created.AddDays(2)),
            ["balance_type"] = "payments",
            ["created"] = Seconds(transaction.Created),
            ["currency"] = transaction.Currency,
            ["description"] = null,
            ["exchange_rate"] = null,
            ["fee"] = transaction.Fee,
            ["fee_details"] = transaction.Fee == 0
                ? []
                : new JsonArray(new JsonObject { ["amount"] = transaction.Fee, ["application"] = null, ["currency"] = transaction.Currency, ["description"] = "Stripe processing fees", ["type"] = "stripe_fee" }),
            ["net"] = transaction.Amount - transaction.Fee,
            ["reporting_category"] = transaction.Type,
            ["source"] = transaction.Source,
            ["status"] = "pending",
            ["type"] = transaction.Type is "dispute" or "dispute_reversal" ? "adjustment" : transaction.Type,
        };
    }

    private static JsonObject? Error(Failure? failure, string? charge, StoredCard? method)
    {
        if (failure is null)
        {
            return null;
        }

        var error = new JsonObject { ["code"] = failure.Code, ["doc_url"] = $"https://stripe.com/docs/error-codes/{failure.Code.Replace('_', '-')}", ["message"] = failure.Message };
        if (charge is not null)
        {
            error["charge"] = charge;
        }

        if (failure.DeclineCode is not null)
        {
            error["decline_code"] = failure.DeclineCode;
        }

        if (StripeError.ParamOf(failure.Code) is { } param)
        {
            error["param"] = param;
        }

        if (method is not null)
        {
            error["payment_method"] = Of(method);
        }

        error["type"] = failure.Code == "payment_intent_authentication_failure" ? "invalid_request_error" : "card_error";
        return error;
    }

    private static JsonObject? NextAction(PaymentIntent intent)
    {
        if (intent.Status != "requires_action")
        {
            return null;
        }

        return intent.ReturnUrl is null
            ? new JsonObject { ["type"] = "use_stripe_sdk", ["use_stripe_sdk"] = new JsonObject { ["type"] = "three_d_secure_redirect", ["stripe_js"] = intent.ActionUrl, ["source"] = intent.PaymentMethod } }
            : new JsonObject { ["redirect_to_url"] = new JsonObject { ["return_url"] = intent.ReturnUrl, ["url"] = intent.ActionUrl }, ["type"] = "redirect_to_url" };
    }
}
