using System.Net;
using System.Net.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using Payments.Api.Recovery;
using Payments.IntegrationTests.Flow;
using Xunit;

namespace Payments.IntegrationTests.Recovery;

/// <summary>The sweep runs every half second here. Ages are made by moving the hold's beginning in the database.</summary>
[Collection(RecoveryProduct.Name)]
public sealed class HoldTests(RecoveryProduct product) : IAsyncDisposable
{
    private static int orders;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync() => await product.ClearFaultsAsync();

    [Theory]
    [InlineData("stripe", "8 days", "expired", "the merchant's 7 days")]
    [InlineData("adyen", "8 days", "expired", "the merchant's 7 days")]
    public async Task A_hold_beyond_the_merchants_window_is_released_at_its_provider(string provider, string age, string status, string reason)
    {
        var held = await HeldAsync(provider);
        await AgeAsync(held, age);

        await product.ShopOf(provider).UntilAsync(held, status, Token);

        Assert.Equal("canceled", Assert.Single(await product.ChargesAsync(provider, held, Token)).GetProperty("status").GetString());
        var recovery = Assert.Single(await product.OpsAsync($"recoveries?payment={held}", Token));
        Assert.Equal(("orphaned_hold", "hold_sweep"), (recovery.GetProperty("kind").GetString(), recovery.GetProperty("actor").GetString()));
        Assert.Contains(reason, recovery.GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Equal(("authorized", "voiding"), (recovery.GetProperty("before").GetProperty("status").GetString(), recovery.GetProperty("after").GetProperty("status").GetString()));
        var shown = Assert.Single((await product.ShopOf(provider).GetAsync($"/v1/payments/{held}", Token)).GetProperty("recoveries").EnumerateArray());
        Assert.Equal(recovery.GetProperty("id").GetString(), shown.GetProperty("id").GetString());
    }

    [Fact]
    public async Task The_providers_own_limit_counts_where_it_is_shorter_and_the_merchants_where_that_is()
    {
        var limited = await HeldAsync("stripe");
        var young = await HeldAsync("stripe");
        var patient = await HeldAsync("adyen");
        Assert.Equal(1, await LimitedByProviderAsync(young));
        Assert.Equal(0, await LimitedByProviderAsync(patient));
        await product.RunAsync("UPDATE payments SET capture_before = now() - interval '1 second' WHERE id = $1", limited, Token);
        await AgeAsync(limited, "5 hours");
        await AgeAsync(young, "5 hours");
        await SetWindowAsync(product.Adyen, 31);
        await AgeAsync(patient, "9 days 23 hours");

        await product.Stripe.UntilAsync(limited, "expired", Token);
        await SweepAsync();
        Assert.Equal("authorized", (await product.Stripe.GetAsync($"/v1/payments/{young}", Token)).GetProperty("status").GetString());
        Assert.Equal("authorized", (await product.Adyen.GetAsync($"/v1/payments/{patient}", Token)).GetProperty("status").GetString());

        await AgeAsync(patient, "10 days 1 hour");
        await product.Adyen.UntilAsync(patient, "expired", Token);
        await SetWindowAsync(product.Adyen, 7);
    }

    [Fact]
    public async Task A_hold_that_was_made_without_the_customer_ends_when_the_scheme_says_so()
    {
        var withoutCustomer = await HeldAsync("adyen", initiator: "merchant");
        var withCustomer = await HeldAsync("adyen");
        await AgeAsync(withCustomer, "5 days 1 hour");
        await AgeAsync(withoutCustomer, "5 days 1 hour");

        await product.Adyen.UntilAsync(withoutCustomer, "expired", Token);

        var recovery = Assert.Single(await product.OpsAsync($"recoveries?payment={withoutCustomer}", Token));
        Assert.Contains("takes no capture of it any more", recovery.GetProperty("reason").GetString(), StringComparison.Ordinal);
        await SweepAsync();
        Assert.Equal("authorized", (await product.Adyen.GetAsync($"/v1/payments/{withCustomer}", Token)).GetProperty("status").GetString());
    }

    [Fact]
    public async Task A_cancelled_orders_holds_are_released_after_four_hours_and_a_payment_made_later_is_left_alone()
    {
        var order = $"order/{Environment.ProcessId}-{Interlocked.Increment(ref orders)}";
        var held = await HeldAsync("stripe", order);
        var captured = await HeldAsync("stripe", order);
        var key = FlowProduct.NewKey();

        var cancelled = await CancelAsync(order, key);
        var again = await CancelAsync(order, key);
        var later = await HeldAsync("stripe", order);
        Assert.Equal((HttpStatusCode.OK, order), (cancelled.Status, cancelled.Text("order_id")));
        Assert.Equal((cancelled.Body, true), (again.Body, again.Replayed));
        Assert.Equal([captured, held], cancelled.Json.GetProperty("payments").EnumerateArray().Select(p => p.GetProperty("id").GetString()));
        await SweepAsync();
        Assert.Equal("authorized", (await product.Stripe.GetAsync($"/v1/payments/{held}", Token)).GetProperty("status").GetString());

        Assert.Equal("captured", (await product.Stripe.PostAsync(captured, "capture", new { }, Token)).Text("status"));
        foreach (var payment in new[] { held, captured, later })
        {
            await AgeAsync(payment, "4 hours 1 second");
        }

        await product.Stripe.UntilAsync(held, "voided", Token);
        await SweepAsync();
        Assert.Equal("captured", (await product.Stripe.GetAsync($"/v1/payments/{captured}", Token)).GetProperty("status").GetString());
        Assert.Equal("authorized", (await product.Stripe.GetAsync($"/v1/payments/{later}", Token)).GetProperty("status").GetString());
        Assert.Equal(HttpStatusCode.NotFound, (await CancelAsync("no-such-order", FlowProduct.NewKey())).Status);
    }

    [Fact]
    public async Task A_void_that_failed_is_made_up_for()
    {
        var held = await HeldAsync("stripe");
        await product.InjectAsync("stripe", "void", "429", Token);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await product.Stripe.PostAsync(held, "void", new { }, Token)).Status);
        await SweepAsync();
        Assert.Equal("authorized", (await product.Stripe.GetAsync($"/v1/payments/{held}", Token)).GetProperty("status").GetString());

