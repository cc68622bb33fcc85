namespace Payments.IntegrationTests.Simulators;

/// <summary>Cards whose money movements turn out differently after a while.</summary>
public sealed class LaterOutcomeTests
{
    [Theory]
    [InlineData("pm_card_refundFail", "succeeded", "failed", "refund.failed", 0)]
    [InlineData("pm_card_pendingRefund", "pending", "succeeded", "refund.updated", 5000)]
    public async Task A_refund_at_Stripe_turns_later(string card, string first, string last, string told, int refunded)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var receiver = await WebhookReceiver.StartAsync(cancellationToken);
        await using var simulator = await RunningSimulator.StartAsync(cancellationToken, settings: ("Simulators:Stripe:WebhookUrl", receiver.Url));
        var intent = (await simulator.SaleAsync(cancellationToken, card: card)).Json.At("id").GetString()!;

        var refund = (await simulator.StripeAsync("/v1/refunds", new Dictionary<string, string> { ["payment_intent"] = intent }, cancellationToken)).Json;
        Assert.Equal(first, refund.At("status").GetString());

        var charge = await simulator.UntilChargeAsync("stripe", c => c.At("refunds")[0].At("status").GetString() == last, cancellationToken);
        Assert.Equal(refunded, charge.At("amount_refunded").GetInt64());
        Assert.Equal(last, (await simulator.StripeAsync($"/v1/refunds/{refund.At("id").GetString()}", null, cancellationToken)).Json.At("status").GetString());
        await receiver.UntilAsync(() => receiver.Bodies.Any(b => b.At("type").GetString() == told && b.At("data", "object", "status").GetString() == last), cancellationToken);
    }

    [Theory]
    [InlineData("4000000000005126", "refunds", "REFUND", "REFUND_FAILED")]
    [InlineData("4000000000008617", "captures", "CAPTURE", "CAPTURE_FAILED")]
    public async Task A_modification_at_Adyen_succeeds_and_fails_later(string number, string movements, string first, string last)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var receiver = await WebhookReceiver.StartAsync(cancellationToken);
        await using var simulator = await RunningSimulator.StartAsync(cancellationToken, settings: ("Simulators:Adyen:WebhookUrl", receiver.Url));
        var psp = (await simulator.PaymentAsync(cancellationToken, number: number)).Json.At("pspReference").GetString();
        var modification = new { merchantAccount = RunningSimulator.MerchantAccount, amount = new { currency = "EUR", value = 5000 } };
        await simulator.AdyenAsync($"/v71/payments/{psp}/captures", modification, cancellationToken);
        if (movements == "refunds")
        {
            await simulator.UntilChargeAsync("adyen", c => c.At("captures")[0].At("status").GetString() == "succeeded", cancellationToken);
            await simulator.AdyenAsync($"/v71/payments/{psp}/refunds", modification, cancellationToken);
        }

        await simulator.UntilChargeAsync("adyen", c => c.At(movements).GetArrayLength() == 1 && c.At(movements)[0].At("status").GetString() == "failed", cancellationToken);
        // Webhooks overtake each other.
        await receiver.UntilAsync(() => Codes().Contains(first) && Codes().Contains(last), cancellationToken);
        Assert.All(receiver.Bodies, b => Assert.Equal("true", b.At("notificationItems")[0].At("NotificationRequestItem", "success").GetString()));

        string[] Codes() => [.. receiver.Bodies.Select(b => b.At("notificationItems")[0].At("NotificationRequestItem", "eventCode").GetString()!)];
    }

    [Fact]
    public async Task A_capture_above_what_is_authorized_is_received_and_refused_by_webhook()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var receiver = await WebhookReceiver.StartAsync(cancellationToken);
        await using var simulator = await RunningSimulator.StartAsync(cancellationToken, settings: ("Simulators:Adyen:WebhookUrl", receiver.Url));
        var psp = (await simulator.PaymentAsync(cancellationToken)).Json.At("pspReference").GetString();

        var received = await simulator.AdyenAsync($"/v71/payments/{psp}/captures", new { merchantAccount = RunningSimulator.MerchantAccount, amount = new { currency = "EUR", value = 5001 } }, cancellationToken);

        Assert.Equal((201, "received"), (received.Status, received.Json.At("status").GetString()));
        await receiver.UntilAsync(() => receiver.Bodies.Count >= 2, cancellationToken);
        var told = receiver.Bodies.Select(b => b.At("notificationItems")[0].At("NotificationRequestItem")).Single(i => i.At("eventCode").GetString() == "CAPTURE");
        Assert.Equal("false", told.At("success").GetString());
        Assert.Equal(0, (await simulator.OnlyChargeAsync("adyen", cancellationToken)).At("amount_captured").GetInt64());
    }

    // Who comes first ends the hold: the request that is too late, or the simulator by itself.
    [Theory]
    [InlineData(false, "charge_expired_for_capture")]
    [InlineData(true, "payment_intent_unexpected_state")]
    public async Task After_seven_days_a_hold_at_Stripe_cannot_be_captured(bool hasAgenda, string code)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var data = Directory.CreateTempSubdirectory("payments-simulators-").FullName;
        try
        {
            string? intent;
            await using (var before = await RunningSimulator.StartAsync(cancellationToken, data))
            {
                intent = (await before.SaleAsync(cancellationToken, capture: "manual")).Json.At("id").GetString();
            }

            await using var simulator = await RunningSimulator.StartAsync(cancellationToken, data, new MovedClock { Ahead = TimeSpan.FromDays(7.01) }, hasAgenda);
            if (hasAgenda)
            {
                await simulator.UntilChargeAsync("stripe", c => c.At("status").GetString() == "canceled", cancellationToken);
            }

            var late = await simulator.StripeAsync($"/v1/payment_intents/{intent}/capture", new Dictionary<string, string>(), cancellationToken);

            Assert.Equal((400, code), (late.Status, late.Json.At("error", "code").GetString()));
            Assert.Equal("canceled", (await simulator.OnlyChargeAsync("stripe", cancellationToken)).At("status").GetString());
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    [Fact]
    public async Task Several_captures_at_Stripe_need_to_be_asked_for()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var simulator = await RunningSimulator.StartAsync(cancellationToken);
        var part = new Dictionary<string, string> { ["amount_to_capture"] = "1000", ["final_capture"] = "false" };
        var plain = (await simulator.SaleAsync(cancellationToken, capture: "manual")).Json.At("id").GetString();
        Assert.Equal(400, (await simulator.StripeAsync($"/v1/payment_intents/{plain}/capture", part, cancellationToken)).Status);

        var multi = (await simulator.StripeAsync(
            "/v1/payment_intents",
            new Dictionary<string, string>
            {
                ["amount"] = "5000",
                ["currency"] = "usd",
                ["payment_method"] = "pm_card_visa",
                ["payment_method_types[0]"] = "card",
                ["confirm"] = "true",
                ["capture_method"] = "manual",
                ["payment_method_options[card][request_multicapture]"] = "if_available",
            },
            cancellationToken)).Json.At("id").GetString();
        var first = (await simulator.StripeAsync($"/v1/payment_intents/{multi}/capture", part, cancellationToken)).Json;
        Assert.Equal(("requires_capture", 4000), (first.At("status").GetString(), first.At("amount_capturable").GetInt64()));
        var rest = (await simulator.StripeAsync($"/v1/payment_intents/{multi}/capture", new Dictionary<string, string>(), cancellationToken)).Json;
        Assert.Equal(("succeeded", 5000), (rest.At("status").GetString(), rest.At("amount_received").GetInt64()));
    }
}
