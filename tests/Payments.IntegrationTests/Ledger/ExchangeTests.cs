using Npgsql;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Ledger;
using Payments.Ledger.Books;
using Payments.Ledger.Exchanges;
using Payments.Ledger.Settlement;
using Xunit;

namespace Payments.IntegrationTests.Ledger;

/// <summary>Exchanges of our own and of others leave the clearing account empty, and what rates moved by as gain or loss.</summary>
public sealed class ExchangeTests(EmbeddedServers servers)
{
    private const string Clearing = "test|platform|fx_clearing|";
    private const string Gain = "test|platform|fx_gain_loss|USD";

    private static readonly Currency Euro = Currency.Of("EUR");
    private static readonly Currency Dollar = Currency.Of("USD");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_merchant_converted_at_one_rate_and_a_provider_s_payout_at_another_leave_the_difference_as_gain_and_nothing_on_the_clearing_account()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        await RateAsync(books, 1, 1.10m);
        await SettleMerchantAsync(books, 10_000, 11_000);
        await RateAsync(books, 2, 1.12m);

        // The provider takes the euros that we owe the merchant dollars for, and pays what it finds right.
        Assert.Equal(HouseVerdict.Booked, await new HouseBooks(books.Writer, TimeProvider.System).BookAsync(
            new ProviderSettlement(
                LedgerDatabase.Ids.New<ProviderSettlementId>(), Mode.Test, Provider.Stripe, "po_1", TimeProvider.System.GetUtcNow(),
                [new("EUR", 10_000, 0, 0, 10_000, new("USD", 11_150))], 1, new string('0', 64)),
            Cancel));
        Assert.Equal((200L, -50L), ((await books.FoldedAsync(Cancel))[Clearing + "USD"], (await books.FoldedAsync(Cancel))[Gain]));

