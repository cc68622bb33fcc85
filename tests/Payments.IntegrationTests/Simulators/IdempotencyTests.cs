namespace Payments.IntegrationTests.Simulators;

/// <summary>The vendors' habits with idempotency keys, the awkward ones included.</summary>
public sealed class IdempotencyTests
{
    [Theory]
    [InlineData(true, 1)]
    [InlineData(false, 0)]
    public async Task A_stored_500_is_replayed_for_ever_whether_it_was_executed_or_not(bool executed, int charges)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var simulator = await RunningSimulator.StartAsync(cancellationToken);
        await simulator.FaultAsync(new { provider = "stripe", operation = "authorize", kind = "500", count = 1, executed }, cancellationToken);

        var first = await simulator.SaleAsync(cancellationToken, "key");
        var second = await simulator.SaleAsync(cancellationToken, "key");

        Assert.Equal(500, first.Status);
        Assert.Equal("api_error", first.Json.At("error", "type").GetString());
        Assert.Equal("false", first.Headers["Stripe-Should-Retry"]);
        Assert.Equal((500, first.Body, "true"), (second.Status, second.Body, second.Headers["Idempotent-Replayed"]));
        Assert.Equal(charges, (await simulator.BooksAsync("stripe", cancellationToken)).At("charges").GetArrayLength());
    }

    [Fact]
    public async Task Adyen_too_replays_a_stored_500()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var simulator = await RunningSimulator.StartAsync(cancellationToken);
        await simulator.FaultAsync(new { provider = "adyen", operation = "authorize", kind = "500", count = 1 }, cancellationToken);

        Assert.Equal(500, (await simulator.PaymentAsync(cancellationToken, "key")).Status);
        Assert.Equal(500, (await simulator.PaymentAsync(cancellationToken, "key")).Status);
        Assert.Equal("authorized", (await simulator.OnlyChargeAsync("adyen", cancellationToken)).At("status").GetString());
    }

    [Fact]
    public async Task After_a_day_a_key_is_forgotten_and_the_same_request_charges_again()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var clock = new MovedClock();
        await using var simulator = await RunningSimulator.StartAsync(cancellationToken, clock: clock);
        var first = await simulator.SaleAsync(cancellationToken, "key");
        clock.Ahead = TimeSpan.FromHours(23);
        var second = await simulator.SaleAsync(cancellationToken, "key");
        clock.Ahead = TimeSpan.FromHours(25);
        var third = await simulator.SaleAsync(cancellationToken, "key");

        Assert.Equal(first.Body, second.Body);
        Assert.False(third.Headers.ContainsKey("Idempotent-Replayed"));
        Assert.NotEqual(first.Json.At("id").GetString(), third.Json.At("id").GetString());
        Assert.Equal(2, (await simulator.BooksAsync("stripe", cancellationToken)).At("charges").GetArrayLength());
    }

    [Fact]
    public async Task While_the_first_request_runs_the_second_one_conflicts()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var simulator = await RunningSimulator.StartAsync(cancellationToken, settings: [("Simulators:LatencyMedianMilliseconds", "12000"), ("Simulators:LatencySigma", "0")]);
        var requests = Enumerable.Range(0, 20).Select(_ => simulator.SaleAsync(cancellationToken, "key")).ToList();
        var answers = await Task.WhenAll(requests);

        Assert.Single(answers, a => a.Status == 200);
        Assert.All(answers.Where(a => a.Status != 200), a =>
        {
            Assert.Equal(409, a.Status);
            Assert.Equal("idempotency_key_in_use", a.Json.At("error", "code").GetString());
            Assert.Equal("true", a.Headers["Stripe-Should-Retry"]);
        });
        await simulator.OnlyChargeAsync("stripe", cancellationToken);
    }

    [Fact]
    public async Task While_the_first_request_runs_Adyen_answers_704_and_transient()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var simulator = await RunningSimulator.StartAsync(cancellationToken, settings: [("Simulators:LatencyMedianMilliseconds", "12000"), ("Simulators:LatencySigma", "0")]);
        var answers = await Task.WhenAll(simulator.PaymentAsync(cancellationToken, "key"), simulator.PaymentAsync(cancellationToken, "key"));

        var conflict = Assert.Single(answers, a => a.Status != 200);
        Assert.Equal((422, "704", "true"), (conflict.Status, conflict.Json.At("errorCode").GetString(), conflict.Headers["transient-error"]));
        await simulator.OnlyChargeAsync("adyen", cancellationToken);
    }

    [Fact]
    public async Task A_validation_error_is_not_kept_under_the_key()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var simulator = await RunningSimulator.StartAsync(cancellationToken);
        Assert.Equal(400, (await simulator.SaleAsync(cancellationToken, "key", amount: "-1")).Status);
        var right = await simulator.SaleAsync(cancellationToken, "key");
        Assert.Equal(200, right.Status);
        Assert.False(right.Headers.ContainsKey("Idempotent-Replayed"));
    }

    [Fact]
    public async Task A_decline_is_kept_under_the_key()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var simulator = await RunningSimulator.StartAsync(cancellationToken);
        var first = await simulator.SaleAsync(cancellationToken, "key", "pm_card_chargeDeclined");
        var second = await simulator.SaleAsync(cancellationToken, "key", "pm_card_chargeDeclined");
        Assert.Equal((402, first.Body), (second.Status, second.Body));
        Assert.Equal("failed", (await simulator.OnlyChargeAsync("stripe", cancellationToken)).At("status").GetString());
    }
}
