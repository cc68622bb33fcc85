using System.Text.Json;
using Payments.Connectors.Wire;
using Payments.Core;

namespace Payments.Connectors.Stripe;

/// <summary>Stripe's own record of its charges: listed by time, because a charge is made when the money moves; read by intent.</summary>
internal sealed class StripeChargeBook(Mode mode, StripeClient client)
{
    public async Task<ChargePage> ListAsync(ChargeListCall call, CancellationToken cancellationToken)
    {
        var query = new StripeForm()
            .Add("created[gte]", call.From.ToUnixTimeSeconds())
            .Add("created[lte]", call.Until.ToUnixTimeSeconds())
            .Add("limit", 100)
            .Add("starting_after", call.After);
        var answer = await client.GetAsync("v1/charges", query, cancellationToken);
        if (!answer.IsSuccess || answer.Body?.Items("data")?.ToList() is not { } data || answer.Body?.Flag("has_more") is not { } more)
        {
            return ChargePage.Without(ReadBackKind.Unanswered);
        }

        var next = more && data.Count > 0 ? data[^1].Text("id") : null;
        return !more || next is not null && next != call.After
            ? new ChargePage(ReadBackKind.Found, [.. data.Select(Mention).OfType<ChargeMention>()], next)
            : ChargePage.Without(ReadBackKind.Unanswered);
    }

    public async Task<ChargeReading> ReadAsync(string reference, CancellationToken cancellationToken)
    {
        var answer = await client.GetAsync($"v1/payment_intents/{Uri.EscapeDataString(reference)}", new StripeForm().Add("expand[0]", "latest_charge"), cancellationToken);
        if (answer is not { IsSuccess: true, Body: { } intent })
        {
            return new ChargeReading(answer is { Result: WireResult.Answered, Status: 404 } ? ReadBackKind.NotFound : ReadBackKind.Unanswered);
        }

        if (ChargeOf(intent) is not { } charge)
        {
            return new ChargeReading(ReadBackKind.Found);
        }

        if (intent.Object("latest_charge").Number("amount_refunded") is not > 0 || charge.CapturedMinor == 0)
        {
            return new ChargeReading(ReadBackKind.Found, charge);
        }

        var refunds = new List<ProviderRefund>();
        var (_, broken) = await client.FindAsync(
            "v1/refunds",
            () => new StripeForm().Add("payment_intent", reference),
            refund =>
            {
                if (refund.Text("status") == "succeeded" && refund.Text("id") is { } id && refund.Number("amount") is { } amount)
                {
                    refunds.Add(new ProviderRefund(id, amount, ((JsonElement?)refund).UnixTime("created")));
                }

                return false;
            },
            cancellationToken);
        return broken is null ? new ChargeReading(ReadBackKind.Found, charge with { Refunds = refunds }) : new ChargeReading(ReadBackKind.Unanswered);
    }

    private static ChargeMention? Mention(JsonElement charge) =>
        charge.Flag("paid") == true && (charge.TextOrId("payment_intent") ?? charge.Text("id")) is { } reference
            ? new ChargeMention(reference, Echoed<AttemptId>(charge, StripeOutcomes.AttemptKey))
            : null;

    /// <summary>Null where our books cannot express it.</summary>
    private ProviderCharge? ChargeOf(JsonElement intent)
    {
        if (intent.Text("id") is not { } id || intent.Number("amount") is not (> 0 and { } amount) || ((JsonElement?)intent).UnixTime("created") is not { } created
            || !Currency.TryFind(intent.Text("currency")?.ToUpperInvariant(), out var currency)
            || intent.Flag("livemode") != (mode == Mode.Live))
        {
            return null;
        }

        var captured = intent.Number("amount_received") ?? 0;
        var card = intent.Object("latest_charge").Object("payment_method_details").Object("card");
        return new ProviderCharge(Provider.Stripe, mode, id, amount, currency.Code, StateOf(intent.Text("status"), captured), created)
        {
            CapturedMinor = captured,
            CaptureMethod = intent.Text("capture_method") == "manual" ? CaptureMethod.Manual : CaptureMethod.Automatic,
            AttemptId = Echoed<AttemptId>(intent, StripeOutcomes.AttemptKey),
            PaymentId = Echoed<PaymentId>(intent, StripeOutcomes.PaymentKey),
            MerchantId = Echoed<MerchantId>(intent, StripeOutcomes.MerchantKey),
            Card = intent.Object("latest_charge").Object("payment_method_details").Object(StripeDebits.MethodType) is { } account ? StripeDebits.View(account) : CardFacts.View(card.Text("brand"), card.Text("last4"), card.Text("country"), card.Text("funding")),
            Description = intent.Text("description") is { Length: > 0 and <= 500 } description ? description : null,
            CaptureBefore = card.UnixTime("capture_before"),
        };
    }

    private static ChargeState StateOf(string? status, long captured) => status switch
    {
        "succeeded" => ChargeState.Taken,
        "requires_capture" => ChargeState.Held,
        "canceled" => captured > 0 ? ChargeState.Taken : ChargeState.Released,
        _ => ChargeState.Nothing,
    };

    private static TId? Echoed<TId>(JsonElement about, string key)
        where TId : struct, IId<TId> => Id.TryParse<TId>(about.Object("metadata").Text(key), out var id) ? id : null;
}
