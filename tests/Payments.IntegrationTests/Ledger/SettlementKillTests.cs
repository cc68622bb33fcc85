using Payments.Core.Events;
using Payments.Ledger.Settlement;
using Payments.Tests.Ledger.Lives;
using Xunit;

namespace Payments.IntegrationTests.Ledger;

public sealed class SettlementKillTests(EmbeddedServers servers)
{
    // Ids of accounts and movements are made anew in each database, and in which order payments were posted is nobody's promise.
    private const string Settled = """
        SELECT string_agg(t, E'\n' ORDER BY t) FROM (
            SELECT 'batch ' || (to_jsonb(b) - 'closed_at' - 'account_id' - 'gathered_to')::text AS t FROM ledger.settlement_batches b
            UNION ALL SELECT 'item ' || row(i.batch_id, m.journal_id, m.line, i.kind, i.class, i.amount)::text FROM ledger.settlement_items i JOIN ledger.movements m ON m.id = i.movement_id
            UNION ALL SELECT 'closing ' || row(mode, merchant_id, cut_at)::text FROM ledger.settlement_closings
            UNION ALL SELECT 'booked ' || row(m.journal_id, m.line, m.kind, m.amount, m.currency)::text FROM ledger.movements m JOIN ledger.journals j ON j.id = m.journal_id WHERE j.event_type = 'settlement.closed'
            UNION ALL SELECT 'balance ' || row(a.mode, a.owner, a.kind, a.currency, sum(b.debits), sum(b.credits))::text
                FROM ledger.accounts a JOIN ledger.balances b ON b.account_id = a.id GROUP BY a.mode, a.owner, a.kind, a.currency) s
        """;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_ledger_that_is_killed_at_every_step_of_a_settlement_ends_in_the_same_batches_to_the_byte()
    {
        var history = Lives(4, 200);
        await using var undisturbed = await PostedAsync(history);
        await undisturbed.Get<SettlementRounds>().RoundAsync(Cancel);
        var expected = await undisturbed.Books.ValueAsync<string>(Settled, Cancel);
        Assert.Contains("batch ", expected, StringComparison.Ordinal);

        await using var service = await PostedAsync(history);
        await service.StopAsync();
        var aim = Path.Combine(servers.CreateDirectory(), "aim");
        foreach (var step in SettlementSteps.All)
        {
            await File.WriteAllTextAsync(aim, step, Cancel);
            using var killed = await LedgerProcess.StartAsync(service, aim);
            await killed.DiedAsync();
            Assert.True(File.Exists(aim + ".hit"), step);
            File.Delete(aim + ".hit");
            Assert.NotEqual(expected, await service.Books.ValueAsync<string>(Settled, Cancel));
        }

        using var last = await LedgerProcess.StartAsync(service, aim);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        limit.CancelAfter(TimeSpan.FromMinutes(2));
        string? settled;
        while ((settled = await service.Books.ValueAsync<string>(Settled, Cancel)) != expected && !limit.IsCancellationRequested)
        {
            await Task.Delay(200, limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        }

        Assert.Equal(expected, settled);
        await ModelCheck.HoldsAsync(service.Books, Cancel);
    }

    /// <summary>A ledger that has applied and compared all of it.</summary>
    private async Task<LedgerService> PostedAsync(IReadOnlyList<PaymentEvent> history)
    {
        var service = await LedgerService.StartAsync(servers);
        foreach (var chunk in history.Chunk(100))
        {
            await service.Bed.WriteAsync(chunk);
        }

        await service.CompletenessAsync(c => c.GetProperty("complete").GetBoolean());
        return service;
    }

    private static List<PaymentEvent> Lives(int seed, int events)
    {
        var world = new World(new Random(seed).Next, LedgerDatabase.Ids);
        while (world.History.Count < events)
        {
            world.Step();
        }

        return [.. world.History];
    }
}
