using Payments.IntegrationTests.Fire;
using Xunit;

namespace Payments.IntegrationTests.Drills;

/// <summary>docs/runbooks/provider-outage.md</summary>
[Collection(DrillProduct.Name)]
public sealed class ProviderOutageDrill(DrillProduct product)
{
    private const string Currency = "CAD";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_provider_goes_away_its_payments_are_made_at_the_other_and_it_returns()
    {
        var runbook = Runbook.Open("provider-outage");
        using var shop = await Shop.OpenAsync(product, "Drill: provider", Token);
        using (var preferred = await product.Operator.PatchAsync(new Uri($"/ops/v1/merchants/{shop.Id}", UriKind.Relative), System.Net.Http.Json.JsonContent.Create(new { routing = new { preferred_provider = "stripe" } }), Token))
        {
            await ProductFixture.JsonAsync(preferred, Token);
        }

        await BackAsync(runbook);
        Assert.Equal("stripe", (await DrillSteps.PayAsync(product, shop, Currency, 10_000, Token)).Text("provider"));
        await product.Stripe.CloseAsync();
        var paid = new List<string>();
        try
        {
            for (var i = 1; i <= 10; i++)
            {
                var payment = await DrillSteps.PayAsync(product, shop, Currency, 10_000 + i, Token);
                Assert.Equal("adyen", payment.Text("provider"));
                paid.Add(payment.Text("id"));
            }

            Assert.Equal(("open", 0), await StandingAsync(runbook));
        }
        finally
        {
            product.Stripe.Open();
        }

        var attempts = await runbook.SqlAsync("attempts", product.ConnectionString, Token);
        Assert.Contains(attempts, row => row["provider"] is "stripe" && row["state"] is "not_processed");
        Assert.Contains(attempts, row => row["provider"] is "adyen" && row["state"] is "succeeded" && (long)row["attempts"]! >= paid.Count);
        var charges = (await Books.ChargesAsync(product, Currency, Token)).Where(c => paid.Contains(c.Payment));
        Assert.Equal(paid.Select(p => (p, "adyen")).Order(), charges.Select(c => (c.Payment, c.Provider)).Order());
        await BackAsync(runbook);
        runbook.AssertAllExecuted();
    }

    /// <summary>Probes are real calls, so the way back needs nobody who pays.</summary>
    private async Task BackAsync(Runbook runbook) => await Eventually.BecomesTrueAsync(
        "the provider has its full share", async () => await StandingAsync(runbook) is ("closed", 100) ? null : $"{await StandingAsync(runbook)}", Token);

    private async Task<(string State, int Share)> StandingAsync(Runbook runbook)
    {
        var (status, providers) = await runbook.HttpAsync("providers", product.Operator, Token);
        Assert.Equal(200, status);
        var stripe = providers.GetProperty("data").EnumerateArray().Single(p => p.Text("provider") == "stripe" && p.Text("mode") == "test");
        return (stripe.Text("state"), stripe.GetProperty("share_percent").GetInt32());
    }
}
