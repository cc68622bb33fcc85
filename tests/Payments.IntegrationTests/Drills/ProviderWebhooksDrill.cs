using Payments.IntegrationTests.Fire;
using Payments.IntegrationTests.Webhooks;
using Xunit;

namespace Payments.IntegrationTests.Drills;

/// <summary>docs/runbooks/provider-webhooks.md</summary>
[Collection(DrillProduct.Name)]
public sealed class ProviderWebhooksDrill(DrillProduct product) : IAsyncDisposable
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync() => await product.ClearFaultsAsync(CancellationToken.None);

    [Theory]
    [InlineData("webhook_duplicate", 300, "GBP")]
    [InlineData("webhook_reorder", 300, "ZAR")]
    [InlineData("webhook_late", 5_000, "AUD")]
    public async Task Webhooks_come_twice_or_late_or_in_another_order_and_everything_happens_once(string fault, int delay, string currency)
    {
        var runbook = Runbook.Open("provider-webhooks");
        await using var server = await MerchantServer.StartAsync(Token);
        using var shop = await Shop.OpenAsync(product, "Drill: " + fault, Token);
        var consequences = await Consequences.FollowAsync(product, shop, server, Token);
        var before = (await runbook.HttpAsync("incidents", product.Operator, Token)).Body.GetProperty("data").GetArrayLength();
        foreach (var provider in new[] { "stripe", "adyen" })
        {
            await product.InjectFaultAsync(new { provider, operation = "webhook", kind = fault, delay_ms = delay }, Token);
        }

        var traffic = new Traffic(shop, currency);
        await using (traffic)
        {
            await traffic.GoOnAsync(9, Token);
        }

        Assert.Empty(traffic.Unexpected);
        await consequences.SettleAsync(Token);
        Assert.True(await consequences.AssertOnceEachAsync(currency, Token) > traffic.Purchases.Count);
        await Eventually.BecomesTrueAsync(
            "every notice has its verdict",
            async () => (await runbook.SqlAsync("verdicts", product.ConnectionString, Token)).FirstOrDefault(r => r["verdict"] is "waiting") is { } waiting ? $"{waiting["notices"]} wait" : null,
            Token);
        Assert.DoesNotContain(await runbook.SqlAsync("verdicts", product.ConnectionString, Token), r => r["verdict"] is "contradiction");
        Assert.Empty(await runbook.SqlAsync("overdue", product.ConnectionString, Token));
        Assert.Equal(before, (await runbook.HttpAsync("incidents", product.Operator, Token)).Body.GetProperty("data").GetArrayLength());
        runbook.AssertAllExecuted();
    }
}
