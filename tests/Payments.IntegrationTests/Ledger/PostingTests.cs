using Npgsql;
using Payments.Core;
using Payments.Core.Events;
using Payments.Ledger.Books;
using Payments.Tests.Ledger.Lives;
using Xunit;

namespace Payments.IntegrationTests.Ledger;

public sealed class PostingTests(EmbeddedServers servers)
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly Currency Usd = Currency.Of("USD");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_chart_in_the_database_is_the_chart_in_the_code()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        var rows = await books.ValueAsync<string[]>("SELECT array_agg(concat_ws('|', kind, owner, normal, split::text, floor) ORDER BY kind) FROM ledger.account_kinds", Cancel);
        var expected = Chart.Rows.Select(r => string.Join('|', new[] { r.Code, Lower(r.Owner), Lower(r.Normal), Lower(r.Split), r.Floor?.ToString(System.Globalization.CultureInfo.InvariantCulture) }.OfType<string>()));
        Assert.Equal(expected.Order(StringComparer.Ordinal), rows!.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Random_lives_in_random_batches_end_at_the_oracles_balances()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        var random = new Random(20_260_301);
        var world = new World(random.Next, LedgerDatabase.Ids);
        while (world.History.Count < 3_000)
        {
            world.Step();
        }

        var drafts = books.Drafts(world.History);
        var place = 0;
        while (place < drafts.Length)
        {
            // Some of what was posted comes again: within the same batch or later.
            var batch = drafts.Skip(place).Take(1 + random.Next(200)).ToList();
            place += batch.Count;
            var fresh = batch.Count;
            batch.AddRange(Enumerable.Range(0, random.Next(5)).Select(_ => drafts[random.Next(place)]));
            var verdicts = await books.PostAsync(batch, Cancel);
            Assert.All(verdicts.Take(fresh), v => Assert.Equal(PostingVerdict.Posted, v));
            Assert.All(verdicts.Skip(fresh), v => Assert.Equal(PostingVerdict.Duplicate, v));
        }

        await ModelCheck.HoldsAsync(books, Cancel);
        Assert.Equal(LedgerDatabase.Text(world.Balances), await books.FoldedAsync(Cancel));
        Assert.Equal(LedgerDatabase.Text(world.Held), await books.HeldAsync(Cancel));
        Assert.Equal(drafts.Length, await books.ValueAsync<long>("SELECT count(*) FROM ledger.journals", Cancel));
    }

    [Fact]
    public async Task An_event_that_comes_again_with_another_content_is_a_finding_and_changes_nothing()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        var payment = new PaymentLife(LedgerDatabase.Ids, Noon);
        var original = books.Draft(payment.Of(PaymentEventTypes.Captured, OperationKind.Capture, OperationState.Succeeded, 10_000, new(1, 320, 200)))!;
        var forged = original with { Lines = [.. original.Lines.Select(l => l with { Amount = l.Amount + new Money(1, Usd) })] };
        var other = books.Draft(new PaymentLife(LedgerDatabase.Ids, Noon).Of(PaymentEventTypes.Refunded, OperationKind.Refund, OperationState.Succeeded, 700))!;

        Assert.Equal([PostingVerdict.Posted, PostingVerdict.Conflict], await books.PostAsync([original, forged], Cancel));
        var before = await books.FoldedAsync(Cancel);
        Assert.Equal([PostingVerdict.Conflict, PostingVerdict.Duplicate], await books.PostAsync([forged, original], Cancel));
        Assert.Equal(before, await books.FoldedAsync(Cancel));
        Assert.Equal(original.Id.Value.ToString(), await books.ValueAsync<string>("SELECT subject FROM ledger.findings WHERE kind = 'posting_conflict'", Cancel));

        Assert.Equal([PostingVerdict.Conflict, PostingVerdict.Posted], await books.PostAsync([forged, other], Cancel));
        await ModelCheck.HoldsAsync(books, Cancel);
    }

    [Fact]
    public async Task A_journal_that_cannot_be_posted_is_refused_alone_and_by_name()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        var capture = books.Draft(new PaymentLife(LedgerDatabase.Ids, Noon).Of(PaymentEventTypes.Captured, OperationKind.Capture, OperationState.Succeeded, 10_000, new(1, 320, 200)))!;
        var empty = capture with { Id = LedgerDatabase.Ids.New<JournalId>(), Lines = [] };
        var negative = capture with { Id = LedgerDatabase.Ids.New<JournalId>(), Lines = [capture.Lines[1] with { Amount = new(-1, Usd) }] };
        var circular = capture with { Id = LedgerDatabase.Ids.New<JournalId>(), Lines = [capture.Lines[1] with { Credit = capture.Lines[1].Debit }] };
        Assert.Equal(
            [PostingVerdict.Invalid, PostingVerdict.Posted, PostingVerdict.Invalid, PostingVerdict.Invalid],
            await books.PostAsync([empty, capture, negative, circular], Cancel));

        var (debit, credit) = (capture.DebitOf(capture.Lines[1]), capture.CreditOf(capture.Lines[1]));
        Assert.Equal("posted", await books.PostRawAsync(debit, credit, 5, "USD", Cancel));
        Assert.Equal("unknown_account", await books.PostRawAsync(debit, credit with { Owner = "nobody" }, 5, "USD", Cancel));
        Assert.Equal("currency_mismatch", await books.PostRawAsync(debit, credit, 5, "EUR", Cancel));
        var live = new PaymentLife(LedgerDatabase.Ids, Noon) { Mode = Mode.Live, Merchant = capture.MerchantId };
        await books.PostAsync([books.Draft(live.Of(PaymentEventTypes.Refunded, OperationKind.Refund, OperationState.Succeeded, 700))!], Cancel);
        Assert.Equal("mode_mismatch", await books.PostRawAsync(debit, credit with { Mode = Mode.Live }, 5, "USD", Cancel));
        await ModelCheck.HoldsAsync(books, Cancel);
    }

    [Fact]
    public async Task Lines_stand_in_the_order_of_their_journals_and_of_their_numbers()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        Task<string?> PostAsync(string journals, string numbers) => books.ValueAsync<string>($"""
            SELECT string_agg(verdict, ' ' ORDER BY item) FROM (SELECT gen_random_uuid() AS a, gen_random_uuid() AS b) n, LATERAL ledger.post_journals(
                ARRAY[a, b], ARRAY[3, 3], ARRAY[1, 2]::bigint[], ARRAY['test', 'test'], ARRAY[a, b], ARRAY[a, b], ARRAY['test.raw', 'test.raw'], ARRAY[now(), now()], ARRAY[false, false],
                ARRAY{journals}, ARRAY{numbers}, ARRAY[gen_random_uuid(), gen_random_uuid(), gen_random_uuid()], ARRAY['post', 'post', 'post'], ARRAY['raw', 'raw', 'raw'],
                ARRAY[a, a, b], ARRAY[b, b, a], ARRAY[1, 2, 3]::bigint[], ARRAY['USD', 'USD', 'USD'])
            """, Cancel);

        Assert.Equal("unknown_account unknown_account", await PostAsync("[1, 1, 2]", "[1, 2, 1]"));
        Assert.Equal("invalid unknown_account", await PostAsync("[1, 1, 2]", "[1, 1, 1]"));
        Assert.Equal("invalid unknown_account", await PostAsync("[1, 1, 2]", "[2, 1, 1]"));
        Assert.Equal("invalid unknown_account", await PostAsync("[1, 1, 2]", "[0, 1, 7]"));
        foreach (var journals in (string[])["[2, 1, 1]", "[1, 2, 1]", "[1, 1, 3]", "[0, 1, 2]", "[1, NULL, 2]"])
        {
            await Assert.ThrowsAsync<PostgresException>(() => PostAsync(journals, "[1, 2, 3]"));
        }
    }

    [Fact]
    public async Task A_floor_stops_a_decision_alone_and_never_a_fact()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        var merchant = LedgerDatabase.Ids.New<MerchantId>();
        var payable = new AccountName(merchant.ToString(), AccountKind.MerchantPayable);
        var bank = new AccountName(Account.Platform, AccountKind.Bank);
        JournalDraft Journal(AccountName debit, AccountName credit, long amount, bool decision) => new(
            LedgerDatabase.Ids.New<JournalId>(), 1, 1, Mode.Test, LedgerDatabase.Ids.New<PaymentId>(), merchant, "test.payout", Noon, decision,
            [new(LineKind.Capture, LineAction.Post, debit, credit, new(amount, Usd))]);
        var tooMuch = Journal(payable, bank, 700, decision: true);
        Assert.Equal(
            [PostingVerdict.Posted, PostingVerdict.Posted, PostingVerdict.Floor, PostingVerdict.Posted, PostingVerdict.Floor, PostingVerdict.Floor],
            await books.PostAsync(
                [Journal(bank, payable, 1_000, true), Journal(payable, bank, 600, true), tooMuch, Journal(payable, bank, 400, true), Journal(payable, bank, 1, true), tooMuch],
                Cancel));
        Assert.Equal([PostingVerdict.Posted], await books.PostAsync([Journal(payable, bank, 50, decision: false)], Cancel));
        Assert.Equal([PostingVerdict.Floor], await books.PostAsync([Journal(payable, bank, 1, decision: true)], Cancel));
        Assert.Equal([PostingVerdict.Posted, PostingVerdict.Posted], await books.PostAsync([Journal(bank, payable, 51, true), Journal(payable, bank, 1, true)], Cancel));
        Assert.Equal(0, (await books.FoldedAsync(Cancel)).GetValueOrDefault($"test|{merchant}|merchant_payable|USD"));
        await ModelCheck.HoldsAsync(books, Cancel);
    }

    [Fact]
    public async Task The_balance_at_any_past_moment_is_that_of_a_replay_up_to_it()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        var world = new World(new Random(7).Next, LedgerDatabase.Ids);
        var (moments, posted) = (new List<(DateTime At, SortedDictionary<string, long> Balances)>(), 0);
        for (var i = 0; i < 10; i++)
        {
            while (world.History.Count < (i + 1) * 40)
            {
                world.Step();
            }

            await books.PostAsync(books.Drafts(world.History.Skip(posted)), Cancel);
            posted = world.History.Count;
            moments.Add((await books.ValueAsync<DateTime>("SELECT clock_timestamp()", Cancel), LedgerDatabase.Text(world.Balances)));
        }

        foreach (var (at, expected) in moments)
        {
            var balances = new SortedDictionary<string, long>(StringComparer.Ordinal);
            await using var command = books.Owner.CreateCommand("""
                SELECT concat_ws('|', a.mode, a.owner, a.kind, a.currency), sum(-e.balance)::bigint
                FROM ledger.accounts a, LATERAL (SELECT balance FROM ledger.entries e WHERE e.account_id = a.id AND e.posted_at <= $1 ORDER BY e.version DESC LIMIT 1) e
                GROUP BY 1 HAVING sum(e.balance) <> 0
                """);
            command.Parameters.Add(new() { Value = at });
            await using var reader = await command.ExecuteReaderAsync(Cancel);
            while (await reader.ReadAsync(Cancel))
            {
                balances.Add(reader.GetString(0), reader.GetInt64(1));
            }

            Assert.Equal(expected, balances);
        }
    }

    private static string Lower<T>(T value)
        where T : notnull => value.ToString()!.ToLowerInvariant();
}
