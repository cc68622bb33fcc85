using Microsoft.Extensions.Logging.Abstractions;
using Payments.Core;
using Payments.Ledger.Books;
using Payments.Ledger.Settlement;
using Xunit;

namespace Payments.IntegrationTests.Ledger;

/// <summary>What a merchant's terms make of a batch.</summary>
public sealed class SettlementTermsTests(EmbeddedServers servers)
{
    // Of a month whose partitions a new database has.
    private static readonly DateTimeOffset Day = new DateTimeOffset(TimeProvider.System.GetUtcNow().UtcDateTime.Date, TimeSpan.Zero).AddDays(-20).AddHours(12);
    private static readonly DateOnly PayOn = DateOnly.FromDateTime(Day.UtcDateTime).AddDays(2);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_kind_of_line_is_in_its_class_and_disputes_are_apart()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        var (merchant, log) = (LedgerDatabase.Ids.New<MerchantId>(), new SettledLog());
        foreach (var (kind, credit, amount) in new[]
        {
            (LineKind.Capture, true, 10_000L), (LineKind.Commission, false, 300), (LineKind.Refund, false, 1_000), (LineKind.Dispute, false, 2_000), (LineKind.DisputeFee, false, 1_500),
            (LineKind.DisputeReversal, true, 2_000), (LineKind.DisputeFeeReturn, true, 1_500), (LineKind.Dispute, false, 500), (LineKind.DisputeFee, false, 1_000), (LineKind.Correction, true, 7),
        })
        {
            await PostAsync(books, log, merchant, "USD", kind, credit ? amount : -amount, Day);
        }

