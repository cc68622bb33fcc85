using System.Text.Json;
using Xunit;

namespace Payments.IntegrationTests.Webhooks;

/// <summary>From the merchant's point of view: everything through the API's own origin, with the merchant's key.</summary>
[Collection(ProductFixture.Name)]
public sealed class ProductWebhookTests(ProductFixture product)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_payment_is_told_to_the_merchants_endpoint_in_a_webhook_that_verifies()
    {
        await using var merchant = await MerchantServer.StartAsync(Cancellation);
        using var made = await product.PostAsync(product.Merchant, "/v1/webhook_endpoints", new { url = merchant.Url, event_types = new[] { "payment.captured" } }, Cancellation);
        var endpoint = await ProductFixture.JsonAsync(made, Cancellation);
        var id = endpoint.GetProperty("id").GetString();

        var token = await product.TokenAsync(Cancellation);
        using var paid = await product.PostAsync(product.Merchant, "/v1/payments", new { amount = 4_200, currency = "USD", payment_method = new { token } }, Cancellation);
        var payment = (await ProductFixture.JsonAsync(paid, Cancellation)).GetProperty("id").GetString();
        await WebhooksWorld.UntilAsync(() => Task.FromResult(Of(merchant, payment) is not null), "the webhook", Cancellation);

        var verified = await StandardWebhooksLibrary.VerifyAsync(Of(merchant, payment)!, endpoint.GetProperty("secret").GetString()!, Cancellation);
        Assert.Equal("payment.captured", verified.GetProperty("type").GetString());
        Assert.Equal(4_200, verified.GetProperty("data").GetProperty("amount_captured").GetInt64());

        // The API's own view is the same: the event, and the delivery in the endpoint's log.
        var listed = await GetAsync($"/v1/events?payment={payment}&type=payment.captured");
        Assert.Equal(verified.GetProperty("id").GetString(), Assert.Single(listed.GetProperty("data").EnumerateArray()).GetProperty("id").GetString());
        await WebhooksWorld.UntilAsync(
            async () => (await GetAsync($"/v1/webhook_endpoints/{id}/deliveries?status=delivered")).GetProperty("data").GetArrayLength() > 0, "the delivery to be logged", Cancellation);

        using var deleted = await product.Merchant.DeleteAsync(new Uri($"/v1/webhook_endpoints/{id}", UriKind.Relative), Cancellation);
        Assert.Equal(System.Net.HttpStatusCode.NoContent, deleted.StatusCode);
    }

    private static Received? Of(MerchantServer merchant, string? payment) =>
        merchant.Received.FirstOrDefault(r => JsonSerializer.Deserialize<JsonElement>(r.Body).GetProperty("data").GetProperty("id").GetString() == payment);

    private async Task<JsonElement> GetAsync(string path)
    {
        using var answer = await product.Merchant.GetAsync(new Uri(path, UriKind.Relative), Cancellation);
        return await ProductFixture.JsonAsync(answer, Cancellation);
    }
}
