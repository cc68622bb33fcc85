using System.Net;
using System.Text.RegularExpressions;
using Payments.IntegrationTests.Webhooks;
using Xunit;

namespace Payments.IntegrationTests.Fire;

/// <summary>
/// The broker loses everything it holds, at an address that stays: every event still takes effect in every consumer, once. Each test
/// goes on until both consumers really had to fetch what the broker lost.
/// </summary>
[Collection(ProductFixture.Name)]
public sealed partial class BrokerLossTests(ProductFixture product)
{
    private const int MostRounds = 40;
    private const int AtOnce = 4;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_broker_wiped_under_traffic_loses_no_effect_and_repeats_none()
    {
        const string currency = "NOK";
        await using var server = await MerchantServer.StartAsync(Token);
        using var shop = await Shop.OpenAsync(product, "Fire at the broker", Token);
        var consequences = await Consequences.FollowAsync(product, shop, server, Token);
        var before = await RefilledAsync();
        var traffic = new Traffic(shop, currency);
        await using (traffic)
        {
            for (var round = 0; round < 5 || (!AllRefilled(before, await RefilledAsync()) && round < MostRounds); round++)
            {
                await traffic.GoOnAsync(8, Token);
                product.Host.Backends.Kafka!.Wipe();
            }

            await traffic.GoOnAsync(10, Token);
        }

        Assert.Empty(traffic.Unexpected);
        await consequences.SettleAsync(Token);

        Assert.True(AllRefilled(before, await RefilledAsync()), "The broker lost nothing that a consumer needed.");
        Assert.True(await consequences.AssertOnceEachAsync(currency, Token) > traffic.Purchases.Count);
    }

    [Fact]
    public async Task A_broker_wiped_just_after_the_last_event_loses_no_effect_and_repeats_none()
    {
        const string currency = "DKK";
        await using var server = await MerchantServer.StartAsync(Token);
        using var shop = await Shop.OpenAsync(product, "Fire at a quiet broker", Token);
        var consequences = await Consequences.FollowAsync(product, shop, server, Token);
        var before = await RefilledAsync();

        for (var round = 0; round < 3 || (!AllRefilled(before, await RefilledAsync()) && round < MostRounds); round++)
        {
            await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(i => PayAsync(shop, 500_000 + (AtOnce * round) + i, currency)));

            // From "not yet produced" to "produced and hardly consumed", and no traffic that would show the gap.
            await Task.Delay(round * 5, Token);
            product.Host.Backends.Kafka!.Wipe();
            await consequences.SettleAsync(Token);
        }

        Assert.True(AllRefilled(before, await RefilledAsync()), "The broker lost nothing that a consumer needed.");
        Assert.True(await consequences.AssertOnceEachAsync(currency, Token) >= 3 * AtOnce);
    }

    private async Task PayAsync(Shop shop, int amount, string currency)
    {
        using var paid = await product.PostAsync(shop.Merchant, "/v1/payments", new { amount, currency, payment_method = new { token = shop.Token } }, Token);
        Assert.Equal(HttpStatusCode.Created, paid.StatusCode);
    }

    private static bool AllRefilled(Dictionary<string, int> before, Dictionary<string, int> now) =>
        new[] { "ledger", "webhooks" }.All(c => now.GetValueOrDefault(c) > before.GetValueOrDefault(c));

    /// <summary>How often each consumer of this product had to read the publisher's log, by the product's own account.</summary>
    private async Task<Dictionary<string, int>> RefilledAsync()
    {
        await using var file = new FileStream(product.Host.LogFile, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(file);
        return Refilled().Matches(await reader.ReadToEndAsync(Token)).GroupBy(m => m.Groups[1].Value).ToDictionary(g => g.Key, g => g.Count());
    }

    [GeneratedRegex("Consumer (\\w+) reads events [0-9]+ to [0-9]+ of partition")]
    private static partial Regex Refilled();
}
