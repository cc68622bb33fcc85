using Payments.IntegrationTests.Fire;
using Xunit;

namespace Payments.IntegrationTests.Drills;

/// <summary>docs/runbooks/redis-loss.md</summary>
[Collection(DrillProduct.Name)]
public sealed class RedisLossDrill(DrillProduct product)
{
    private const string Currency = "PLN";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Redis_is_killed_hung_and_replaced_by_an_empty_one_and_no_request_notices()
    {
        var runbook = Runbook.Open("redis-loss");
        var redis = product.Host.Backends.Redis!;
        var api = product.Host.Addresses.Api;
        using var shop = await Shop.OpenAsync(product, "Drill: Redis", Token);
        await using var traffic = new Traffic(shop, Currency);
        try
        {
            await traffic.GoOnAsync(4, Token);
            await redis.KillAsync();
            await traffic.GoOnAsync(6, Token);
            await DrillSteps.UntilHealthAsync(api, "degraded", Token, "redis");
            Assert.Contains("\"degraded\"", await runbook.BashAsync("health", Token, ("API", api.GetLeftPart(UriPartial.Authority))), StringComparison.Ordinal);

            await redis.StartAsync(Token);
            redis.Pause();
            await traffic.GoOnAsync(6, Token);
            await redis.KillAsync();
            await redis.StartAsync(Token);
            await redis.FlushAsync(Token);
            Assert.Equal("PONG", await runbook.BashAsync("ping", Token, ("REDIS_HOST", "127.0.0.1"), ("REDIS_PORT", redis.Port), ("REDIS_PASSWORD", product.Host.Secrets.RedisPassword)));
            await DrillSteps.UntilHealthAsync(api, "healthy", Token, "redis");
            await traffic.GoOnAsync(4, Token);
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
        var answers = await runbook.SqlAsync("answers", product.ConnectionString, Token);
        Assert.Contains(answers, row => row["state"] is "final" && (long)row["requests"]! >= traffic.Purchases.Count);
        var charges = await Books.ChargesAsync(product, Currency, Token);
        Assert.Equal(traffic.Purchases.Select(p => p.PaymentId).Order(), charges.Select(c => c.Payment).Order());
        runbook.AssertAllExecuted();
    }
}
