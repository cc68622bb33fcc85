using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Payments.Connectors.Wire;
using Payments.Core;

namespace Payments.Connectors.Adyen;

/// <summary>Adyen's notifications: each item carries a signature of its own; one that is wrong condemns the whole notice.</summary>
internal sealed class AdyenWebhook(Mode mode, AdyenAccount account, ILogger<AdyenConnector> logger)
{
    private const string OfferClosed = "OFFER_CLOSED";

    public ProviderNotice? Read(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return Read(document.RootElement);
        }
        catch (JsonException)
        {
            Log.WebhookUnreadable(logger, Provider.Adyen, mode, "not JSON");
            return null;
        }
    }

    /// <summary>What is signed: eight fields joined by colons.</summary>
    public static string Sign(string hmacKey, string data) =>
        Convert.ToBase64String(HMACSHA256.HashData(Convert.FromHexString(hmacKey), Encoding.UTF8.GetBytes(data)));

    private ProviderNotice? Read(JsonElement root)
    {
        if (root.Items("notificationItems") is not { } wrapped)
        {
            Log.WebhookUnreadable(logger, Provider.Adyen, mode, "no items");
            return null;
        }

        var facts = new List<ProviderFact>();
        foreach (var wrapper in wrapped)
        {
            if (wrapper.Object("NotificationRequestItem") is not { } item || !IsSigned(item))
            {
                return null;
            }

            facts.Add(Fact(item));
        }

        // The signature covers the merchant account but not this flag; a mismatch is a misconfigured endpoint.
        if (root.Text("live") is { } live && live != (mode == Mode.Live ? "true" : "false"))
        {
            Log.WebhookUnreadable(logger, Provider.Adyen, mode, "a notice of the other mode");
            return null;
        }

        return facts.Count > 0 ? new ProviderNotice(Provider.Adyen, mode, facts) : null;
    }

    private bool IsSigned(JsonElement item)
    {
        if (item.Object("additionalData").Text("hmacSignature") is not { } given || item.Text("merchantAccountCode") != account.MerchantAccount)
        {
            return false;
        }

        var amount = item.Object("amount");
        var value = amount.Number("value")?.ToString(CultureInfo.InvariantCulture) ?? "";
        var data = string.Join(
            ':',
            item.Text("pspReference"), item.Text("originalReference"), item.Text("merchantAccountCode"), item.Text("merchantReference"),
            value, amount.Text("currency"), item.Text("eventCode"), item.Text("success"));
        return CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given), Encoding.UTF8.GetBytes(Sign(account.HmacKey, data)));
    }

    private ProviderFact Fact(JsonElement item)
    {
        var psp = item.Text("pspReference") ?? "";
        var original = item.Text("originalReference");
        var code = item.Text("eventCode") ?? "";
        var success = item.Text("success") == "true";
        DateTimeOffset? happenedAt = DateTimeOffset.TryParse(item.Text("eventDate"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var told) ? told.ToUniversalTime() : null;
        var dispute = AdyenDisputes.FactOf(code, success, item, psp, happenedAt);
        var kind = dispute is not null ? ProviderFactKind.Dispute : Kind(code, success);
        var additional = item.Object("additionalData");
        var isAuthorization = code == "AUTHORISATION";
        var refusal = kind == ProviderFactKind.AuthorizationDeclined ? AdyenDeclines.OfRefusal(code == OfferClosed ? code : null, item.Text("reason")) : null;
        return new ProviderFact($"{psp}:{code}:{(success ? "true" : "false")}", kind, string.IsNullOrEmpty(original) ? psp : original)
        {
            ModificationReference = isAuthorization || code == OfferClosed ? null : psp,
            AttemptId = Id.TryParse<AttemptId>(item.Text("merchantReference"), out var attempt) ? attempt : null,
            PaymentId = Id.TryParse<PaymentId>(additional.Text("metadata.payment_id"), out var payment) ? payment : null,
            Amount = item.Object("amount") is { } amount && amount.Number("value") is { } minor && Currency.TryFind(amount.Text("currency"), out var currency) ? new Money(minor, currency) : null,
            Captured = isAuthorization ? success && additional.Text("metadata.capture") == "automatic" : kind == ProviderFactKind.CaptureSucceeded || code == "CAPTURE_FAILED",
            Authentication = refusal is null && !isAuthorization ? null : AuthenticationReading.OfDecline(AdyenAuthentication.Of(additional), refusal),
            Decline = kind == ProviderFactKind.AuthorizationDeclined
                ? refusal
                : kind is ProviderFactKind.RefundFailed or ProviderFactKind.VoidFailed ? AdyenDeclines.OfModification(code, item.Text("reason"), !string.IsNullOrEmpty(original)) : null,
            OccurredAt = happenedAt,
            Dispute = dispute,
            RawType = code,
            Charge = kind == ProviderFactKind.AuthorizationApproved ? ChargeOf(item, psp) : null,
        };
    }

    /// <summary>Adyen has no list of charges: its word for an authorization is all that there is. Null where our books cannot express it.</summary>
    private ProviderCharge? ChargeOf(JsonElement item, string psp)
    {
        var amount = item.Object("amount");
        if (psp.Length == 0 || amount.Number("value") is not (> 0 and { } minor) || !Currency.TryFind(amount.Text("currency"), out var currency)
            || !DateTimeOffset.TryParse(item.Text("eventDate"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at))
        {
            return null;
        }

        var additional = item.Object("additionalData");
        var isAutomatic = additional.Text("metadata.capture") == "automatic";
        return new ProviderCharge(Provider.Adyen, mode, psp, minor, currency.Code, isAutomatic ? ChargeState.Taken : ChargeState.Held, at.ToUniversalTime())
        {
            CapturedMinor = isAutomatic ? minor : 0,
            CaptureMethod = isAutomatic ? CaptureMethod.Automatic : CaptureMethod.Manual,
            AttemptId = Id.TryParse<AttemptId>(item.Text("merchantReference"), out var attempt) ? attempt : null,
            PaymentId = Id.TryParse<PaymentId>(additional.Text("metadata.payment_id"), out var payment) ? payment : null,
            MerchantId = Id.TryParse<MerchantId>(additional.Text("metadata.merchant_id"), out var merchant) ? merchant : null,
            Card = CardFacts.View(
                additional.Text("paymentMethod") ?? item.Text("paymentMethod"), additional.Text("cardSummary"), additional.Text("cardIssuingCountry"),
                additional.Text("fundingSource")?.ToLowerInvariant()),
        };
    }

    private static ProviderFactKind Kind(string code, bool success) => (code, success) switch
    {
        ("AUTHORISATION", true) => ProviderFactKind.AuthorizationApproved,
        ("AUTHORISATION", false) => ProviderFactKind.AuthorizationDeclined,

        // The customer never finished, so there will be no authorization. (A false one never closed, and is no news.)
        (OfferClosed, true) => ProviderFactKind.AuthorizationDeclined,
        ("CAPTURE", true) => ProviderFactKind.CaptureSucceeded,
        ("CAPTURE", false) or ("CAPTURE_FAILED", _) => ProviderFactKind.CaptureFailed,
        ("CANCELLATION" or "TECHNICAL_CANCEL", true) => ProviderFactKind.VoidSucceeded,

        // What was left of the hold ran out.
        ("EXPIRE", true) => ProviderFactKind.AuthorizationCancelled,
        ("CANCELLATION" or "TECHNICAL_CANCEL", false) => ProviderFactKind.VoidFailed,
        ("REFUND", true) => ProviderFactKind.RefundSucceeded,
        ("REFUND", false) or ("REFUND_FAILED" or "REFUNDED_REVERSED", _) => ProviderFactKind.RefundFailed,
        ("NOTIFICATION_OF_FRAUD", _) => ProviderFactKind.FraudWarning,
        ("REPORT_AVAILABLE", true) => ProviderFactKind.ReportAvailable,
        _ => ProviderFactKind.Other,
    };
}
