using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Payments.Simulators.Books;
using Payments.Simulators.Disputes;
using Payments.Simulators.Webhooks;
using Payments.Simulators.Wire;

namespace Payments.Simulators.Adyen;

/// <summary>Webhook items: what is told, and how it is signed.</summary>
public sealed class AdyenNotifications(Settings settings)
{
    public void Authorisation(Transaction books, Charge charge, bool isSuccess, string reason)
    {
        ArgumentNullException.ThrowIfNull(charge);
        var additional = AdyenJson.AdditionalData(charge);
        foreach (var (name, value) in charge.Metadata)
        {
            additional[$"metadata.{name}"] = value;
        }

        Tell(books, "AUTHORISATION", isSuccess, (charge.Id, null), charge.Reference, (charge.Amount, charge.Currency), AdyenJson.Brand(charge.Card), reason, additional);
    }

    /// <summary>The outcome of a modification, which has a reference of its own.</summary>
    public void Modification(Transaction books, Charge charge, Movement movement, string eventCode, bool isSuccess, string reason)
    {
        ArgumentNullException.ThrowIfNull(charge);
        ArgumentNullException.ThrowIfNull(movement);
        Tell(books, eventCode, isSuccess, (movement.Id, charge.Id), movement.Reference ?? charge.Reference, (movement.Amount, charge.Currency), AdyenJson.Brand(charge.Card), reason, Movement.NoMetadata);
    }

    /// <summary>The outcome of a cancellation by the merchant's reference, which may have found nothing.</summary>
    public void TechnicalCancel(Transaction books, Charge? charge, PendingTurn cancel, bool isSuccess, string reason)
    {
        ArgumentNullException.ThrowIfNull(cancel);
        Tell(books, "TECHNICAL_CANCEL", isSuccess, (cancel.Movement!, charge?.Id), cancel.Reference ?? cancel.Charge, (charge?.Amount ?? 0, charge?.Currency ?? "EUR"), charge is null ? null : AdyenJson.Brand(charge.Card), reason, Movement.NoMetadata);
    }

    /// <summary>What was not captured in time is held no more.</summary>
    public void Expired(Transaction books, Charge charge)
    {
        ArgumentNullException.ThrowIfNull(charge);
        Tell(books, "EXPIRE", isSuccess: true, (Identifiers.Psp(), charge.Id), charge.Reference, (charge.Amount - charge.AmountCaptured, charge.Currency), AdyenJson.Brand(charge.Card), "", Movement.NoMetadata);
    }

    /// <summary>The shopper never finished: there will be no authorization.</summary>
    public void OfferClosed(Transaction books, Charge charge)
    {
        ArgumentNullException.ThrowIfNull(charge);
        Tell(books, "OFFER_CLOSED", isSuccess: true, (charge.Id, null), charge.Reference, (charge.Amount, charge.Currency), AdyenJson.Brand(charge.Card), "", Movement.NoMetadata);
    }

    /// <summary>A step of a dispute: all of one dispute have its reference.</summary>
    public void Dispute(Transaction books, Charge charge, IssuerDispute dispute, string eventCode)
    {
        ArgumentNullException.ThrowIfNull(charge);
        ArgumentNullException.ThrowIfNull(dispute);
        var isInquiry = eventCode == "REQUEST_FOR_INFORMATION";
        var additional = new Dictionary<string, string>
        {
            ["disputeStatus"] = dispute.Status switch
            {
                IssuerStatus.Warning => "Unresponded",
                IssuerStatus.NeedsResponse => "Undefended",
                IssuerStatus.UnderReview => dispute.IsInquiry ? "Responded" : "Pending",
                var ended => ended.ToString(),
            },
            ["defendable"] = dispute.IsOpen ? "true" : "false",
            ["defensePeriodEndsAt"] = dispute.DueBy.ToString("yyyy-MM-dd'T'HH:mm:ss.fffzzz", CultureInfo.InvariantCulture),
            [isInquiry ? "rfiReasonCode" : "chargebackReasonCode"] = dispute.Reason switch { "fraudulent" => "10.4", "product_not_received" => "13.1", "duplicate" => "12.6.1", _ => "13.3" },
            [isInquiry ? "rfiSchemeCode" : "chargebackSchemeCode"] = "visa",
        };
        Tell(books, eventCode, isSuccess: true, (dispute.Id, charge.Id), charge.Reference, (dispute.Amount, dispute.Currency), AdyenJson.Brand(charge.Card), "", additional);
    }

    public static JsonObject Json(AdyenNotification told, string merchantAccount, string hmacKey)
    {
        ArgumentNullException.ThrowIfNull(told);
        var additional = AdyenJson.Map(told.AdditionalData);
        additional["hmacSignature"] = Sign(
            hmacKey,
            $"{told.PspReference}:{told.OriginalReference}:{merchantAccount}:{told.MerchantReference}:{told.Value.ToString(CultureInfo.InvariantCulture)}:{told.Currency}:{told.EventCode}:{(told.Success ? "true" : "false")}");
        var item = new JsonObject
        {
            ["additionalData"] = additional,
            ["amount"] = AdyenJson.Amount(told.Value, told.Currency),
            ["eventCode"] = told.EventCode,
            ["eventDate"] = told.Created.ToString("yyyy-MM-dd'T'HH:mm:sszzz", CultureInfo.InvariantCulture),
            ["merchantAccountCode"] = merchantAccount,
            ["merchantReference"] = told.MerchantReference ?? "",
        };
        if (told.EventCode == "AUTHORISATION" && told.Success)
        {
            item["operations"] = new JsonArray("CANCEL", "CAPTURE", "REFUND");
        }

        if (told.OriginalReference is not null)
        {
            item["originalReference"] = told.OriginalReference;
        }

        item["paymentMethod"] = told.PaymentMethod;
        item["pspReference"] = told.PspReference;
        item["reason"] = told.Reason ?? "";
        item["success"] = told.Success ? "true" : "false";
        return new JsonObject
        {
            ["live"] = "false",
            ["notificationItems"] = new JsonArray(new JsonObject { ["NotificationRequestItem"] = item }),
        };
    }

    /// <summary>Base64 of HMAC-SHA256 under the hexadecimal key.</summary>
    public static string Sign(string hmacKey, string data) =>
        Convert.ToBase64String(HMACSHA256.HashData(Convert.FromHexString(hmacKey), Encoding.UTF8.GetBytes(data)));

    private void Tell(
        Transaction books,
        string eventCode,
        bool isSuccess,
        (string Psp, string? Original) references,
        string? merchantReference,
        (long Value, string Currency) amount,
        string? paymentMethod,
        string reason,
        IReadOnlyDictionary<string, string> additionalData)
    {
        if (settings.AdyenWebhookUrl is not { } url)
        {
            return;
        }

        var told = books.Put(new AdyenNotification
        {
            Id = $"{references.Psp}:{eventCode}",
            EventCode = eventCode,
            Success = isSuccess,
            PspReference = references.Psp,
            OriginalReference = references.Original,
            MerchantReference = merchantReference,
            Value = amount.Value,
            Currency = amount.Currency,
            PaymentMethod = paymentMethod,
            Reason = reason,
            Created = books.Now,
            AdditionalData = additionalData,
        });
        books.Put(Delivery.New(Providers.Adyen, told.Id, url, books.Now));
    }
}
