using Xunit;

namespace Payments.IntegrationTests.Webhooks;

/// <summary>Receipts as the product sends them with the settings that it starts with.</summary>
[Collection(ProductFixture.Name)]
public sealed class ProductReceiptTests(ProductFixture product)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_captured_payment_and_its_refund_are_told_to_the_customer_by_mail()
    {
        var token = await product.TokenAsync(Cancellation);
        var customer = $"{token}@example.com";
        using var paid = await product.PostAsync(product.Merchant, "/v1/payments", new { amount = 4_300, currency = "USD", payment_method = new { token }, receipt_email = customer }, Cancellation);
        var payment = (await ProductFixture.JsonAsync(paid, Cancellation)).GetProperty("id").GetString();
        await WebhooksWorld.UntilAsync(async () => (await MailsToAsync(customer)).Length == 1, "the receipt", Cancellation);
        Assert.Contains("Your payment of 43.00 USD was received.", Assert.Single(await MailsToAsync(customer)), StringComparison.Ordinal);

        using var refunded = await product.PostAsync(product.Merchant, $"/v1/payments/{payment}/refunds", new { amount = 1_000 }, Cancellation);
        await ProductFixture.JsonAsync(refunded, Cancellation);
        await WebhooksWorld.UntilAsync(async () => (await MailsToAsync(customer)).Length == 2, "the receipt of the refund", Cancellation);
        Assert.Single(await MailsToAsync(customer), m => m.Contains("10.00 USD were refunded to you.", StringComparison.Ordinal));
    }

    private async Task<string[]> MailsToAsync(string address)
    {
        var mails = await Task.WhenAll(Directory.GetFiles(product.Host.MailDirectory, "*.eml").Select(f => File.ReadAllTextAsync(f, Cancellation)));
        return [.. mails.Where(m => m.Contains(address, StringComparison.Ordinal))];
    }
}
