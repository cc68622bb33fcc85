using System.Text.Json;
using Payments.Core;
using Payments.IntegrationTests.Fire;
using Payments.Platform;
using Xunit;
using Shop = Payments.IntegrationTests.Fire.Shop;

namespace Payments.IntegrationTests.Recovery;

/// <summary>Charges that a provider has and we do not: real ones, made at the provider behind the product's back, or lost by its database.</summary>
[Collection(ChargesProduct.Name)]
public sealed class PhantomTests(ChargesProduct product)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_charge_that_we_do_not_have_becomes_one_payment_of_the_merchant_that_it_names(bool webhooks)
    {
        using var shop = await Shop.OpenAsync(product, "Phantoms", Token);
        await product.WebhooksAsync("stripe", webhooks, Token);
        var (payment, attempt) = (ChargesProduct.New<PaymentId>(), ChargesProduct.New<AttemptId>());

        var intent = await product.ChargeAtStripeAsync(7_300, Token, metadata: [("merchant_id", shop.Id), ("payment_id", payment), ("attempt_id", attempt)]);

        var recovered = await product.FindAsync($"/ops/v1/payments?merchant_id={shop.Id}", _ => true, Token);
        Assert.Equal((payment, intent, "captured", "recovered"), (Text(recovered, "id"), Text(recovered, "provider_reference"), Text(recovered, "status"), Text(recovered, "origin")));
        Assert.Equal(("visa", "4242", "US"), (Text(recovered.GetProperty("payment_method"), "brand"), Text(recovered.GetProperty("payment_method"), "last4"), Text(recovered.GetProperty("payment_method"), "country")));
        using var read = await shop.Merchant.GetAsync(new Uri($"/v1/payments/{payment}", UriKind.Relative), Token);
        var full = await ProductFixture.JsonAsync(read, Token);
        Assert.Equal(attempt, Text(full.GetProperty("attempts")[0], "id"));

        // 2.9 % + 30 cents of the merchant's plan; 2.9 % + 30 cents of Stripe's price for a US card.
        await Eventually.BecomesTrueAsync("the ledger posts it", async () => (await product.LinesAsync(payment, Token)).ContainsKey("post capture") ? null : "not posted", Token);
        Assert.Equal(
            new Dictionary<string, long> { ["post capture"] = 7_300, ["post commission"] = 242, ["post provider_cost"] = 242 },
            await product.LinesAsync(payment, Token));
        await AssertToldAsync(payment, intent, "phantom_payment");

        // It goes on as any other: the merchant refunds it.
        using var refunded = await product.PostAsync(shop.Merchant, $"/v1/payments/{payment}/refunds", new { amount = 300 }, Token);
        Assert.Equal("succeeded", Text(await ProductFixture.JsonAsync(refunded, Token), "status"));
        await product.WebhooksAsync("stripe", true, Token);
    }

    [Fact]
    public async Task A_payment_that_the_database_lost_after_the_call_comes_back_under_its_own_number()
    {
        using var shop = await Shop.OpenAsync(product, "Restored", Token);
        foreach (var provider in (string[])["stripe", "adyen"])
        {
            await product.InjectFaultAsync(new { provider, operation = "authorize", kind = "delay", delay_ms = 15_000, count = 1 }, Token);
        }

        var asked = product.PostAsync(shop.Merchant, "/v1/payments", new { amount = 4_321, currency = "USD", payment_method = new { token = shop.Token } }, Token);
        await Eventually.BecomesTrueAsync(
            "the payment is written",
            async () => await product.ScalarAsync<long>(Names.Databases.Payments, "SELECT count(*) FROM payments WHERE amount = 4321", Token) == 1 ? null : "not yet", Token);
        var lost = new PaymentId(await product.ScalarAsync<Guid>(Names.Databases.Payments, "SELECT id FROM payments WHERE amount = 4321", Token)).ToString();

        // The database as it was before write 1: the charge is under way, and nobody here knows of it.
        await product.ExecuteAsync(Names.Databases.Payments, "BEGIN; DELETE FROM attempts WHERE payment_id IN (SELECT id FROM payments WHERE amount = 4321); DELETE FROM operations WHERE payment_id IN (SELECT id FROM payments WHERE amount = 4321); DELETE FROM payment_requests WHERE payment_id IN (SELECT id FROM payments WHERE amount = 4321); DELETE FROM payments WHERE amount = 4321; COMMIT", Token);
        using var stranded = await asked;
        await product.ClearFaultsAsync(Token);

        var recovered = await product.FindAsync($"/ops/v1/payments?merchant_id={shop.Id}", _ => true, Token);
        Assert.Equal((lost, "captured", 4_321, "recovered"), (Text(recovered, "id"), Text(recovered, "status"), recovered.GetProperty("amount_captured").GetInt64(), Text(recovered, "origin")));
        var charge = Assert.Single((await product.BooksAsync(Text(recovered, "provider")!, Token)).GetProperty("charges").EnumerateArray(), c => c.GetProperty("amount").GetInt64() == 4_321);
        Assert.Equal(4_321, charge.GetProperty("amount_captured").GetInt64());
    }

    [Fact]
    public async Task Webhooks_and_listings_at_once_make_one_payment_each()
    {
        using var shop = await Shop.OpenAsync(product, "At once", Token);
        var intents = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => product.ChargeAtStripeAsync(1_000, Token, metadata: [("merchant_id", shop.Id)])));

        await Eventually.BecomesTrueAsync(
            "every charge is a payment",
            async () => (await Shop.ListAsync(product.Operator, $"/ops/v1/payments?merchant_id={shop.Id}", Token)).Count is var count && count == 12 ? null : $"{count} of 12", Token);
        // Both ways look at each of them again and again by now.
        await Task.Delay(2_500, Token);

        var payments = await Shop.ListAsync(product.Operator, $"/ops/v1/payments?merchant_id={shop.Id}", Token);
        Assert.Equal(intents.Order(), payments.Select(p => Text(p, "provider_reference")).Order());
        Assert.Equal(12, await product.ScalarAsync<long>(Names.Databases.Payments, $"SELECT count(*) FROM recoveries WHERE kind = 'phantom_payment' AND merchant_id = '{MerchantOf(shop)}'", Token));
    }

    [Fact]
    public async Task An_authorization_that_we_do_not_have_can_be_captured_once_it_is_ours()
    {
        using var shop = await Shop.OpenAsync(product, "Held", Token);
        var intent = await product.ChargeAtStripeAsync(5_000, Token, capture: "manual", metadata: [("merchant_id", shop.Id)]);
        var recovered = await product.FindAsync($"/ops/v1/payments?merchant_id={shop.Id}", _ => true, Token);
        Assert.Equal(("authorized", "manual", intent), (Text(recovered, "status"), Text(recovered, "capture_method"), Text(recovered, "provider_reference")));

        using var captured = await product.PostAsync(shop.Merchant, $"/v1/payments/{Text(recovered, "id")}/capture", new { }, Token);

        Assert.Equal("captured", Text(await ProductFixture.JsonAsync(captured, Token), "status"));
    }

    [Fact]
    public async Task A_charge_that_our_books_cannot_express_is_raised_and_keeps_no_other_from_being_found()
    {
        using var shop = await Shop.OpenAsync(product, "Unreadable", Token);
        await product.WebhooksAsync("stripe", false, Token);
        var strange = await product.ChargeAtStripeAsync(9_100, Token, currency: "isk", metadata: [("merchant_id", shop.Id)]);
        var usual = await product.ChargeAtStripeAsync(9_200, Token, metadata: [("merchant_id", shop.Id)]);

        var recovered = await product.FindAsync($"/ops/v1/payments?merchant_id={shop.Id}", _ => true, Token);
        await product.FindAsync("/ops/v1/incidents?kind=unreadable_charge", i => Text(i, "detail").Contains(strange, StringComparison.Ordinal), Token);

        Assert.Equal(usual, Text(recovered, "provider_reference"));
        Assert.Single(await Shop.ListAsync(product.Operator, $"/ops/v1/payments?merchant_id={shop.Id}", Token));
        await product.WebhooksAsync("stripe", true, Token);
    }

    [Fact]
    public async Task Numbers_that_belong_to_somebody_else_are_not_believed()
    {
        using var victim = await Shop.OpenAsync(product, "Victim", Token);
        using var other = await Shop.OpenAsync(product, "Other", Token);
        using var made = await product.PostAsync(victim.Merchant, "/v1/payments", new { amount = 2_000, currency = "USD", payment_method = new { token = victim.Token } }, Token);
        var payment = Text(await ProductFixture.JsonAsync(made, Token), "id");
        var before = (await product.GetAsync($"/ops/v1/payments/{payment}", Token)).GetRawText();

        var intent = await product.ChargeAtStripeAsync(2_000, Token, metadata: [("merchant_id", other.Id), ("payment_id", payment)]);

        var stands = await product.FindAsync("/ops/v1/breaks?status=open", b => Text(b, "provider_reference") == intent, Token);
        Assert.Equal((2_000, "charge"), (stands.GetProperty("amount").GetInt64(), Text(stands, "kind")));
        Assert.Equal(before, (await product.GetAsync($"/ops/v1/payments/{payment}", Token)).GetRawText());
        Assert.Empty(await Shop.ListAsync(product.Operator, $"/ops/v1/payments?merchant_id={other.Id}", Token));
    }

    [Fact]
    public async Task A_charge_of_nobody_stands_in_suspense_until_an_operator_says_whose_it_is()
    {
        // A currency that no other test of this product charges in, so that the account says it all.
        using var shop = await Shop.OpenAsync(product, "Finder", Token);
        var intent = await product.ChargeAtStripeAsync(8_800, Token, currency: "nok");
        var stands = await product.FindAsync("/ops/v1/breaks?status=open", b => Text(b, "provider_reference") == intent, Token);
        await product.HoldsAsync("suspense", "NOK", 8_800, Token);
        await product.FindAsync("/ops/v1/incidents?kind=unattributed_charge", i => Text(i, "detail").Contains(intent, StringComparison.Ordinal), Token);

        var path = $"/ops/v1/breaks/{Text(stands, "id")}";
        using var assigned = await product.PostAsync(product.Operator, path + "/assign", new { owner = "Ada" }, Token);
        Assert.Equal("Ada", Text(await ProductFixture.JsonAsync(assigned, Token), "owner"));
        using var attributed = await product.PostAsync(product.Operator, path + "/attribute", new { merchant_id = shop.Id, reason = "Their order 77" }, Token);
        var closed = await ProductFixture.JsonAsync(attributed, Token);
        Assert.Equal(("closed", shop.Id, "Their order 77"), (Text(closed, "status"), Text(closed, "merchant_id"), Text(closed, "close_reason")));
        using var again = await product.PostAsync(product.Operator, path + "/attribute", new { merchant_id = shop.Id, reason = "Once more" }, Token);
        Assert.Equal("Their order 77", Text(await ProductFixture.JsonAsync(again, Token), "close_reason"));

        var payment = Text(closed, "payment_id");
        var read = await product.GetAsync($"/ops/v1/payments/{payment}", Token);
        Assert.Equal(("captured", intent, "recovered", 3), (Text(read, "status"), Text(read, "provider_reference"), Text(read, "origin"), read.GetProperty("version").GetInt32()));
        await product.HoldsAsync("suspense", "NOK", 0, Token);
        await product.HoldsAsync("provider_receivable", "NOK", 8_800, Token);
        const string told = "payment.attributed payment.captured";
        await Eventually.BecomesTrueAsync(
            "the merchant is told",
            async () => string.Join(' ', (await Shop.ListAsync(shop.Merchant, $"/v1/events?payment={payment}", Token)).Select(e => Text(e, "type")).Order()) is var types && types == told ? null : types,
            Token);
        Assert.Equal("break.attribute", Text((await product.GetAsync($"/ops/v1/audit_entries?target={Text(stands, "id")}", Token)).GetProperty("data")[0], "action"));
        var suspended = await product.FindAsync("/ops/v1/recoveries?kind=charge_suspended", r => Text(r, "subject").Contains(intent, StringComparison.Ordinal), Token);
        Assert.Equal(intent, Text(suspended.GetProperty("before"), "reference"));
        var whose = await product.FindAsync($"/ops/v1/recoveries?payment={payment}&kind=charge_attributed", _ => true, Token);
        Assert.Equal("Their order 77", Text(whose, "reason"));
    }

    [Fact]
    public async Task Adyen_tells_of_its_charges_by_webhook_alone()
    {
        using var shop = await Shop.OpenAsync(product, "Adyen phantom", Token);
        var (payment, attempt) = (ChargesProduct.New<PaymentId>(), ChargesProduct.New<AttemptId>());
        var named = new Dictionary<string, string> { ["merchant_id"] = shop.Id, ["payment_id"] = payment, ["attempt_id"] = attempt, ["capture"] = "manual" };

        var psp = await product.ChargeAtAdyenAsync(6_100, Token, manual: true, attempt, named);
        var unnamed = await product.ChargeAtAdyenAsync(6_200, Token);

        var recovered = await product.FindAsync($"/ops/v1/payments?merchant_id={shop.Id}", _ => true, Token);
        Assert.Equal((payment, psp, "authorized", "recovered"), (Text(recovered, "id"), Text(recovered, "provider_reference"), Text(recovered, "status"), Text(recovered, "origin")));
        var stands = await product.FindAsync("/ops/v1/breaks?status=open", b => Text(b, "provider_reference") == unnamed, Token);
        Assert.Equal((6_200, "adyen"), (stands.GetProperty("amount").GetInt64(), Text(stands, "provider")));
    }

    private async Task AssertToldAsync(string payment, string intent, string kind)
    {
        var incident = await product.FindAsync($"/ops/v1/incidents?kind={kind}&payment={payment}", _ => true, Token);
        Assert.Contains(intent, Text(incident, "detail"), StringComparison.Ordinal);
        var record = await product.FindAsync($"/ops/v1/recoveries?payment={payment}&kind={kind}", _ => true, Token);
        Assert.Equal(($"stripe:test:{intent}", intent), (Text(record, "subject"), Text(record.GetProperty("before"), "reference")));
    }

    private static Guid MerchantOf(Shop shop) => Id.TryParse<MerchantId>(shop.Id, out var id) ? id.Value : throw new InvalidOperationException(shop.Id);

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;
}
