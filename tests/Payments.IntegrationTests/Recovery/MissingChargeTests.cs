using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Payments.Api.Recovery;
using Payments.Connectors;
using Payments.Core;
using Payments.IntegrationTests.Fire;
using Payments.Platform;
using Xunit;
using Shop = Payments.IntegrationTests.Fire.Shop;

namespace Payments.IntegrationTests.Recovery;

/// <summary>Payments that we have and their provider does not.</summary>
[Collection(ChargesProduct.Name)]
public sealed class MissingChargeTests(ChargesProduct product)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("automatic", "captured")]
    [InlineData("manual", "authorized")]
    public async Task A_charge_that_the_provider_lost_is_told_to_a_person_and_moves_nothing(string capture, string status)
    {
        using var shop = await Shop.OpenAsync(product, "Lost", Token, "stripe");
        string payment, reference;
        long began;
        do
        {
            // It is looked for half an overlap, six seconds, after it was made; a busy machine may have lost it too late for that.
            began = TimeProvider.System.GetTimestamp();
            (payment, reference) = await PayAsync(shop, capture, status);
            using var lost = await product.Simulators.DeleteAsync(new Uri($"/books/stripe/charges/{reference}", UriKind.Relative), Token);
            Assert.Equal(HttpStatusCode.NoContent, lost.StatusCode);
        }
        while (TimeProvider.System.GetElapsedTime(began) > TimeSpan.FromSeconds(5));

        var incident = await product.FindAsync("/ops/v1/incidents?kind=charge_missing", i => i.GetProperty("payment_id").GetString() == payment, Token);
        Assert.Equal(("critical", "open", shop.Id), (incident.GetProperty("severity").GetString(), incident.GetProperty("status").GetString(), incident.GetProperty("merchant_id").GetString()));
        Assert.Contains(reference, incident.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Equal(status, (await product.GetAsync($"/ops/v1/payments/{payment}", Token)).GetProperty("status").GetString());
    }

    [Fact]
    public async Task What_a_list_that_lags_does_not_have_is_asked_for_and_alarms_nobody()
    {
        using var shop = await Shop.OpenAsync(product, "Lagging", Token, "stripe");
        var (payment, reference) = await PayAsync(shop, "automatic", "captured");
        var api = product.Host.ServicesOf(Names.Services.Api);
        var stripe = api.GetRequiredService<ConnectorRegistry>().All.Single(c => c is { Provider: Provider.Stripe, Mode: Mode.Test });
        var now = TimeProvider.System.GetUtcNow();

        Assert.True(await api.GetRequiredService<MissingCharges>().LookAsync(stripe, new(Provider.Stripe, Mode.Test, now.AddMinutes(-1), now.AddMinutes(1), 1, false), TimeSpan.FromSeconds(10), [], Token));

        Assert.DoesNotContain(await Shop.ListAsync(product.Operator, "/ops/v1/incidents?kind=charge_missing", Token), i => i.GetProperty("payment_id").GetString() == payment);
        Assert.NotEmpty(reference);
    }

    private async Task<(string Payment, string Reference)> PayAsync(Shop shop, string capture, string status)
    {
        using var answer = await product.PostAsync(shop.Merchant, "/v1/payments", new { amount = 6_100, currency = "USD", payment_method = new { token = shop.Token }, capture_method = capture }, Token);
        var payment = (await ProductFixture.JsonAsync(answer, Token)).GetProperty("id").GetString()!;
        var reference = "";
        await Eventually.BecomesTrueAsync(
            $"it is {status}",
            async () =>
            {
                var seen = await product.GetAsync($"/ops/v1/payments/{payment}", Token);
                reference = seen.GetProperty("provider_reference").GetString() ?? "";
                return seen.GetProperty("status").GetString() == status ? null : seen.ToString();
            },
            Token);
        return (payment, reference);
    }
}
