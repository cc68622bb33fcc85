using System.Text.Json;
using Payments.IntegrationTests.Fire;
using Payments.IntegrationTests.Webhooks;
using Xunit;

namespace Payments.IntegrationTests.Drills;

/// <summary>docs/runbooks/kafka-loss.md</summary>
[Collection(DrillProduct.Name)]
public sealed class KafkaLossDrill(DrillProduct product)
{
    private const string Currency = "CZK";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_broker_is_away_and_comes_back_empty_and_every_event_takes_effect_once()
    {
        var runbook = Runbook.Open("kafka-loss");
        var broker = product.Host.Backends.Kafka!;
        await using var server = await MerchantServer.StartAsync(Token);
        using var shop = await Shop.OpenAsync(product, "Drill: Kafka", Token);
        var consequences = await Consequences.FollowAsync(product, shop, server, Token);
        var traffic = new Traffic(shop, Currency);
        await using (traffic)
        {
            await traffic.GoOnAsync(4, Token);
            broker.CutOff();
            try
            {
                await traffic.GoOnAsync(8, Token);
                Assert.Contains(await runbook.SqlAsync("waiting", product.ConnectionString, Token), row => (long)row["waiting"]! > 0);
                await DrillSteps.UntilHealthAsync(product.Host.Addresses.Api, "degraded", Token, "outbox");
                broker.Wipe(); // also lets connections through again
            }
            finally
            {
                broker.Restore();
            }

            await traffic.GoOnAsync(4, Token);
        }

        Assert.Empty(traffic.Unexpected);
        await consequences.SettleAsync(Token);
        await Eventually.BecomesTrueAsync("everything is produced", async () => (await runbook.SqlAsync("waiting", product.ConnectionString, Token)).Count == 0 ? null : "some wait", Token);
        await Eventually.BecomesTrueAsync(
            "nobody is behind", async () => (await runbook.SqlAsync("progress", product.ConnectionString, Token)) is { Count: 5 } rows && rows.All(r => (long)r["behind"]! == 0) ? null : "someone is behind", Token);
        var (status, consumers) = await runbook.HttpAsync("consumers", product.Operator, Token);
        Assert.Equal(200, status);
        var ledger = consumers.GetProperty("data").EnumerateArray().Single(c => c.Text("name") == "ledger");
        Assert.Equal(JsonValueKind.Null, ledger.GetProperty("halted_at").ValueKind);
        Assert.True(await consequences.AssertOnceEachAsync(Currency, Token) > traffic.Purchases.Count);
        runbook.AssertAllExecuted();
    }
}
