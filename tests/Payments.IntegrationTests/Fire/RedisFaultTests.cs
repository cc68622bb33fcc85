using Payments.Platform;
using StackExchange.Redis;
using Xunit;

namespace Payments.IntegrationTests.Fire;

[Collection(ProductFixture.Name)]
public sealed class RedisFaultTests(ProductFixture product)
{
    private const string Currency = "MXN";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Redis_stopped_hung_flushed_and_restarted_under_traffic_costs_time_and_nothing_else()
    {
        var redis = product.Host.Backends.Redis!;
        using var shop = await Shop.OpenAsync(product, "Fire at Redis", Token);
        await using var traffic = new Traffic(shop, Currency);
        try
        {
            await traffic.GoOnAsync(10, Token);
            await redis.StopAsync();
            await traffic.GoOnAsync(15, Token);
            await redis.StartAsync(Token);
            await traffic.GoOnAsync(15, Token);
            redis.Pause();
            await traffic.GoOnAsync(15, Token);
            redis.Resume();
            for (var i = 0; i < 5; i++)
            {
                await traffic.GoOnAsync(3, Token);
                await redis.FlushAsync(Token);
            }

            await redis.KillAsync();
            await redis.StartAsync(Token);
            await traffic.GoOnAsync(15, Token);
            await redis.FlushAsync(Token);
            await Eventually.BecomesTrueAsync("Redis is used again", async () => await AnswersInRedisAsync() > 0 ? null : "it holds no answers", Token);
        }
        finally
        {
            redis.Resume();
            if (redis.ProcessId is null)
            {
                await redis.StartAsync(CancellationToken.None);
            }
        }

        await traffic.StopAsync();
        Assert.Empty(traffic.Unexpected);

        var charges = await Books.ChargesAsync(product, Currency, Token);
        Assert.Equal(traffic.Purchases.Select(p => (p.PaymentId, p.Amount)).Order(), charges.Select(c => (c.Payment, c.Amount)).Order());
        foreach (var purchase in traffic.Purchases)
        {
            Assert.Equal((purchase.Answer, true), await ReplayAsync(shop, purchase));
        }

        Assert.Equal(traffic.Purchases.Count, (await Shop.ListAsync(shop.Merchant, "/v1/payments", Token)).Count);
    }

    private async Task<(string Answer, bool Replayed)> ReplayAsync(Shop shop, Purchase purchase)
    {
        using var answer = await product.PostAsync(shop.Merchant, "/v1/payments", purchase.Body, Token, purchase.Key);
        return (await answer.Content.ReadAsStringAsync(Token), answer.Headers.Contains("Idempotency-Replayed"));
    }

    private async Task<int> AnswersInRedisAsync()
    {
        using var connection = await ConnectionMultiplexer.ConnectAsync(product.Host.Backends.Connections[Names.Connections.Redis]);
        return connection.GetServer(connection.GetEndPoints().Single()).Keys(pattern: "payments:answer:*").Count();
    }
}
