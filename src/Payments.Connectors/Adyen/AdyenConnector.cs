using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Payments.Connectors.Wire;
using Payments.Core;

namespace Payments.Connectors.Adyen;

/// <summary>
/// Adyen's Checkout API. The attempt's id is the reference and the idempotency key. Adyen cannot be asked what became of a
/// request: an unknown outcome waits for the webhook (or the report).
/// </summary>
internal sealed class AdyenConnector(Mode mode, AdyenAccount account, ProviderWire wire, ILogger<AdyenConnector> logger) : IConnector
{
    private readonly AdyenClient client = new(account, wire);
    private readonly AdyenTokens tokens = new(new AdyenClient(account, wire));
    private readonly AdyenDisputes disputes = new(new AdyenClient(account, wire));
    private readonly AdyenWebhook webhook = new(mode, account, logger);

    public Provider Provider => Provider.Adyen;

    public Mode Mode => mode;

    public Capabilities Capabilities { get; } = new(
        PartialCapture: true,
        MultipleCaptures: true,
        OverCapture: false,
        VoidAfterPartialCapture: false,
        ListsCharges: false);

    public async Task<Outcome> AuthorizeAsync(AuthorizeCall call, CancellationToken cancellationToken)
    {
        Invariant.Holds(call.Mode == Mode, "a connector serves one mode");
        if (!AdyenTokens.TryRead(call.ProviderToken, out var shopper, out var stored))
        {
            return new Outcome(OutcomeKind.Declined) { Decline = AdyenDeclines.OfError("803"), Detail = "unreadable provider token" };
        }

        var body = new JsonObject
        {
            ["merchantAccount"] = client.MerchantAccount,
            ["amount"] = Amount(call.Amount),
            ["reference"] = call.AttemptId.ToString(),
            ["paymentMethod"] = new JsonObject { ["type"] = "scheme", ["storedPaymentMethodId"] = stored },
            ["shopperReference"] = shopper,
            ["shopperInteraction"] = call.CustomerPresent ? "Ecommerce" : "ContAuth",
            ["recurringProcessingModel"] = call.CustomerPresent ? "CardOnFile" : "UnscheduledCardOnFile",
            ["channel"] = "Web",
            ["returnUrl"] = call.ReturnUrl,
            ["additionalData"] = new JsonObject { ["manualCapture"] = call.CaptureNow ? "false" : "true" },
            ["metadata"] = new JsonObject
            {
                ["attempt_id"] = call.AttemptId.ToString(),
                ["payment_id"] = call.PaymentId.ToString(),
                ["merchant_id"] = call.MerchantId.ToString(),
                ["capture"] = call.CaptureNow ? "automatic" : "manual",
            },
        };
        if (call.StatementDescriptor is { } descriptor)
        {
            body["shopperStatement"] = descriptor;
        }

        AdyenAuthentication.Request(body, call.ThreeDSecure, call.Exemption);
        var answer = await client.PostAsync("payments", body, call.AttemptId.ToString(), cancellationToken);
        return answer is { IsSuccess: true, Body: { } payment } ? AdyenOutcomes.OfPayment(payment, call.Amount, call.CaptureNow) : AdyenOutcomes.OfFailure(answer);
    }