        var revalued = await OfTodayAsync(books);
        Assert.Equal((200L, "USD -200 -200"), (revalued.Done!.Amount, string.Join(';', revalued.Done.Positions.Select(p => $"{p.Currency} {p.Balance} {p.Worth}"))));
        var balances = await books.FoldedAsync(Cancel);
        Assert.DoesNotContain(balances.Keys, k => k.StartsWith(Clearing, StringComparison.Ordinal));
        Assert.Equal(150L, balances[Gain]);
        Assert.Null((await OfTodayAsync(books)).Done);
        await ModelCheck.HoldsAsync(books, Cancel);
    }

    [Fact]
    public async Task An_open_position_is_worth_nothing_after_each_revaluation_and_waits_where_a_rate_is_missing()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        await SettleMerchantAsync(books, 10_000, 11_000);
        Assert.Equal(["EUR"], (await OfTodayAsync(books)).Missing);
        Assert.DoesNotContain(Gain, (await books.FoldedAsync(Cancel)).Keys);

        // Only the way back has a rate.
        await books.ExecuteAsync("""
            INSERT INTO ledger.rates (version, base, quote, rate, source, observed_at, valid_from, valid_until, uploaded_by)
            VALUES (1, 'USD', 'EUR', 0.8, 'ecb', now(), now() - interval '1 hour', now() + interval '1 hour', 'opk')
            """, Cancel);
        var lost = (await OfTodayAsync(books)).Done!;
        Assert.Equal(1_500, lost.Amount);
        await RateAsync(books, 1, 1.05m);
        var won = await AskAsync(books);
        Assert.Equal((2L, -2_000L, "ada"), (won.Number, won.Amount, won.AskedBy));
        Assert.Equal(-500, (await books.FoldedAsync(Cancel))[Gain]);
        await ModelCheck.HoldsAsync(books, Cancel);
    }

    [Fact]
    public async Task An_exchange_above_the_limit_is_booked_by_two_people_once_and_closes_the_position()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        await RateAsync(books, 1, 1.10m);
        await SettleMerchantAsync(books, 20_000, 22_000);
        var exchanges = new OwnExchanges(books.Writer, TimeProvider.System);
        var exchange = Exchange(20_000, 22_100);

        Assert.Equal(ExchangeVerdict.AwaitingApproval, await RecordAsync(books, exchanges, exchange, "ada"));
        Assert.Equal(ExchangeVerdict.Known, await RecordAsync(books, exchanges, exchange with { Sold = new(19_000, Euro) }, "ben"));
        Assert.Equal(ExchangeVerdict.SamePerson, await exchanges.ApproveAsync(exchange.Id, "ada", Cancel));
        Assert.DoesNotContain("test|platform|bank|EUR", (await books.FoldedAsync(Cancel)).Keys);

        // Also past the code.
        var own = await Assert.ThrowsAsync<PostgresException>(() => books.ExecuteAsync($"INSERT INTO ledger.exchange_approvals (exchange_id, approved_by) VALUES ('{exchange.Id.Value}', 'ada')", Cancel));
        Assert.Contains("does not approve it", own.MessageText, StringComparison.Ordinal);
        await using (var connection = await books.Writer.OpenConnectionAsync(Cancel))
        await using (var transaction = await connection.BeginTransactionAsync(Cancel))
        {
            var unfounded = await Assert.ThrowsAsync<PostgresException>(() => JournalWriter.PostAsync(connection, transaction, [exchange.Journal()], Cancel));
            Assert.Contains("nobody else approved it", unfounded.MessageText, StringComparison.Ordinal);
        }

        var approved = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => exchanges.ApproveAsync(exchange.Id, "ben", Cancel)));
        Assert.All(approved, v => Assert.Equal(ExchangeVerdict.Booked, v));
        var balances = await books.FoldedAsync(Cancel);
        Assert.Equal((20_000L, -22_100L), (balances["test|platform|bank|EUR"], balances["test|platform|bank|USD"]));
        Assert.Equal(100, (await OfTodayAsync(books)).Done!.Amount);
        Assert.DoesNotContain((await books.FoldedAsync(Cancel)).Keys, k => k.StartsWith(Clearing, StringComparison.Ordinal));
        await ModelCheck.HoldsAsync(books, Cancel);
    }

    [Fact]
    public async Task What_is_a_slip_of_the_pen_is_not_recorded()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        var exchanges = new OwnExchanges(books.Writer, TimeProvider.System);
        Assert.Equal(ExchangeVerdict.RateMissing, await RecordAsync(books, exchanges, Exchange(1_000, 1_100), "ada"));
        await RateAsync(books, 1, 1.10m);
        Assert.Equal(ExchangeVerdict.OffOurRate, await RecordAsync(books, exchanges, Exchange(1_000, 11_000), "ada"));
        Assert.Equal(ExchangeVerdict.OffOurRate, await RecordAsync(books, exchanges, Exchange(1_000, 980), "ada"));
        Assert.Equal(ExchangeVerdict.TooOld, await RecordAsync(books, exchanges, Exchange(1_000, 1_100) with { ExchangedAt = TimeProvider.System.GetUtcNow().AddDays(-28) }, "ada"));
        Assert.Equal(0, await books.ValueAsync<long>("SELECT count(*) FROM ledger.exchanges", Cancel));
        Assert.Equal(ExchangeVerdict.Booked, await RecordAsync(books, exchanges, Exchange(1_000, 1_090), "ada"));
    }

    [Fact]
    public async Task Broken_off_at_each_step_and_begun_again_it_ends_in_the_same_books()
    {
        var expected = await WorkedAsync(null);
        foreach (var step in ExchangeSteps.All)
        {
            Assert.Equal(expected, await WorkedAsync(step));
        }
    }

    private async Task<string> WorkedAsync(string? step)
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        await RateAsync(books, 1, 1.10m);
        await SettleMerchantAsync(books, 5_000, 5_600);
        var exchanges = new OwnExchanges(books.Writer, TimeProvider.System);
        var exchange = Exchange(2_000, 2_190);
        if (step is not null)
        {
            using var breaker = new Breaker(step);
            await Assert.ThrowsAsync<BrokenOffException>(async () =>
            {
                await RecordAsync(books, exchanges, exchange, "ada");
                await OfTodayAsync(books);
            });
        }

        await RecordAsync(books, exchanges, exchange, "ada");
        await OfTodayAsync(books);
        await ModelCheck.HoldsAsync(books, Cancel);
        return string.Join('\n', (await books.FoldedAsync(Cancel)).Where(b => b.Key.StartsWith("test|platform|", StringComparison.Ordinal)).Select(b => $"{b.Key}={b.Value}"))
            + await books.ValueAsync<long>("SELECT count(*) FROM ledger.revaluations", Cancel);
    }

    private static OwnExchange Exchange(long euros, long dollars) => new(Mode.Test, new(euros, Euro), new(dollars, Dollar), TimeProvider.System.GetUtcNow().AddMinutes(-1), "FX-1", "More dollars");

    private static async Task<ExchangeVerdict> RecordAsync(LedgerDatabase books, OwnExchanges exchanges, OwnExchange exchange, string by)
    {
        await using var connection = await books.Writer.OpenConnectionAsync(Cancel);
        await using var transaction = await connection.BeginTransactionAsync(Cancel);
        var verdict = await exchanges.RecordAsync(transaction, exchange, by, Cancel);
        await transaction.CommitAsync(Cancel);
        return verdict;
    }

    private static Task<RevaluationOutcome> OfTodayAsync(LedgerDatabase books) => new Revaluations(books.Writer, new LedgerOptions(), TimeProvider.System).OfTodayAsync(Mode.Test, Cancel);

    private static async Task<Revaluation> AskAsync(LedgerDatabase books)
    {
        await using var connection = await books.Writer.OpenConnectionAsync(Cancel);
        await using var transaction = await connection.BeginTransactionAsync(Cancel);
        var outcome = await new Revaluations(books.Writer, new LedgerOptions(), TimeProvider.System).RevalueAsync(transaction, Mode.Test, "ada", Cancel);
        await transaction.CommitAsync(Cancel);
        return outcome.Done!;
    }

    private static Task RateAsync(LedgerDatabase books, int version, decimal euroInDollars) => books.ExecuteAsync(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"""
        INSERT INTO ledger.rates (version, base, quote, rate, source, observed_at, valid_from, valid_until, uploaded_by)
        VALUES ({version}, 'EUR', 'USD', {euroInDollars}, 'ecb', now(), now() - interval '1 hour', now() + interval '1 hour', 'opk')
        """), Cancel);

    /// <summary>A merchant whose euros are settled in dollars.</summary>
    private static async Task SettleMerchantAsync(LedgerDatabase books, long euros, long dollars)
    {
        var merchant = LedgerDatabase.Ids.New<MerchantId>();
        var journal = new JournalDraft(
            LedgerDatabase.Ids.New<JournalId>(), 3, 1, Mode.Test, LedgerDatabase.Ids.New<PaymentId>(), merchant, "test.settled", TimeProvider.System.GetUtcNow(), Decision: false,
            SettlementPostings.For(merchant, new(Euro, euros, 0, 0, Dollar, dollars)));
        Assert.Equal([PostingVerdict.Posted], await books.PostAsync([journal], Cancel));
    }
}
