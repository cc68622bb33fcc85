using Npgsql;
using Payments.Core;
using Payments.Core.Events;
using Payments.Ledger.Books;
using Payments.Tests.Ledger.Lives;
using Xunit;

namespace Payments.IntegrationTests.Ledger;

public sealed class ConcurrencyTests(EmbeddedServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Batches_that_meet_in_accounts_and_partitions_neither_deadlock_nor_lose_anything()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        var world = new World(new Random(11).Next, LedgerDatabase.Ids);
        while (world.History.Count < 2_000)
        {
            world.Step();
        }

        // Eight writers share three merchants, two providers and all partitions; each deals its journals in its own order.
        var drafts = books.Drafts(world.History);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async writer =>
        {
            var random = new Random(writer);
            foreach (var batch in drafts.Where((_, i) => i % 8 == writer).OrderBy(_ => random.Next()).Chunk(25))
            {
                var verdicts = await books.PostAsync(batch, Cancel);
                Assert.All(verdicts, v => Assert.Equal(PostingVerdict.Posted, v));
            }
        }));

        await ModelCheck.HoldsAsync(books, Cancel);
        Assert.Equal(LedgerDatabase.Text(world.Balances), await books.FoldedAsync(Cancel));
        Assert.Equal(LedgerDatabase.Text(world.Held), await books.HeldAsync(Cancel));
    }

    [Fact]
    public async Task The_same_batch_posted_by_ten_writers_at_once_counts_once()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        var world = new World(new Random(12).Next, LedgerDatabase.Ids);
        while (world.History.Count < 200)
        {
            world.Step();
        }

        var drafts = books.Drafts(world.History);
        var verdicts = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => books.PostAsync(drafts, Cancel)));
        for (var i = 0; i < drafts.Length; i++)
        {
            Assert.Equal(1, verdicts.Count(v => v[i] == PostingVerdict.Posted));
            Assert.Equal(9, verdicts.Count(v => v[i] == PostingVerdict.Duplicate));
        }

        await ModelCheck.HoldsAsync(books, Cancel);
        Assert.Equal(LedgerDatabase.Text(world.Balances), await books.FoldedAsync(Cancel));
    }

    [Fact]
    public async Task A_hot_account_keeps_a_gapless_history_under_writers_of_all_partitions()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        var merchant = LedgerDatabase.Ids.New<MerchantId>();
        await Task.WhenAll(Enumerable.Range(0, 16).Select(async partition =>
        {
            for (var round = 0; round < 5; round++)
            {
                var journals = Enumerable.Range(0, 20).Select(i => JournalDraft.Of(
                    new PaymentLife(LedgerDatabase.Ids, new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero)) { Merchant = merchant }
                        .Of(PaymentEventTypes.Refunded, OperationKind.Refund, OperationState.Succeeded, 1), partition, (round * 20) + i + 1)!).ToArray();
                await books.PostAsync(journals, Cancel);
            }
        }));

        await ModelCheck.HoldsAsync(books, Cancel);
        Assert.Equal(1_600, await books.ValueAsync<long>("SELECT version FROM ledger.balances b JOIN ledger.accounts a ON a.id = b.account_id WHERE a.kind = 'merchant_pending'", Cancel));
    }

    [Fact]
    public async Task A_backend_killed_in_the_middle_of_a_batch_leaves_no_trace_and_the_batch_can_be_repeated()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        var world = new World(new Random(13).Next, LedgerDatabase.Ids);
        while (world.History.Count < 300)
        {
            world.Step();
        }

        var drafts = books.Drafts(world.History);
        await using (var connection = await books.Writer.OpenConnectionAsync(Cancel))
        {
            await using var transaction = await connection.BeginTransactionAsync(Cancel);
            await JournalWriter.PostAsync(connection, transaction, drafts[..100], Cancel);
            Assert.True(await books.ValueAsync<bool>("SELECT pg_terminate_backend($1, 5000)", Cancel, connection.ProcessID));
            await Assert.ThrowsAnyAsync<NpgsqlException>(() => transaction.CommitAsync(Cancel));
        }

        Assert.Equal(0, await books.ValueAsync<long>("SELECT count(*) FROM ledger.journals", Cancel));

        // Killed while the function itself waits for an account that another session has locked.
        await books.PostAsync(drafts[..1], Cancel);
        await using (var blocker = await books.Owner.OpenConnectionAsync(Cancel))
        await using (var victim = await books.Writer.OpenConnectionAsync(Cancel))
        {
            await using var locking = await blocker.BeginTransactionAsync(Cancel);
            await using var lockAll = new NpgsqlCommand("SELECT count(*) FROM (SELECT FROM ledger.balances FOR UPDATE) b", blocker, locking);
            await lockAll.ExecuteScalarAsync(Cancel);
            await using var transaction = await victim.BeginTransactionAsync(Cancel);
            var posting = JournalWriter.PostAsync(victim, transaction, drafts, Cancel);
            while (!await books.ValueAsync<bool>("SELECT cardinality(pg_blocking_pids($1)) > 0", Cancel, victim.ProcessID))
            {
                Assert.False(posting.IsCompleted, "The batch was to wait for the locked accounts.");
            }

            Assert.True(await books.ValueAsync<bool>("SELECT pg_terminate_backend($1, 5000)", Cancel, victim.ProcessID));
            await Assert.ThrowsAnyAsync<NpgsqlException>(() => posting);
        }

        Assert.Equal(1, await books.ValueAsync<long>("SELECT count(*) FROM ledger.journals", Cancel));
        var verdicts = await books.PostAsync(drafts, Cancel);
        Assert.Equal(PostingVerdict.Duplicate, verdicts[0]);
        Assert.All(verdicts.Skip(1), v => Assert.Equal(PostingVerdict.Posted, v));
        await ModelCheck.HoldsAsync(books, Cancel);
        Assert.Equal(LedgerDatabase.Text(world.Balances), await books.FoldedAsync(Cancel));
    }
}
