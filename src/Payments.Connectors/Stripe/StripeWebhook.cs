using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Payments.Connectors.Wire;
using Payments.Core;

namespace Payments.Connectors.Stripe;

/// <summary>Stripe's events: signature first, then facts.</summary>
internal sealed class StripeWebhook(Mode mode, string secret, TimeProvider time, ILogger<StripeConnector> logger)
{
    private static readonly TimeSpan Tolerance = TimeSpan.FromSeconds(300);

    public ProviderNotice? Read(IReadOnlyDictionary<string, string> headers, ReadOnlyMemory<byte> body)
    {
        var signature = headers.FirstOrDefault(h => h.Key.Equals("Stripe-Signature", StringComparison.OrdinalIgnoreCase)).Value;
        if (!IsSigned(signature, body.Span))
        {
            return null;
        }

        try
        {
            using var document = JsonDocument.Parse(body);
            return Facts(document.RootElement);
        }
        catch (JsonException)
        {
            Log.WebhookUnreadable(logger, Provider.Stripe, mode, "not JSON");
            return null;
        }
    }

    /// <summary><c>t=…,v1=…</c> over <c>t.body</c>; several v1 while a secret is rolled; the time within five minutes of ours.</summary>
    private bool IsSigned(string? header, ReadOnlySpan<byte> body)
    {
        if (header is null)
        {
            return false;
        }

        string? timestamp = null;
        var signatures = new List<byte[]>();
        foreach (var part in header.Split(','))
        {
            var pair = part.Trim().Split('=', 2);
            if (pair is ["t", var t])
            {
                timestamp = t;
            }
            else if (pair is ["v1", { Length: 64 } v1] && v1.All(char.IsAsciiHexDigit))
            {
                signatures.Add(Convert.FromHexString(v1));
            }
        }

        if (!long.TryParse(timestamp, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            || Math.Abs(time.GetUtcNow().ToUnixTimeSeconds() - seconds) > Tolerance.TotalSeconds)
        {
            return false;
        }

        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(secret));
        hmac.AppendData(Encoding.UTF8.GetBytes(timestamp + "."));
        hmac.AppendData(body);
        var expected = hmac.GetHashAndReset();
        return signatures.Any(s => CryptographicOperations.FixedTimeEquals(s, expected));
    }

    private ProviderNotice? Facts(JsonElement evt)
    {
        if (evt.Text("id") is not { } id || evt.Text("type") is not { } type || evt.Object("data").Object("object") is not { } about)
        {
            Log.WebhookUnreadable(logger, Provider.Stripe, mode, "no id, type or object");
            return null;
        }

        if (evt.Flag("livemode") is { } live && live != (mode == Mode.Live))
        {
            Log.WebhookUnreadable(logger, Provider.Stripe, mode, "an event of the other mode");
            return null;
        }

        JsonElement? whole = evt;
        var at = whole.UnixTime("created");
        var facts = about.Text("object") switch
        {
            "payment_intent" => OfIntent(id, type, about),
            "refund" => [OfRefund(id, type, about)],
            "dispute" when StripeDisputes.FactOf(type, about, at) is { } dispute && type.StartsWith("charge.dispute.", StringComparison.Ordinal) =>
                [new ProviderFact(id, ProviderFactKind.Dispute, about.TextOrId("payment_intent") ?? "") { ModificationReference = dispute.Reference, Dispute = dispute }],
            "radar.early_fraud_warning" when about.TextOrId("payment_intent") is { } suspected && type == "radar.early_fraud_warning.created" => [new ProviderFact(id, ProviderFactKind.FraudWarning, suspected)],
            _ => [new ProviderFact(id, ProviderFactKind.Other, about.TextOrId("payment_intent") ?? about.Text("id") ?? "")],
        };
        return new ProviderNotice(Provider.Stripe, mode, [.. facts.Select(f => f with { OccurredAt = at, RawType = type })]);
    }

