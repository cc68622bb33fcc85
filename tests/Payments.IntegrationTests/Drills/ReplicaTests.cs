using System.Net;
using Npgsql;
using Payments.Api.Flow;
using Payments.Core;
using Payments.IntegrationTests.Fire;
using Payments.IntegrationTests.Flow;
using Payments.IntegrationTests.Product;
using Payments.IntegrationTests.Webhooks;
using Payments.Platform;
using Payments.Platform.Outbox;
using Xunit;
using Shop = Payments.IntegrationTests.Fire.Shop;

namespace Payments.IntegrationTests.Drills;

/// <summary>Two replicas of the API on one database.</summary>
[Collection(DrillProduct.Name)]
public sealed class ReplicaTests(DrillProduct product, EmbeddedServers servers)
{
    private const string Currency = "INR";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Two_replicas_that_get_the_same_requests_at_once_charge_once_and_number_without_gaps()
    {
        await using var second = await ApiReplica.StartAsync(product, Token);
        await using var server = await MerchantServer.StartAsync(Token);
        using var shop = await Shop.OpenAsync(product, "Two replicas", Token);
        var consequences = await Consequences.FollowAsync(product, shop, server, Token);
        using var elsewhere = ProductFixture.Client(second.Address, null);
        elsewhere.DefaultRequestHeaders.Authorization = shop.Merchant.DefaultRequestHeaders.Authorization;
        HttpClient[] replicas = [shop.Merchant, elsewhere];

        await Parallel.ForEachAsync(Enumerable.Range(1, 40), new ParallelOptions { MaxDegreeOfParallelism = 10, CancellationToken = Token }, async (i, _) =>
        {
            var body = new { amount = (i % 2 == 0 ? 500_000 : 20_000) + i, currency = Currency, payment_method = new { token = shop.Token }, capture_method = "manual" };
            var made = await EverywhereAsync(replicas, "/v1/payments", body, $"replicas-{i}");
            await EverywhereAsync(replicas, $"/v1/payments/{made.Id}/capture", new { }, $"replicas-{i}-capture");
        });

        await consequences.SettleAsync(Token);
        Assert.Equal(80, await consequences.AssertOnceEachAsync(Currency, Token));
        await using var database = NpgsqlDataSource.Create(product.ConnectionString(Names.Databases.Payments));
        Assert.Equal(0, await CountAsync(database, """
            SELECT count(*) FROM outbox_heads AS head
            WHERE head.seq <> (SELECT count(*) FROM outbox AS e WHERE e.partition = head.partition)
            """));
        Assert.Equal(0, await CountAsync(database, """
            SELECT count(*) FROM (SELECT version <= lag(version) OVER (PARTITION BY subject ORDER BY seq) AS backwards FROM outbox) AS o WHERE backwards
            """));
    }

    [Fact]
    public async Task Two_replicas_whose_batches_deadlock_both_write_everything_once()
    {
        await using var flow = await FlowDatabase.CreateAsync(servers, Token);
        await using var source = CommitChanges.Connect(flow.ConnectionString);
        using var signal = new OutboxSignal();
        await using var other = new PaymentWriter(new CommitChanges(source, new Deadlines(), signal), flow.Ids, TimeProvider.System);
        var (one, two) = (flow.Ids.New<MerchantId>(), flow.Ids.New<MerchantId>());
        var (first, second) = (flow.Opened(one, "first", amount: 1_000), flow.Opened(two, "second", amount: 1_000));
        await flow.Writer.WriteAsync(first);
        await flow.Writer.WriteAsync(second);
        // Whoever has a volume keeps it for a while before it asks for the next, so that both meet.
        await flow.RunAsync("""
            CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(4); RETURN NEW; END $$;
            CREATE TRIGGER slow BEFORE UPDATE ON merchant_volumes FOR EACH ROW EXECUTE FUNCTION slow()
            """, Token);

        // A limited volume is locked before one that is given back: each batch takes the two merchants in the opposite order. Both writers
        // are held up by a lock of ours until what they shall write together has arrived.
        await using var connection = await source.OpenConnectionAsync(Token);
        await using var holding = await connection.BeginTransactionAsync(Token);
        await using (var hold = new NpgsqlCommand("LOCK TABLE merchant_volumes IN SHARE MODE", connection, holding))
        {
            await hold.ExecuteNonQueryAsync(Token);
        }

        PaymentWriter[] writers = [flow.Writer, other];
        var writes = writers.Select(w => w.WriteAsync(flow.Opened(flow.Ids.New<MerchantId>(), "busy", amount: 1))).ToList();
        await Eventually.BecomesTrueAsync(
            "both writers wait", async () => await flow.CountAsync("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'merchant_volumes'::regclass", Token) == 2 ? null : "not yet", Token);
        foreach (var (writer, limited, given) in new[] { (flow.Writer, two, first), (other, one, second) })
        {
            writes.Add(writer.WriteAsync(flow.Opened(limited, "limited", amount: 500, most: 1_000_000)));
            writes.Add(writer.WriteAsync(Declined(flow, given)));
        }

        await holding.CommitAsync(Token);
        Assert.All(await Task.WhenAll(writes), v => Assert.Equal(Verdict.Committed, v));
        await Eventually.BecomesTrueAsync(
            "the deadlock is counted", async () => await flow.CountAsync("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()", Token) > 0 ? null : "none yet", Token);
        Assert.Equal(2, await flow.CountAsync("SELECT count(*) FROM outbox WHERE type = 'payment.declined'", Token));
        Assert.Equal(2, await flow.CountAsync($"SELECT count(*) FROM merchant_volumes WHERE merchant_id IN ('{one.Value}', '{two.Value}') AND amount = 500", Token));
    }

    private static Change Declined(FlowDatabase flow, Change opened)
    {
        var fact = new Fact(OperationKind.Authorize, FactOutcome.Declined, Provider.Stripe, flow.Ids.New<OperationId>(), FlowDatabase.Now())
        {
            AttemptId = opened.After.AuthorizingAttempt!.Id,
            Decline = new DeclineView("generic_decline", DeclineKind.Hard, null, "Declined."),
        };
        var applied = (Application.Applied)Applying.Apply(opened.After, fact);
        return Changes.Between(opened.After, applied.Payment, applied.Happenings);
    }

    /// <summary>The same request to every replica at once, twice each, until all have given the same final answer.</summary>
    private static async Task<Answer> EverywhereAsync(HttpClient[] replicas, string path, object body, string key)
    {
        while (true)
        {
            var answers = await Task.WhenAll(replicas.Concat(replicas).Select(r => FlowProduct.PostAsync(r, path, body, Token, key)));
            Assert.All(answers, a => Assert.True(a.Status is HttpStatusCode.OK or HttpStatusCode.Created or HttpStatusCode.Accepted or HttpStatusCode.Conflict, a.Body));
            var final = answers.Where(a => a.Status is HttpStatusCode.OK or HttpStatusCode.Created).ToList();
            Assert.True(final.DistinctBy(a => a.Body).Count() <= 1, "one key has two answers");
            if (final.Count == answers.Length)
            {
                return final[0];
            }

            await Task.Delay(50, Token);
        }
    }

    private static async Task<long> CountAsync(NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync(Token))!;
    }
}
