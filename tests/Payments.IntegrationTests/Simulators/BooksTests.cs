using Payments.Simulators.Cards;

namespace Payments.IntegrationTests.Simulators;

/// <summary>The books outlive the process, and hold no card number.</summary>
public sealed class BooksTests
{
    [Fact]
    public async Task What_was_answered_is_in_the_books_after_a_crash_and_a_torn_line_is_cut_off()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var before = await RunningSimulator.StartAsync(cancellationToken);
        var sale = await before.SaleAsync(cancellationToken, "key-1", capture: "manual");
        var intent = sale.Json.At("id").GetString()!;
        await before.StripeAsync($"/v1/payment_intents/{intent}/capture", new Dictionary<string, string> { ["amount_to_capture"] = "4000" }, cancellationToken, "key-2");
        await before.StripeAsync("/v1/refunds", new Dictionary<string, string> { ["payment_intent"] = intent, ["amount"] = "1500" }, cancellationToken, "key-3");
        await before.PaymentAsync(cancellationToken, "key-4");

        // A copy of the files at this moment is what a killed process leaves behind; its last write may be half a line.
        var copy = Directory.CreateTempSubdirectory("payments-simulators-").FullName;
        foreach (var file in Directory.GetFiles(before.Data))
        {
            await using var from = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            await using var to = File.Create(Path.Combine(copy, Path.GetFileName(file)));
            await from.CopyToAsync(to, cancellationToken);
        }

        await File.AppendAllTextAsync(Path.Combine(copy, "books.jsonl"), "{\"at\":\"2026-01-01T00:00:00+00:00\",\"put\":[{\"is\":\"char", cancellationToken);

        try
        {
            await using (var after = await RunningSimulator.StartAsync(cancellationToken, copy))
            {
                Assert.Equal((await before.BooksAsync("stripe", cancellationToken)).GetRawText(), (await after.BooksAsync("stripe", cancellationToken)).GetRawText());
                Assert.Equal((await before.BooksAsync("adyen", cancellationToken)).GetRawText(), (await after.BooksAsync("adyen", cancellationToken)).GetRawText());
                var charge = await after.OnlyChargeAsync("stripe", cancellationToken);
                Assert.Equal((4000, 1500), (charge.At("amount_captured").GetInt64(), charge.At("amount_refunded").GetInt64()));
                Assert.Equal("key-2", charge.At("captures")[0].At("idempotency_key").GetString());
                Assert.Equal("key-3", charge.At("refunds")[0].At("idempotency_key").GetString());

                var replay = await after.SaleAsync(cancellationToken, "key-1", capture: "manual");
                Assert.Equal(sale.Body, replay.Body);
                Assert.Equal("true", replay.Headers["Idempotent-Replayed"]);
                await after.SaleAsync(cancellationToken, "key-5", reference: "att_2");
            }

            await using var again = await RunningSimulator.StartAsync(cancellationToken, copy);
            Assert.Equal(2, (await again.BooksAsync("stripe", cancellationToken)).At("totals", "charges").GetInt32());
        }
        finally
        {
            Directory.Delete(copy, recursive: true);
        }
    }

    [Fact]
    public async Task An_outcome_that_was_pending_comes_after_the_restart()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var data = Directory.CreateTempSubdirectory("payments-simulators-").FullName;
        try
        {
            await using (var before = await RunningSimulator.StartAsync(cancellationToken, data, settings: ("Simulators:OutcomeDelayMilliseconds", "3600000")))
            {
                var psp = (await before.PaymentAsync(cancellationToken)).Json.At("pspReference").GetString();
                await before.AdyenAsync($"/v71/payments/{psp}/captures", new { merchantAccount = RunningSimulator.MerchantAccount, amount = new { currency = "EUR", value = 5000 } }, cancellationToken);
                Assert.Equal("pending", (await before.OnlyChargeAsync("adyen", cancellationToken)).At("captures")[0].At("status").GetString());
            }

            await using var after = await RunningSimulator.StartAsync(cancellationToken, data, new MovedClock { Ahead = TimeSpan.FromHours(2) });
            var captured = await after.UntilChargeAsync("adyen", c => c.At("captures")[0].At("status").GetString() != "pending", cancellationToken);
            Assert.Equal(5000, captured.At("amount_captured").GetInt64());
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    [Fact]
    public async Task Books_can_be_asked_for_one_reference()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var simulator = await RunningSimulator.StartAsync(cancellationToken);
        await simulator.SaleAsync(cancellationToken, reference: "att_a");
        await simulator.SaleAsync(cancellationToken, reference: "att_b");

        var charge = Assert.Single((await simulator.BooksAsync("stripe", cancellationToken, "att_b")).At("charges").EnumerateArray());
        Assert.Equal("att_b", charge.At("reference").GetString());
        Assert.Empty((await simulator.BooksAsync("stripe", cancellationToken, "att_c")).At("charges").EnumerateArray());
    }

    [Fact]
    public async Task No_card_number_reaches_a_file_or_the_log()
    {
        const string Number = "4242424242424242";
        const string Cvc = "98431";
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var simulator = await RunningSimulator.StartAsync(cancellationToken);
        var form = new Dictionary<string, string> { ["type"] = "card", ["card[number]"] = Number, ["card[exp_month]"] = "12", ["card[exp_year]"] = "2034", ["card[cvc]"] = "984" };
        Assert.Equal(200, (await simulator.StripeAsync("/v1/payment_methods", form, cancellationToken, "k1")).Status);
        Assert.Equal(402, (await simulator.StripeAsync("/v1/payment_methods", new Dictionary<string, string>(form) { ["card[cvc]"] = Cvc }, cancellationToken, "k2")).Status);
        Assert.Equal(200, (await simulator.PaymentAsync(cancellationToken, "k3", Number)).Status);

        foreach (var file in Directory.GetFiles(simulator.Data))
        {
            await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var reader = new StreamReader(stream);
            var text = await reader.ReadToEndAsync(cancellationToken);
            Assert.DoesNotContain(Number, text, StringComparison.Ordinal);
            Assert.DoesNotContain(Cvc, text, StringComparison.Ordinal);
        }

        Assert.NotEmpty(simulator.Log);
        Assert.All(simulator.Log, line => Assert.DoesNotContain(Number, line, StringComparison.Ordinal));
        Assert.Contains("\"last4\":\"4242\"", await JournalAsync(simulator, cancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_test_card_has_a_valid_number_and_a_known_behaviour()
    {
        Assert.All(TestCards.All, card =>
        {
            Assert.True(TestCards.PassesLuhn(card.Number), card.Number);
            Assert.NotNull(Behaviours.Named(card.Behaviour));
        });
        Assert.False(TestCards.PassesLuhn("4242424242424241"));
    }

    private static async Task<string> JournalAsync(RunningSimulator simulator, CancellationToken cancellationToken)
    {
        await using var stream = new FileStream(Path.Combine(simulator.Data, "books.jsonl"), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync(cancellationToken);
    }
}
