using Npgsql;
using Payments.Core;
using Payments.IntegrationTests.Fire;
using Payments.IntegrationTests.Webhooks;
using Payments.Platform;
using Payments.Platform.Outbox;
using Xunit;

namespace Payments.IntegrationTests.Drills;

/// <summary>docs/runbooks/ledger-gap.md</summary>
[Collection(DrillProduct.Name)]
public sealed class LedgerGapDrill(DrillProduct product)
{
    private const string Currency = "SGD";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_event_skipped_by_hand_is_named_by_the_control_and_posted_after_the_checkpoint_is_put_back()
    {
        var runbook = Runbook.Open("ledger-gap");
        await using var server = await MerchantServer.StartAsync(Token);
        using var shop = await Shop.OpenAsync(product, "Drill: gap", Token);
        var consequences = await Consequences.FollowAsync(product, shop, server, Token);
        await DrillSteps.PayAsync(product, shop, Currency, 40_001, Token);
        await consequences.SettleAsync(Token);
        var skipped = await SkipAsync(shop);

        await Eventually.BecomesTrueAsync("the control names the gap", async () => (await FindingsAsync(runbook)).Any(f => (string)f["kind"]! == "journal_missing") ? null : "no finding", Token);
        Assert.False((await runbook.HttpAsync("completeness", product.Operator, Token)).Body.GetProperty("complete").GetBoolean());
        var missing = (await FindingsAsync(runbook)).Where(f => (string)f["kind"]! == "journal_missing").ToList();
        Assert.All(missing, f => Assert.Equal(skipped.Partition, f["partition"]));

        var rewound = await runbook.SqlAsync("rewind", product.ConnectionString, Token, ("partition", missing[0]["partition"]!), ("seq", missing[0]["seq"]!));
        Assert.Single(rewound);
        await Eventually.BecomesTrueAsync(
            "the ledger is complete", async () => (await runbook.HttpAsync("completeness", product.Operator, Token)).Body is var now && now.GetProperty("complete").GetBoolean() ? null : now.GetProperty("findings").ToString(), Token);
        await consequences.SettleAsync(Token);
        Assert.Equal(2, await consequences.AssertOnceEachAsync(Currency, Token));
        Assert.True((await runbook.HttpAsync("verify", product.Operator, Token)).Body.GetProperty("intact").GetBoolean());
        runbook.AssertAllExecuted();
    }

    private async Task<List<Dictionary<string, object?>>> FindingsAsync(Runbook runbook) => await runbook.SqlAsync("findings", product.ConnectionString, Token);

    /// <summary>Holds the ledger's checkpoints, lets a payment be made, and moves its partition on as if its first event had been applied.</summary>
    private async Task<(int Partition, long Sequence)> SkipAsync(Shop shop)
    {
        await using var ledger = NpgsqlDataSource.Create(product.ConnectionString(Names.Databases.Ledger));
        await using var connection = await ledger.OpenConnectionAsync(Token);
        await using var transaction = await connection.BeginTransactionAsync(Token);
        await using (var hold = new NpgsqlCommand("SELECT FROM checkpoints WHERE consumer = 'ledger' ORDER BY partition FOR UPDATE", connection, transaction))
        {
            await hold.ExecuteNonQueryAsync(Token);
        }

        var payment = await DrillSteps.PayAsync(product, shop, Currency, 40_002, Token);
        Assert.True(Id.TryParse<PaymentId>(payment.Text("id"), out var id));
        var partition = LogicalPartition.Of(id);
        await using var skip = new NpgsqlCommand("UPDATE checkpoints SET seq = seq + 1 WHERE consumer = 'ledger' AND partition = $1 RETURNING seq", connection, transaction)
        {
            Parameters = { new() { Value = partition } },
        };
        var sequence = (long)(await skip.ExecuteScalarAsync(Token))!;
        await transaction.CommitAsync(Token);
        return (partition, sequence);
    }
}
