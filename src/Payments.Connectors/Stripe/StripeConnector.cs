using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Payments.Connectors.Wire;
using Payments.Core;

namespace Payments.Connectors.Stripe;

/// <summary>
/// Stripe by PaymentIntents. A payment is one intent, created and confirmed in one call; the attempt's id is the idempotency key
/// and stands in the metadata, by which a lost answer is found again.
/// </summary>
internal sealed class StripeConnector : IConnector
{
    private readonly StripeClient client;
    private readonly StripeTokens tokens;
    private readonly StripeReadBack readBack;
    private readonly StripeChargeBook charges;
    private readonly StripeWebhook webhook;
    private readonly StripeDisputes disputes;

    public StripeConnector(Mode mode, StripeAccount account, ProviderWire wire, TimeProvider time, ILogger<StripeConnector> logger)
    {
        Mode = mode;
        client = new StripeClient(account, wire);
        tokens = new StripeTokens(client);
        readBack = new StripeReadBack(client);
        charges = new StripeChargeBook(mode, client);
        disputes = new StripeDisputes(client);
        webhook = new StripeWebhook(mode, account.WebhookSecret, time, logger);
    }

    public Provider Provider => Provider.Stripe;

    public Mode Mode { get; }

    public Capabilities Capabilities { get; } = new(
        PartialCapture: true,
        MultipleCaptures: true,
        OverCapture: false,
        VoidAfterPartialCapture: false,
        ListsCharges: true)
    { TakesEvidenceTexts = true, BankDebits = true };

    public async Task<Outcome> AuthorizeAsync(AuthorizeCall call, CancellationToken cancellationToken)
    {
        Invariant.Holds(call.Mode == Mode, "a connector serves one mode");
        if (!StripeTokens.TryRead(call.ProviderToken, out var customer, out var method))
        {
            return new Outcome(OutcomeKind.Declined) { Decline = StripeDeclines.Table.Of("resource_missing"), Detail = "unreadable provider token" };
        }

        if (call.Mandate is { } mandate)
        {
            return await StripeDebits.SubmitAsync(client, call, mandate, customer, method, cancellationToken);
        }

        var form = new StripeForm()
            .Add("amount", call.Amount.Minor)
            .Add("currency", call.Amount.Currency.Code.ToLowerInvariant())
            .Add("customer", customer)
            .Add("payment_method", method)
            .Add("payment_method_types[0]", "card")
            .Add("capture_method", call.CaptureNow ? "automatic" : "manual")
            .Add("payment_method_options[card][request_three_d_secure]", StripeAuthentication.Request(call.ThreeDSecure))
            .Add("payment_method_options[card][request_multicapture]", call.CaptureNow ? null : "if_available")
            .Add("confirm", "true")
            .Add("off_session", call.CustomerPresent ? null : "true")
            .Add("return_url", call.CustomerPresent ? call.ReturnUrl : null)
            .Add("description", call.Description)
            .Add("statement_descriptor_suffix", call.StatementDescriptor)
            .Add($"metadata[{StripeOutcomes.AttemptKey}]", call.AttemptId.ToString())
            .Add($"metadata[{StripeOutcomes.PaymentKey}]", call.PaymentId.ToString())
            .Add($"metadata[{StripeOutcomes.MerchantKey}]", call.MerchantId.ToString())
            .Add("expand[0]", "latest_charge");
        var answer = await client.PostAsync("v1/payment_intents", form, call.AttemptId.ToString(), cancellationToken);
        return answer is { IsSuccess: true, Body: { } intent } ? StripeOutcomes.OfIntent(intent, call.Amount) : StripeOutcomes.OfFailure(answer);
    }

    /// <summary>Stripe knows how its challenge ended; the query of the return page is not evidence, so the intent is read.</summary>
    public async Task<Outcome> CompleteChallengeAsync(ChallengeCall call, CancellationToken cancellationToken)
    {
        Invariant.Holds(call.Mode == Mode, "a connector serves one mode");
        if (call.PaymentReference is not { } intentId)
        {
            return new Outcome(OutcomeKind.Unknown) { Detail = "no reference of the intent" };
        }

        var answer = await client.GetAsync($"v1/payment_intents/{Uri.EscapeDataString(intentId)}", new StripeForm().Add("expand[0]", "latest_charge"), cancellationToken);
        return answer is { IsSuccess: true, Body: { } intent }
            ? StripeOutcomes.OfIntent(intent, call.Amount)
            : new Outcome(OutcomeKind.Unknown) { PaymentReference = intentId, Detail = answer.Detail };
    }