    public async Task<Outcome> CompleteChallengeAsync(ChallengeCall call, CancellationToken cancellationToken)
    {
        Invariant.Holds(call.Mode == Mode, "a connector serves one mode");
        var details = new JsonObject();
        foreach (var name in new[] { "redirectResult", "MD", "PaRes" })
        {
            if (call.Query.TryGetValue(name, out var value) && value.Length is > 0 and <= 20_000)
            {
                details[name] = value;
            }
        }

        if (details.Count == 0)
        {
            // The browser came back with nothing; the shopper may still finish. Only the webhook or the expiry can tell.
            return new Outcome(OutcomeKind.NeedsAction) { PaymentReference = call.PaymentReference, Detail = "the return page was called without a result" };
        }

        // Another result of the same challenge is another request, so it needs another key.
        var digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(details.ToJsonString())))[..16];
        var answer = await client.PostAsync("payments/details", new JsonObject { ["details"] = details }, $"{call.AttemptId}-{digest}", cancellationToken);
        if (answer is { IsSuccess: true, Body: { } payment })
        {
            return AdyenOutcomes.OfPayment(payment, call.Amount, call.CaptureNow);
        }

        // A forged or stale result refuses this call, not the payment, whose challenge stays open until it ends at Adyen.
        var outcome = AdyenOutcomes.OfFailure(answer);
        return outcome.Kind == OutcomeKind.Declined
            ? new Outcome(OutcomeKind.NeedsAction) { PaymentReference = call.PaymentReference, Detail = $"the result was not accepted: {outcome.Detail}" }
            : outcome;
    }

    public Task<Outcome> CaptureAsync(ModifyCall call, CancellationToken cancellationToken) => ModifyAsync(call, "captures", withAmount: true, cancellationToken);

    public async Task<Outcome> VoidAsync(ModifyCall call, CancellationToken cancellationToken)
    {
        Invariant.Holds(call.Mode == Mode, "a connector serves one mode");
        if (!Id.TryParse<AttemptId>(call.PaymentReference, out _))
        {
            return await ModifyAsync(call, "cancels", withAmount: false, cancellationToken);
        }

        // Adyen's reference never arrived: cancel by ours.
        var body = new JsonObject
        {
            ["merchantAccount"] = client.MerchantAccount,
            ["paymentReference"] = call.PaymentReference,
            ["reference"] = call.AttemptId.ToString(),
        };
        return AdyenOutcomes.OfModification(await client.PostAsync("cancels", body, call.AttemptId.ToString(), cancellationToken));
    }

    public Task<Outcome> RefundAsync(ModifyCall call, CancellationToken cancellationToken) => ModifyAsync(call, "refunds", withAmount: true, cancellationToken);

    /// <summary>No query by key or reference exists.</summary>
    public Task<ReadBack> ReadAsync(ReadCall call, CancellationToken cancellationToken) => Task.FromResult(new ReadBack(ReadBackKind.CannotAsk));

    /// <summary>No list exists: webhooks and reports are the source.</summary>
    public Task<ChargePage> ListChargesAsync(ChargeListCall call, CancellationToken cancellationToken) => Task.FromResult(ChargePage.Without(ReadBackKind.CannotAsk));

    public Task<ChargeReading> ReadChargeAsync(string reference, CancellationToken cancellationToken) => Task.FromResult(new ChargeReading(ReadBackKind.CannotAsk));

    public Task<Outcome> AnswerDisputeAsync(DisputeCall call, CancellationToken cancellationToken)
    {
        Invariant.Holds(call.Mode == Mode, "a connector serves one mode");
        return disputes.AnswerAsync(call, cancellationToken);
    }

    public Task<ReadBack> ReadDisputeAsync(DisputeCall call, CancellationToken cancellationToken) => disputes.ReadAsync(call, cancellationToken);

    public Task<Tokenisation> TokeniseAsync(TokeniseCall call, CancellationToken cancellationToken)
    {
        Invariant.Holds(call.Mode == Mode, "a connector serves one mode");
        return tokens.TokeniseAsync(call, cancellationToken);
    }

    public Task<bool> DetachAsync(Mode mode, string providerToken, CancellationToken cancellationToken)
    {
        Invariant.Holds(mode == Mode, "a connector serves one mode");
        return tokens.DetachAsync(providerToken, cancellationToken);
    }

    public async Task<bool> ProbeAsync(CancellationToken cancellationToken)
    {
        var answer = await client.PostAsync("paymentMethods", new JsonObject { ["merchantAccount"] = client.MerchantAccount }, key: null, cancellationToken);
        return answer is { IsSuccess: true, Body: not null };
    }

    public ProviderNotice? ReadWebhook(IReadOnlyDictionary<string, string> headers, ReadOnlyMemory<byte> body) => webhook.Read(body);

    private async Task<Outcome> ModifyAsync(ModifyCall call, string what, bool withAmount, CancellationToken cancellationToken)
    {
        Invariant.Holds(call.Mode == Mode, "a connector serves one mode");
        var body = new JsonObject { ["merchantAccount"] = client.MerchantAccount, ["reference"] = call.AttemptId.ToString() };
        if (withAmount)
        {
            body["amount"] = Amount(call.Amount);
        }

        var path = $"payments/{Uri.EscapeDataString(call.PaymentReference)}/{what}";
        return AdyenOutcomes.OfModification(await client.PostAsync(path, body, call.AttemptId.ToString(), cancellationToken));
    }

    private static JsonObject Amount(Money amount) => new() { ["currency"] = amount.Currency.Code, ["value"] = amount.Minor };
}
