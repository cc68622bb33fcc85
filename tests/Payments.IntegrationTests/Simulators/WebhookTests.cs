namespace Payments.IntegrationTests.Simulators;

/// <summary>How webhooks come: again after a refusal, and as faults make them.</summary>
public sealed class WebhookTests
{
    private const string Paid = "payment_intent.succeeded";
    private const string Charged = "charge.succeeded";

    [Fact]
    public async Task A_refused_webhook_is_sent_again()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var receiver = await WebhookReceiver.StartAsync(cancellationToken);
        await using var simulator = await RunningSimulator.StartAsync(cancellationToken, settings: ("Simulators:Stripe:WebhookUrl", receiver.Url));
        receiver.Answers.Enqueue(500);
        receiver.Answers.Enqueue(500);

        await simulator.SaleAsync(cancellationToken);

        await receiver.UntilAsync(() => receiver.Bodies.Count >= 4, cancellationToken);
        Assert.Equal(2, receiver.Bodies.Select(b => b.At("id").GetString()).Distinct().Count());
        Assert.Equal([Charged, Charged, Paid, Paid], receiver.StripeTypes.Order());
    }

    [Fact]
    public async Task What_the_endpoint_is_not_set_up_for_is_not_sent_but_can_be_read()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var receiver = await WebhookReceiver.StartAsync(cancellationToken);
        await using var simulator = await RunningSimulator.StartAsync(
            cancellationToken, settings: [("Simulators:Stripe:WebhookUrl", receiver.Url), ("Simulators:Stripe:WebhookEvents:0", Paid)]);

        await simulator.SaleAsync(cancellationToken);
        await simulator.SaleAsync(cancellationToken, reference: "att_2");
        await receiver.UntilAsync(() => receiver.Bodies.Count >= 2, cancellationToken);

        Assert.Equal([Paid, Paid], receiver.StripeTypes);
        Assert.Equal(4, (await simulator.StripeAsync("/v1/events?limit=100", null, cancellationToken)).Json.At("data").GetArrayLength());
    }

    [Fact]
    public async Task What_was_not_delivered_is_sent_after_a_restart()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var data = Directory.CreateTempSubdirectory("payments-simulators-").FullName;
        try
        {
            await using var receiver = await WebhookReceiver.StartAsync(cancellationToken);
            await using (var before = await RunningSimulator.StartAsync(cancellationToken, data, settings: ("Simulators:Adyen:WebhookUrl", receiver.Url)))
            {
                await before.FaultAsync(new { provider = "adyen", operation = "webhook", kind = "webhook_late", delay_ms = 600_000 }, cancellationToken);
                await before.PaymentAsync(cancellationToken);
            }

            Assert.Empty(receiver.Bodies);
            await using var after = await RunningSimulator.StartAsync(cancellationToken, data, new MovedClock { Ahead = TimeSpan.FromMinutes(11) });
            await receiver.UntilAsync(() => !receiver.Bodies.IsEmpty, cancellationToken);
            Assert.Equal("AUTHORISATION", receiver.Bodies.Single().At("notificationItems")[0].At("NotificationRequestItem", "eventCode").GetString());
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    [Fact]
    public async Task A_lost_webhook_never_comes_but_its_event_can_be_read()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var receiver = await WebhookReceiver.StartAsync(cancellationToken);
        await using var simulator = await RunningSimulator.StartAsync(cancellationToken, settings: ("Simulators:Stripe:WebhookUrl", receiver.Url));
        await simulator.FaultAsync(new { provider = "stripe", operation = "webhook", kind = "webhook_lost", count = 2 }, cancellationToken);

        await simulator.SaleAsync(cancellationToken);
        await simulator.SaleAsync(cancellationToken, reference: "att_2");
        await receiver.UntilAsync(() => receiver.Bodies.Count >= 2, cancellationToken);

        Assert.Equal(2, receiver.Bodies.Count);
        Assert.Equal(4, (await simulator.StripeAsync("/v1/events?limit=100", null, cancellationToken)).Json.At("data").GetArrayLength());
    }

    [Fact]
    public async Task A_duplicated_webhook_comes_twice_with_the_same_id()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var receiver = await WebhookReceiver.StartAsync(cancellationToken);
        await using var simulator = await RunningSimulator.StartAsync(cancellationToken, settings: ("Simulators:Stripe:WebhookUrl", receiver.Url));
        await simulator.FaultAsync(new { provider = "stripe", operation = "webhook", kind = "webhook_duplicate" }, cancellationToken);

        await simulator.SaleAsync(cancellationToken);
        await receiver.UntilAsync(() => receiver.Bodies.Count >= 4, cancellationToken);

        Assert.All(receiver.Bodies.GroupBy(b => b.At("id").GetString()), same => Assert.Equal(2, same.Count()));
    }

    [Fact]
    public async Task A_reordered_webhook_comes_after_its_successor()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var receiver = await WebhookReceiver.StartAsync(cancellationToken);
        await using var simulator = await RunningSimulator.StartAsync(cancellationToken, settings: ("Simulators:Adyen:WebhookUrl", receiver.Url));
        await simulator.FaultAsync(new { provider = "adyen", operation = "webhook", kind = "webhook_reorder", count = 1, delay_ms = 600_000 }, cancellationToken);

        var psp = (await simulator.PaymentAsync(cancellationToken)).Json.At("pspReference").GetString();
        await simulator.AdyenAsync($"/v71/payments/{psp}/captures", new { merchantAccount = RunningSimulator.MerchantAccount, amount = new { currency = "EUR", value = 5000 } }, cancellationToken);
        await receiver.UntilAsync(() => receiver.Bodies.Count >= 2, cancellationToken);

        Assert.Equal(["CAPTURE", "AUTHORISATION"], receiver.Bodies.Select(b => b.At("notificationItems")[0].At("NotificationRequestItem", "eventCode").GetString()));
    }
}