    public async Task<Outcome> CaptureAsync(ModifyCall call, CancellationToken cancellationToken)
    {
        Invariant.Holds(call.Mode == Mode, "a connector serves one mode");
        var form = new StripeForm()
            .Add("amount_to_capture", call.Amount.Minor)
            .Add("final_capture", call.Final ? null : "false")
            .Add($"metadata[{StripeOutcomes.CaptureKey}{call.AttemptId}]", call.Amount.Minor.ToString(CultureInfo.InvariantCulture));
        var answer = await client.PostAsync($"v1/payment_intents/{Uri.EscapeDataString(call.PaymentReference)}/capture", form, call.AttemptId.ToString(), cancellationToken);
        if (answer is not { IsSuccess: true, Body: { } intent })
        {
            return Reconsidered(answer, i => StripeOutcomes.WasCapturedBy(i, call.AttemptId));
        }

        return intent.Text("status") is "succeeded" or "requires_capture"
            ? new Outcome(OutcomeKind.Approved) { PaymentReference = intent.Text("id") }
            : new Outcome(OutcomeKind.Unknown) { PaymentReference = call.PaymentReference, Detail = $"status {intent.Text("status") ?? "missing"} after capture" };
    }

    public async Task<Outcome> VoidAsync(ModifyCall call, CancellationToken cancellationToken)
    {
        Invariant.Holds(call.Mode == Mode, "a connector serves one mode");
        var answer = await client.PostAsync($"v1/payment_intents/{Uri.EscapeDataString(call.PaymentReference)}/cancel", new StripeForm(), call.AttemptId.ToString(), cancellationToken);
        if (answer is not { IsSuccess: true, Body: { } intent })
        {
            return Reconsidered(answer, i => i.Text("status") == "canceled");
        }

        return intent.Text("status") == "canceled"
            ? new Outcome(OutcomeKind.Approved) { PaymentReference = intent.Text("id") }
            : new Outcome(OutcomeKind.Unknown) { PaymentReference = call.PaymentReference, Detail = $"status {intent.Text("status") ?? "missing"} after cancel" };
    }

    public async Task<Outcome> RefundAsync(ModifyCall call, CancellationToken cancellationToken)
    {
        Invariant.Holds(call.Mode == Mode, "a connector serves one mode");
        var form = new StripeForm()
            .Add("payment_intent", call.PaymentReference)
            .Add("amount", call.Amount.Minor)
            .Add("reason", call.Reason is "duplicate" or "fraudulent" or "requested_by_customer" ? call.Reason : null)
            .Add($"metadata[{StripeOutcomes.AttemptKey}]", call.AttemptId.ToString())
            .Add($"metadata[{StripeOutcomes.PaymentKey}]", call.PaymentId.ToString());
        var answer = await client.PostAsync("v1/refunds", form, call.AttemptId.ToString(), cancellationToken);
        return answer is { IsSuccess: true, Body: { } refund }
            ? StripeOutcomes.OfRefund(refund)
            : StripeOutcomes.OfFailure(answer) with { PaymentReference = call.PaymentReference };
    }

    public Task<ReadBack> ReadAsync(ReadCall call, CancellationToken cancellationToken)
    {
        Invariant.Holds(call.Mode == Mode, "a connector serves one mode");
        return readBack.ReadAsync(call, cancellationToken);
    }

    public Task<ChargePage> ListChargesAsync(ChargeListCall call, CancellationToken cancellationToken) => charges.ListAsync(call, cancellationToken);

    public Task<ChargeReading> ReadChargeAsync(string reference, CancellationToken cancellationToken) => charges.ReadAsync(reference, cancellationToken);

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
        var answer = await client.GetAsync("v1/payment_intents", new StripeForm().Add("limit", 1), cancellationToken);
        return answer is { IsSuccess: true, Body: not null };
    }

    public ProviderNotice? ReadWebhook(IReadOnlyDictionary<string, string> headers, ReadOnlyMemory<byte> body) => webhook.Read(headers, body);

    /// <summary>
    /// A refusal for the intent's state carries the intent: where that shows that this very call (or what it asked for) had been
    /// done before, it is a success. So a repeat after Stripe forgot the key is no failure.
    /// </summary>
    private static Outcome Reconsidered(WireAnswer answer, Func<JsonElement, bool> done)
    {
        var outcome = StripeOutcomes.OfFailure(answer);
        return outcome.Kind == OutcomeKind.Declined && answer.Body?.Object("error").Object("payment_intent") is { } intent && done(intent)
            ? new Outcome(OutcomeKind.Approved) { PaymentReference = intent.Text("id"), Detail = "had been done before" }
            : outcome;
    }
}