    private static IEnumerable<ProviderFact> OfIntent(string id, string type, JsonElement intent)
    {
        var byMerchant = intent.Text("capture_method") == "manual";
        var fact = new ProviderFact(id, ProviderFactKind.Other, intent.Text("id") ?? "")
        {
            AttemptId = Id.TryParse<AttemptId>(intent.Object("metadata").Text(StripeOutcomes.AttemptKey), out var attempt) ? attempt : null,
            PaymentId = PaymentOf(intent),
            Amount = AmountOf(intent, "amount"),
        };
        return type switch
        {
            "payment_intent.succeeded" when byMerchant => Captures(id, intent, fact),
            "payment_intent.succeeded" => [fact with { Kind = ProviderFactKind.AuthorizationApproved, Captured = true }],
            "payment_intent.amount_capturable_updated" when intent.Number("amount_received") is > 0 => Captures(id, intent, fact),
            "payment_intent.amount_capturable_updated" => [fact with { Kind = ProviderFactKind.AuthorizationApproved }],
            "payment_intent.payment_failed" => [Declined(fact, StripeOutcomes.DeclineOf(intent))],
            "payment_intent.requires_action" => [fact with { Kind = ProviderFactKind.AuthorizationNeedsAction }],
            "payment_intent.canceled" => [fact with { Kind = ProviderFactKind.AuthorizationCancelled, AttemptId = null }],
            _ => [fact],
        };
    }

    private static ProviderFact Declined(ProviderFact fact, Decline decline) =>
        fact with { Kind = ProviderFactKind.AuthorizationDeclined, Decline = decline, Authentication = AuthenticationReading.OfDecline(null, decline) };

    /// <summary>Each capture of ours left a key with its attempt behind; a capture without one was made in Stripe's dashboard.</summary>
    private static IEnumerable<ProviderFact> Captures(string id, JsonElement intent, ProviderFact authorization)
    {
        var captured = authorization with { Kind = ProviderFactKind.CaptureSucceeded, Captured = true, AttemptId = null };
        var ours = new List<ProviderFact>();
        if (intent.Object("metadata") is { } metadata)
        {
            foreach (var entry in metadata.EnumerateObject())
            {
                if (entry.Name.StartsWith(StripeOutcomes.CaptureKey, StringComparison.Ordinal)
                    && Id.TryParse<AttemptId>(entry.Name[StripeOutcomes.CaptureKey.Length..], out var attempt)
                    && authorization.Amount is { } whole
                    && long.TryParse(entry.Value.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var minor))
                {
                    ours.Add(captured with { NoticeId = $"{id}:{attempt}", AttemptId = attempt, Amount = new Money(minor, whole.Currency) });
                }
            }
        }

        return ours.Count > 0 ? ours : [captured with { Amount = AmountOf(intent, "amount_received") }];
    }

    private static ProviderFact OfRefund(string id, string type, JsonElement refund)
    {
        var status = refund.Text("status");
        return new ProviderFact(
            id,
            status switch
            {
                "succeeded" => ProviderFactKind.RefundSucceeded,
                "failed" or "canceled" => ProviderFactKind.RefundFailed,
                _ => ProviderFactKind.Other,
            },
            refund.TextOrId("payment_intent") ?? "")
        {
            ModificationReference = refund.Text("id"),
            AttemptId = Id.TryParse<AttemptId>(refund.Object("metadata").Text(StripeOutcomes.AttemptKey), out var attempt) ? attempt : null,
            PaymentId = PaymentOf(refund),
            Amount = AmountOf(refund, "amount"),
            Decline = status is "failed" or "canceled" ? StripeDeclines.Of(refund.Text("failure_reason") ?? "unknown", null) : null,
            RawType = type,
        };
    }

    private static PaymentId? PaymentOf(JsonElement about) =>
        Id.TryParse<PaymentId>(about.Object("metadata").Text(StripeOutcomes.PaymentKey), out var payment) ? payment : null;

    private static Money? AmountOf(JsonElement about, string name) =>
        about.Number(name) is { } minor && Currency.TryFind(about.Text("currency")?.ToUpperInvariant(), out var currency) ? new Money(minor, currency) : null;
}
