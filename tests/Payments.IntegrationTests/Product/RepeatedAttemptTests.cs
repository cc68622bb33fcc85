using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Xunit;

namespace Payments.IntegrationTests.Product;

/// <summary>A payment of which the provider's answer was lost, while the provider can be reached no more.</summary>
[Collection(ProductFixture.Name)]
public sealed class RepeatedAttemptTests(ProductFixture product) : IAsyncLifetime
{
    private string merchant = "";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        // Others made merchants too: the one that these keys belong to is named by its own payments.
        using var any = await product.PostAsync(
            product.Merchant, "/v1/payments", new { amount = 1_000, currency = "USD", payment_method = new { token = await product.TokenAsync(Cancel) } }, Cancel);
        merchant = (await ProductFixture.JsonAsync(any, Cancel)).GetProperty("merchant_id").GetString()!;
        await PreferAsync("adyen");
    }

    public async ValueTask DisposeAsync()
    {
        await product.ClearFaultsAsync(Cancel);
        await PreferAsync(null);
    }

    [Fact]
    public async Task A_repeat_that_the_provider_turns_away_leaves_the_payment_undecided_and_a_later_one_finds_the_charge()
    {
        var token = await product.TokenAsync(Cancel);
        await product.InjectFaultAsync(new { provider = "adyen", operation = "authorize", kind = "drop_after", count = 1 }, Cancel);
        await product.InjectFaultAsync(new { provider = "adyen", operation = "webhook", kind = "webhook_lost", count = 1 }, Cancel);
        using var created = await product.PostAsync(
            product.Merchant, "/v1/payments", new { amount = 4_321, currency = "USD", payment_method = new { token }, capture_method = "manual" }, Cancel);
        Assert.Equal(HttpStatusCode.Accepted, created.StatusCode);
        var payment = (await ProductFixture.JsonAsync(created, Cancel)).GetProperty("id").GetString()!;

        await product.InjectFaultAsync(new { provider = "adyen", operation = "authorize", kind = "429" }, Cancel);
        while (await StruckAsync() == 0)
        {
            await Task.Delay(100, Cancel);
        }

        await Task.Delay(1_000, Cancel);
        Assert.Equal("processing", await StatusAsync(payment));

        await product.ClearFaultsAsync(Cancel);
        while (await StatusAsync(payment) is "processing")
        {
            await Task.Delay(200, Cancel);
        }

        Assert.Equal("authorized", await StatusAsync(payment));
        var charges = (await product.BooksAsync("adyen", Cancel)).GetProperty("charges").EnumerateArray()
            .Concat((await product.BooksAsync("stripe", Cancel)).GetProperty("charges").EnumerateArray())
            .Where(c => c.GetProperty("amount").GetInt64() == 4_321);
        Assert.Equal("authorized", Assert.Single(charges).GetProperty("status").GetString());
    }

    // A refusal of the provider's own, and a decline that says something about the provider: the other one gets the payment.
    [Theory]
    [InlineData("429", "4242424242424242", "captured", "stripe")]
    [InlineData(null, "4000000000000119", "declined", "stripe")]
    [InlineData(null, "4000000000009995", "declined", "adyen")]
    public async Task A_payment_goes_to_the_other_provider_within_the_same_request_where_that_is_safe(string? fault, string number, string status, string provider)
    {
        var token = await product.TokenAsync(Cancel, number);
        if (fault is not null)
        {
            await product.InjectFaultAsync(new { provider = "adyen", operation = "authorize", kind = fault, count = 1 }, Cancel);
        }

        using var created = await product.PostAsync(product.Merchant, "/v1/payments", new { amount = 1_000, currency = "USD", payment_method = new { token }, capture_method = "automatic" }, Cancel);
        var payment = await ProductFixture.JsonAsync(created, Cancel);
        Assert.Equal((HttpStatusCode.Created, status, provider), (created.StatusCode, payment.GetProperty("status").GetString(), payment.GetProperty("provider").GetString()));
    }

    private async Task<long> StruckAsync() =>
        (await product.Simulators.GetFromJsonAsync<JsonElement>("/faults", Cancel)).GetProperty("faults").EnumerateArray()
            .Where(f => f.GetProperty("kind").GetString() == "429").Sum(f => f.GetProperty("struck").GetInt64());

    private async Task<string?> StatusAsync(string payment) =>
        (await product.Merchant.GetFromJsonAsync<JsonElement>($"/v1/payments/{payment}", Cancel)).GetProperty("status").GetString();

    private async Task PreferAsync(string? provider)
    {
        using var answer = await product.Operator.PatchAsJsonAsync($"/ops/v1/merchants/{merchant}", new { routing = new { preferred_provider = provider } }, Cancel);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Cancel));
    }
}