        await CloseAsync(books, log, Day.AddHours(12), new(Mode.Test, merchant, SettlementTerms.Default, PayOn));
        Assert.Equal("10000|-1000|-300|-500|-1000|7|0|7207|10", await books.ValueAsync<string>(
            "SELECT concat_ws('|', gross, refunds, commission, disputes, dispute_fees, corrections, other, net, items) FROM ledger.settlement_batches", Cancel));
        Assert.Equal(7_207, await BalanceAsync(books, merchant, AccountKind.MerchantPayable, "USD"));
    }

    [Fact]
    public async Task A_reserve_is_kept_and_given_back_once_after_its_days_also_without_new_items()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        var (merchant, log) = (LedgerDatabase.Ids.New<MerchantId>(), new SettledLog());
        var terms = SettlementTerms.Default with { ReserveBasisPoints = 1_000, ReserveDays = 10 };
        await PostAsync(books, log, merchant, "EUR", LineKind.Capture, 10_005, Day);
        await CloseAsync(books, log, Day.AddHours(12), new(Mode.Test, merchant, terms, PayOn));
        Assert.Equal((9_004, 1_001), (await BalanceAsync(books, merchant, AccountKind.MerchantPayable, "EUR"), await BalanceAsync(books, merchant, AccountKind.MerchantReserve, "EUR")));

        // Never more than what would be paid: what a merchant owes is not raised by a reserve.
        await PostAsync(books, log, merchant, "EUR", LineKind.Capture, 1_000, Day.AddDays(1));
        await PostAsync(books, log, merchant, "EUR", LineKind.Refund, -950, Day.AddDays(1));
        await CloseAsync(books, log, Day.AddDays(1).AddHours(12), new(Mode.Test, merchant, terms, PayOn));
        Assert.Equal(1_051, await BalanceAsync(books, merchant, AccountKind.MerchantReserve, "EUR"));

        for (var twice = 0; twice < 2; twice++)
        {
            await CloseAsync(books, log, Day.AddDays(10).AddHours(12), new(Mode.Test, merchant, terms, PayOn));
            Assert.Equal((10_005, 50), (await BalanceAsync(books, merchant, AccountKind.MerchantPayable, "EUR"), await BalanceAsync(books, merchant, AccountKind.MerchantReserve, "EUR")));
        }

        Assert.Equal("0|0|1001|1001", await books.ValueAsync<string>("SELECT concat_ws('|', items, net, reserve_released, paid) FROM ledger.settlement_batches ORDER BY cut_at DESC LIMIT 1", Cancel));
        await ModelCheck.HoldsAsync(books, Cancel);
    }

    // what the terms say of reserves when the next cut-off comes → nothing of what was held for ten days comes earlier, or later
    [Theory]
    [InlineData(0, 0)]
    [InlineData(1_000, 1)]
    [InlineData(1_000, 90)]
    public async Task A_reserve_is_given_back_when_it_was_agreed_to_be_whatever_the_terms_say_later(int basisPoints, int days)
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        var (merchant, log) = (LedgerDatabase.Ids.New<MerchantId>(), new SettledLog());
        var held = SettlementTerms.Default with { ReserveBasisPoints = 1_000, ReserveDays = 10 };
        var changed = held with { ReserveBasisPoints = basisPoints, ReserveDays = days };
        await PostAsync(books, log, merchant, "EUR", LineKind.Capture, 10_000, Day);
        await CloseAsync(books, log, Day.AddHours(12), new(Mode.Test, merchant, held, PayOn));

        await CloseAsync(books, log, Day.AddDays(9).AddHours(12), new(Mode.Test, merchant, changed, PayOn));
        Assert.Equal(1_000, await BalanceAsync(books, merchant, AccountKind.MerchantReserve, "EUR"));
        await CloseAsync(books, log, Day.AddDays(10).AddHours(12), new(Mode.Test, merchant, changed, PayOn));
        Assert.Equal((10_000, 0), (await BalanceAsync(books, merchant, AccountKind.MerchantPayable, "EUR"), await BalanceAsync(books, merchant, AccountKind.MerchantReserve, "EUR")));
    }

    // Cut-offs at midnight in Berlin around the nights of 23 and 25 hours: the day counts, and not the hours.
    [Theory]
    [InlineData("2026-03-27T23:00:00Z", "2026-03-28")]
    [InlineData("2026-03-29T22:00:00Z", "2026-03-30")]
    [InlineData("2026-10-24T22:00:00Z", "2026-10-25")]
    [InlineData("2026-10-25T23:00:00Z", "2026-10-26")]
    public void A_reserve_counts_the_merchants_days(string cutAt, string day) => Assert.Equal(
        DateOnly.Parse(day, System.Globalization.CultureInfo.InvariantCulture),
        CutOff.DayOf(SettlementTerms.Default with { TimeZone = "Europe/Berlin" }, DateTimeOffset.Parse(cutAt, System.Globalization.CultureInfo.InvariantCulture)));

    [Theory]
    [InlineData("EUR", 10_001, "1.0842", "USD", 10_843)]
    [InlineData("JPY", 10_005, "0.0065", "USD", 6_503)]
    [InlineData("KWD", 10_001, "3.25", "USD", 3_250)]
    [InlineData("GBP", -333, "1.155", "EUR", -385)]
    public async Task Another_currency_is_exchanged_at_the_rate_of_the_cut_off_and_waits_without_one(string currency, long net, string rate, string paid, long expected)
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        var (merchant, log) = (LedgerDatabase.Ids.New<MerchantId>(), new SettledLog());
        var due = new DueMerchant(Mode.Test, merchant, SettlementTerms.Default with { Currency = paid }, PayOn);
        var cut = Day.AddHours(12);
        await PostAsync(books, log, merchant, currency, net > 0 ? LineKind.Capture : LineKind.Refund, net, Day);
        await RateAsync(books, 1, currency, paid, "9.9", cut.AddHours(1));
        await CloseAsync(books, log, cut, due, CutoffVerdict.RateMissing);
        Assert.Equal((0, 0), (await books.ValueAsync<long>("SELECT count(*) FROM ledger.settlement_batches", Cancel), await books.ValueAsync<long>("SELECT count(*) FROM ledger.settlement_closings", Cancel)));

        await RateAsync(books, 2, currency, paid, rate, Day);
        await CloseAsync(books, log, cut, due);
        await CloseAsync(books, log, cut, due);
        Assert.Equal(expected, FxRates.Convert(net, Currency.Of(currency), Currency.Of(paid), decimal.Parse(rate, System.Globalization.CultureInfo.InvariantCulture)));
        Assert.Equal(expected, await BalanceAsync(books, merchant, AccountKind.MerchantPayable, paid));
        Assert.Equal(0, await BalanceAsync(books, merchant, AccountKind.MerchantPending, currency));
        Assert.Equal((net, -expected), (await books.ValueAsync<long>(Clearing, Cancel, currency), await books.ValueAsync<long>(Clearing, Cancel, paid)));
        await ModelCheck.HoldsAsync(books, Cancel);
    }

    [Fact]
    public async Task What_happened_after_the_cut_off_is_for_the_next_one_however_late_it_is_closed()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        var (merchant, log) = (LedgerDatabase.Ids.New<MerchantId>(), new SettledLog());
        var due = new DueMerchant(Mode.Test, merchant, SettlementTerms.Default, PayOn);
        var cut = Day.AddHours(12);
        await PostAsync(books, log, merchant, "USD", LineKind.Capture, 500, cut);
        await PostAsync(books, log, merchant, "USD", LineKind.Capture, 300, cut.AddMicroseconds(-1));
        await CloseAsync(books, log, cut, due);
        Assert.Equal(300, await BalanceAsync(books, merchant, AccountKind.MerchantPayable, "USD"));
        await CloseAsync(books, log, cut.AddDays(1), due);
        Assert.Equal((800, 0), (await BalanceAsync(books, merchant, AccountKind.MerchantPayable, "USD"), await BalanceAsync(books, merchant, AccountKind.MerchantPending, "USD")));
    }

    [Fact]
    public async Task A_batch_that_forgets_a_movement_up_to_where_the_next_begins_is_refused_by_the_database()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        var (merchant, log) = (LedgerDatabase.Ids.New<MerchantId>(), new SettledLog());
        var due = new DueMerchant(Mode.Test, merchant, SettlementTerms.Default, PayOn);
        await PostAsync(books, log, merchant, "USD", LineKind.Capture, 300, Day);
        await CloseAsync(books, log, Day.AddHours(12), due);
        await PostAsync(books, log, merchant, "USD", LineKind.Capture, 500, Day.AddDays(2));
        await PostAsync(books, log, merchant, "USD", LineKind.Capture, 700, Day.AddDays(1));

        var next = Day.AddDays(1).AddHours(12).ToString("O");

        // The later day's capture stands before the other one in the account; a batch that claims to have passed both leaves it out for ever.
        var refusal = await Assert.ThrowsAsync<Npgsql.PostgresException>(() => books.ExecuteAsync($"""
            INSERT INTO ledger.settlement_cutoffs (cut_at, epoch, heads, house_seq) SELECT timestamptz '{next}', epoch, array_fill(1000::bigint, ARRAY[16]), 1000 FROM ledger.settlement_cutoffs;
            BEGIN;
            INSERT INTO ledger.settlement_items (account_id, version, batch_id, movement_id, kind, class, amount)
            SELECT b.account_id, s.version, '018f0000-0000-7000-8000-00000000000b', s.movement_id, s.kind, s.class, s.amount
            FROM ledger.settlement_batches b, ledger.settleable(b.account_id, b.gathered_to, '{next}') s WHERE s.due;
            INSERT INTO ledger.settlement_batches (id, mode, merchant_id, currency, cut_at, account_id, gathered_to, items, gross, refunds, commission, disputes, dispute_fees, corrections, other, net)
            SELECT '018f0000-0000-7000-8000-00000000000b', mode, merchant_id, currency, '{next}', account_id, 4, 1, 700, 0, 0, 0, 0, 0, 0, 700 FROM ledger.settlement_batches;
            COMMIT
            """, Cancel));
        Assert.Contains("in no batch", refusal.MessageText, StringComparison.Ordinal);
    }

    private const string Clearing = """
        SELECT coalesce(sum(b.credits - b.debits), 0)::bigint FROM ledger.accounts a JOIN ledger.balances b ON b.account_id = a.id WHERE a.kind = 'fx_clearing' AND a.currency = $1
        """;

    private static async Task RateAsync(LedgerDatabase books, int version, string from, string to, string rate, DateTimeOffset validFrom) => await books.ExecuteAsync($"""
        INSERT INTO ledger.rates (version, base, quote, rate, source, observed_at, valid_from, valid_until, uploaded_by)
        VALUES ({version}, '{from}', '{to}', {rate}, 'test', now(), '{validFrom:O}', '{validFrom.AddDays(30):O}', 'test')
        """, Cancel);

    private static async Task CloseAsync(LedgerDatabase books, SettledLog log, DateTimeOffset cut, DueMerchant due, CutoffVerdict expected = CutoffVerdict.Closed)
    {
        await log.ProveAsync(books, Cancel);
        Assert.Equal([(due, expected)], await new SettlementBatches(books.Writer, log, NullLogger<SettlementBatches>.Instance).CloseAsync(cut, [due], Cancel));
    }

    /// <summary>A line of the merchant against the provider, as an event of partition 3 would post it.</summary>
    internal static async Task PostAsync(LedgerDatabase books, SettledLog log, MerchantId merchant, string currency, LineKind kind, long amount, DateTimeOffset at)
    {
        var (pending, provider) = (new AccountName(merchant.ToString(), AccountKind.MerchantPending), new AccountName("stripe", AccountKind.ProviderReceivable));
        var line = new JournalLine(kind, LineAction.Post, amount > 0 ? provider : pending, amount > 0 ? pending : provider, new Money(Math.Abs(amount), Currency.Of(currency)));
        var seq = log.Heads[3] + 1;
        log.Posted(3, seq);
        var draft = new JournalDraft(LedgerDatabase.Ids.New<JournalId>(), 3, seq, Mode.Test, LedgerDatabase.Ids.New<PaymentId>(), merchant, "test.posted", at, Decision: false, [line]);
        Assert.Equal([PostingVerdict.Posted], await books.PostAsync([draft], Cancel));
    }

    internal static async Task<long> BalanceAsync(LedgerDatabase books, MerchantId merchant, AccountKind kind, string currency) => await books.ValueAsync<long>("""
        SELECT coalesce(sum(b.credits - b.debits), 0)::bigint FROM ledger.accounts a JOIN ledger.balances b ON b.account_id = a.id WHERE a.owner = $1 AND a.kind = $2 AND a.currency = $3
        """, Cancel, merchant.ToString(), Chart.Of(kind).Code, currency);
}