        await AgeAsync(held, "5 hours");

        await product.Stripe.UntilAsync(held, "voided", Token);
    }

    [Fact]
    public async Task A_capture_that_races_the_sweep_either_wins_or_is_refused_and_the_provider_agrees()
    {
        var held = new List<string>();
        for (var i = 0; i < 12; i++)
        {
            held.Add(await HeldAsync("stripe"));
        }

        await Task.WhenAll(held.SelectMany(payment => new Task[] { AgeAsync(payment, "8 days"), product.Stripe.PostAsync(payment, "capture", new { }, Token) }));

        foreach (var payment in held)
        {
            var settled = await product.Stripe.UntilAsync(payment, p => p.GetProperty("status").GetString() is "captured" or "expired", Token);
            var charge = Assert.Single(await product.ChargesAsync("stripe", payment, Token));
            Assert.Equal(settled.GetProperty("status").GetString() == "captured" ? "captured" : "canceled", charge.GetProperty("status").GetString());
            Assert.Equal(settled.GetProperty("amount_captured").GetInt64(), charge.GetProperty("amount_captured").GetInt64());
        }
    }

    [Theory]
    [InlineData("stripe")]
    [InlineData("adyen")]
    public async Task A_hold_that_runs_out_at_the_provider_is_told_and_released_here(string provider)
    {
        await product.SettingsAsync(new { hold_milliseconds = 1_500 }, Token);
        try
        {
            var held = await HeldAsync(provider);
            await product.ShopOf(provider).UntilAsync(held, "voided", Token);
            Assert.Equal(HttpStatusCode.Conflict, (await product.ShopOf(provider).PostAsync(held, "capture", new { }, Token)).Status);
        }
        finally
        {
            await product.SettingsAsync(new { hold_milliseconds = 0 }, Token);
        }
    }

    [Fact]
    public async Task The_end_of_a_hold_that_is_told_during_a_capture_waits_for_what_becomes_of_the_capture()
    {
        // Captured too late: the provider refuses the capture, cancels the hold, and tells so while our call still waits for an answer.
        var held = (await product.Stripe.PayAsync(Token, capture: "manual", number: "4000000000008617")).Id;
        await product.InjectAsync("stripe", "capture", "timeout_after", Token);

        await product.Stripe.PostAsync(held, "capture", new { }, Token);

        await product.Stripe.UntilAsync(held, "voided", Token);
        Assert.DoesNotContain(await product.IncidentsAsync(held, Token), i => i.GetProperty("kind").GetString() == "contradiction");
    }

    [Fact]
    public async Task What_the_provider_cannot_release_is_raised_once()
    {
        var held = await HeldAsync("stripe");
        Assert.Equal(HttpStatusCode.OK, (await product.Stripe.PostAsync(held, "capture", new { amount = 4_000, final = false }, Token)).Status);
        await AgeAsync(held, "8 days");

        var raised = await RecoveryProduct.UntilAsync(() => product.IncidentsAsync(held, Token), i => i.Count > 0, Token);
        await product.RunAsync("UPDATE holds SET leased_until = NULL WHERE payment_id = $1", held, Token);
        await SweepAsync();

        Assert.Equal("orphaned_hold_stuck", Assert.Single(raised).GetProperty("kind").GetString());
        Assert.Single(await product.IncidentsAsync(held, Token));
    }

    private async Task<string> HeldAsync(string provider, string? order = null, string initiator = "customer")
    {
        var shop = product.ShopOf(provider);
        var held = await FlowProduct.PostAsync(
            shop.Merchant, "/v1/payments",
            new { amount = 10_000, currency = "USD", payment_method = new { token = await shop.TokenAsync(Token) }, capture_method = "manual", order_id = order ?? "held", initiated_by = initiator }, Token);
        Assert.True(held.Status == HttpStatusCode.Created, held.Body);
        return held.Id;
    }

    /// <summary>How many payments of this id carry a limit that their provider told, some days ahead.</summary>
    private async Task<long> LimitedByProviderAsync(string payment)
    {
        Assert.True(Core.Id.TryParse<Core.PaymentId>(payment, out var id));
        await using var command = product.Payments.CreateCommand("SELECT count(*) FROM payments WHERE id = $1 AND capture_before BETWEEN now() + interval '4 days' AND now() + interval '31 days'");
        command.Parameters.Add(new() { Value = id.Value });
        return (long)(await command.ExecuteScalarAsync(Token))!;
    }

    private Task AgeAsync(string payment, string age) =>
        product.RunAsync($"UPDATE holds SET held_since = now() - interval '{age}', leased_until = NULL WHERE payment_id = $1", payment, Token);

    private Task<Answer> CancelAsync(string order, string key) =>
        FlowProduct.PostAsync(product.Stripe.Merchant, $"/v1/orders/{Uri.EscapeDataString(order)}/cancel", new { }, Token, key);

    private async Task SweepAsync() => await product.Host.ServicesOf(Platform.Names.Services.Api).GetRequiredService<OrphanedHolds>().SweepAsync(Token);

    private async Task SetWindowAsync(Shop shop, int days)
    {
        using var answer = await product.Operator.PatchAsJsonAsync($"/ops/v1/merchants/{shop.MerchantId}", new { capture_window_days = days }, Token);
        Assert.Equal(days, (await ProductFixture.JsonAsync(answer, Token)).GetProperty("capture_window_days").GetInt32());
    }
}
