using Microsoft.Extensions.Logging.Abstractions;
using Payments.Core;
using Payments.Ledger.Settlement;
using Payments.Tests.Ledger.Lives;
using Xunit;

namespace Payments.IntegrationTests.Ledger;

public sealed class SettlementTests(EmbeddedServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Random_movements_and_random_cut_offs_leave_each_movement_in_exactly_one_batch(int seed)
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        var random = new Random(seed);
        var log = new SettledLog();
        var batches = new SettlementBatches(books.Writer, log, NullLogger<SettlementBatches>.Instance);
        var cut = TimeProvider.System.GetUtcNow().AddHours(-1);
        foreach (var chunk in Lives(seed, 600).Chunk(60))
        {
            var drafts = books.Drafts(chunk);
            await books.PostAsync(drafts, Cancel);
            foreach (var draft in drafts)
            {
                log.Posted(draft.Partition, draft.EventSeq);
            }

            // What is recorded may be behind what is posted: that is for the next batch.
            log.Lag = random.Next(3);
            await log.ProveAsync(books, Cancel);
            cut = cut.AddMinutes(1);
            Assert.Equal(CutoffVerdict.Closed, await CloseAsync(books, batches, cut));
            var before = await books.ValueAsync<long>("SELECT count(*) FROM ledger.settlement_items", Cancel);
            log.Lag = 0;
            Assert.Equal(CutoffVerdict.Closed, await CloseAsync(books, batches, cut));
            Assert.Equal(before, await books.ValueAsync<long>("SELECT count(*) FROM ledger.settlement_items", Cancel));
        }

        await log.ProveAsync(books, Cancel);
        Assert.Equal(CutoffVerdict.Closed, await CloseAsync(books, batches, cut.AddMinutes(1)));
        Assert.True(await books.ValueAsync<long>("SELECT count(*) FROM ledger.settlement_batches", Cancel) > 5);
        Assert.Equal(0, await books.ValueAsync<long>("""
            SELECT count(*)
            FROM (SELECT n.* FROM ledger.entries n JOIN ledger.accounts a ON a.id = n.account_id AND a.kind = 'merchant_pending') e
            FULL JOIN ledger.settlement_items i ON i.account_id = e.account_id AND i.version = e.version
            WHERE (e.kind = 'settlement') IS DISTINCT FROM (i.batch_id IS NULL) OR e.movement_id <> i.movement_id
            """, Cancel));
        var balances = await books.FoldedAsync(Cancel);
        Assert.DoesNotContain(balances.Keys, k => k.Contains("|merchant_pending|", StringComparison.Ordinal));
        Assert.Equal(
            await books.ValueAsync<long>("SELECT sum(net)::bigint FROM ledger.settlement_batches", Cancel),
            balances.Where(b => b.Key.Contains("|merchant_payable|", StringComparison.Ordinal)).Sum(b => b.Value));
        await ModelCheck.HoldsAsync(books, Cancel);
    }

    [Fact]
    public async Task A_batch_waits_for_the_ledger_its_control_and_open_findings()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        var log = new SettledLog();
        var batches = new SettlementBatches(books.Writer, log, NullLogger<SettlementBatches>.Instance);
        var cut = TimeProvider.System.GetUtcNow().AddHours(-1);
        await PostAsync(books, log, 3);
        Assert.Equal(CutoffVerdict.NotProven, await CloseAsync(books, batches, cut));
        await log.ProveAsync(books, Cancel);
        await books.ExecuteAsync("INSERT INTO ledger.findings (kind, subject, detail) VALUES ('journal_missing', 'x', 'x')", Cancel);
        Assert.Equal(CutoffVerdict.NotProven, await CloseAsync(books, batches, cut));
        Assert.Equal(0, await books.ValueAsync<long>("SELECT count(*) FROM ledger.settlement_batches", Cancel));
        await books.ExecuteAsync("UPDATE ledger.findings SET resolved_at = now()", Cancel);
        Assert.Equal(CutoffVerdict.Closed, await CloseAsync(books, batches, cut));
        Assert.NotEqual(0, await books.ValueAsync<long>("SELECT count(*) FROM ledger.settlement_batches", Cancel));
    }

    [Fact]
    public async Task Broken_off_at_each_step_and_begun_again_it_ends_in_the_same_batches()
    {
        var expected = await SettledAsync(null);
        foreach (var step in SettlementSteps.All)
        {
            Assert.Equal(expected, await SettledAsync(step));
        }
    }

    // Batches and balances with the merchants in their order, since ids are new in each database.
    private async Task<string?> SettledAsync(string? step)
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        var log = new SettledLog();
        var batches = new SettlementBatches(books.Writer, log, NullLogger<SettlementBatches>.Instance);
        await PostAsync(books, log, 4);
        await log.ProveAsync(books, Cancel);
        var cut = TimeProvider.System.GetUtcNow().AddHours(-1);
        if (step is not null)
        {
            using var breaker = new Breaker(step);
            await Assert.ThrowsAsync<BrokenOffException>(() => CloseAsync(books, batches, cut));
        }

        Assert.Equal(CutoffVerdict.Closed, await CloseAsync(books, batches, cut));
        return await books.ValueAsync<string>("""
            SELECT string_agg(concat_ws('|', mode, currency, items, gross, refunds, commission, other, net), E'\n' ORDER BY mode, currency, items, gross, refunds, commission, net)
                || (SELECT sum(b.credits - b.debits) FROM ledger.accounts a JOIN ledger.balances b ON b.account_id = a.id WHERE a.kind = 'merchant_payable')
                || (SELECT count(*) FROM ledger.journals WHERE event_type = 'settlement.closed')
            FROM ledger.settlement_batches
            """, Cancel);
    }

    private static List<Core.Events.PaymentEvent> Lives(int seed, int events)
    {
        var world = new World(new Random(seed).Next, LedgerDatabase.Ids);
        while (world.History.Count < events)
        {
            world.Step();
        }

        return [.. world.History];
    }

    /// <summary>Of every merchant with books.</summary>
    private static async Task<CutoffVerdict> CloseAsync(LedgerDatabase books, SettlementBatches batches, DateTimeOffset cutAt)
    {
        var owners = await books.ValueAsync<string[]>("SELECT array_agg(DISTINCT mode || '|' || owner) FROM ledger.accounts WHERE kind = 'merchant_pending'", Cancel);
        var due = owners!.Select(o => new DueMerchant(Words.Parse<Mode>(o.Split('|')[0]), Id.TryParse<MerchantId>(o.Split('|')[1], out var merchant) ? merchant : default, SettlementTerms.Default, DateOnly.FromDateTime(cutAt.UtcDateTime)));
        return (await batches.CloseAsync(cutAt, [.. due], Cancel)).Select(o => o.Verdict).FirstOrDefault(v => v != CutoffVerdict.Closed);
    }

    private static async Task PostAsync(LedgerDatabase books, SettledLog log, int seed)
    {
        var drafts = books.Drafts(Lives(seed, 200));
        await books.PostAsync(drafts, Cancel);
        foreach (var draft in drafts)
        {
            log.Posted(draft.Partition, draft.EventSeq);
        }
    }
}
