using System.Net;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Ledger.Books;
using Payments.Ledger.Settlement;
using Xunit;

namespace Payments.IntegrationTests.Ledger;

public sealed class HouseBookingTests(EmbeddedServers servers)
{
    private static readonly string NoHash = new('0', 64);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_settlement_is_booked_once_however_often_and_from_however_many_sides_it_is_told()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        var house = new HouseBooks(books.Writer, TimeProvider.System);
        var settled = Settlement(null);
        var verdicts = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => house.BookAsync(settled, Cancel)));
        Assert.Single(verdicts, HouseVerdict.Booked);
        Assert.Equal(7, verdicts.Count(v => v == HouseVerdict.Duplicate));
        Assert.Equal(HouseVerdict.Conflict, await house.BookAsync(settled with { Reference = "po_other" }, Cancel));

        var balances = await books.FoldedAsync(Cancel);
        Assert.Equal(
            ["test|platform|bank|USD=-9650", "test|platform|provider_cost_variance|USD=-50", "test|stripe|provider_cost_payable|USD=-300", "test|stripe|provider_receivable|USD=10000"],
            balances.Select(b => $"{b.Key}={b.Value}"));
        Assert.Equal(1, await books.ValueAsync<long>("SELECT count(*) FROM ledger.journals", Cancel));
        Assert.Equal(0, await books.ValueAsync<long>("SELECT count(*) FROM ledger.findings", Cancel));
        await ModelCheck.HoldsAsync(books, Cancel);
    }

    [Fact]
    public async Task Accrued_cost_that_is_known_after_the_settlement_leaves_nothing_on_the_payable_cost_nor_on_the_variance()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        var house = new HouseBooks(books.Writer, TimeProvider.System);

        // The provider took 300, and of a payment that we had not heard of nothing was accrued; then it comes, with its accrual of 300.
        Assert.Equal(HouseVerdict.Booked, await house.BookAsync(Settlement(null) with { Currencies = [new("USD", 10_000, 300, 0, 9_700)] }, Cancel));
        Assert.Equal(-300, (await books.FoldedAsync(Cancel))["test|platform|provider_cost_variance|USD"]);
        var (expense, payable) = (new AccountName(Account.Platform, AccountKind.ProviderCostExpense), new AccountName("stripe", AccountKind.ProviderCostPayable));
        var accrual = new JournalDraft(
            LedgerDatabase.Ids.New<JournalId>(), 3, 1, Mode.Test, LedgerDatabase.Ids.New<PaymentId>(), LedgerDatabase.Ids.New<MerchantId>(), "test.accrued", TimeProvider.System.GetUtcNow(), Decision: false,
            [new(LineKind.ProviderCost, LineAction.Post, expense, payable, new Money(300, Currency.Of("USD")))]);
        Assert.Equal([PostingVerdict.Posted], await books.PostAsync([accrual], Cancel));

        Assert.Equal(HouseVerdict.Booked, await house.BookAsync(Settlement(null) with { Currencies = [new("USD", 0, 0, 300, 0)] }, Cancel));
        Assert.Equal(
            ["test|platform|bank|USD=-9700", "test|platform|provider_cost_expense|USD=-300", "test|stripe|provider_receivable|USD=10000"],
            (await books.FoldedAsync(Cancel)).Select(b => $"{b.Key}={b.Value}"));
        await ModelCheck.HoldsAsync(books, Cancel);
    }

    [Fact]
    public async Task An_exchange_without_a_rate_of_ours_is_refused_and_booked_once_there_is_one()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        var house = new HouseBooks(books.Writer, TimeProvider.System);
        var settled = Settlement(new("EUR", 9_000));
        Assert.Equal(HouseVerdict.RateMissing, await house.BookAsync(settled, Cancel));
        Assert.Empty(await books.FoldedAsync(Cancel));

        await books.ExecuteAsync("""
            INSERT INTO ledger.rates (version, base, quote, rate, source, observed_at, valid_from, valid_until, uploaded_by)
            VALUES (1, 'USD', 'EUR', 0.5, 'ecb', now(), now() - interval '2 days', now() - interval '1 minute', 'opk'),
                   (2, 'USD', 'EUR', 0.9, 'ecb', now(), now() - interval '2 days', now() - interval '1 minute', 'opk'),
                   (3, 'USD', 'EUR', 0.7, 'ecb', now(), now() - interval '1 minute', now() + interval '1 day', 'opk')
            """, Cancel);
        Assert.Equal(HouseVerdict.Booked, await house.BookAsync(settled, Cancel));
        var balances = await books.FoldedAsync(Cancel);
        Assert.Equal((8_685L, 315L), (balances["test|platform|fx_clearing|EUR"], balances["test|platform|fx_gain_loss|EUR"]));
        await ModelCheck.HoldsAsync(books, Cancel);
    }

    [Fact]
    public async Task A_correction_above_the_limit_needs_another_person()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        var house = new HouseBooks(books.Writer, TimeProvider.System);
        var correction = Correction(10_001);
        Assert.Equal(HouseVerdict.SecondPersonNeeded, await house.BookAsync(correction, Cancel));
        Assert.Empty(await books.FoldedAsync(Cancel));
        Assert.Equal(HouseVerdict.Booked, await house.BookAsync(correction with { ApprovedBy = "opk_b" }, Cancel));
        Assert.Equal(HouseVerdict.Duplicate, await house.BookAsync(correction with { ApprovedBy = "opk_b" }, Cancel));
        Assert.Equal(HouseVerdict.Booked, await house.BookAsync(Correction(10_000), Cancel));
        Assert.Equal(20_001, (await books.FoldedAsync(Cancel))["test|stripe|provider_receivable|USD"]);
    }

    [Fact]
    public async Task An_id_of_a_month_that_is_past_books_nothing_new()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        var house = new HouseBooks(books.Writer, TimeProvider.System);
        Assert.Equal(HouseVerdict.IdTooOld, await house.BookAsync(Settlement(null) with { Id = new(Id.FirstAt(TimeProvider.System.GetUtcNow().AddDays(-28))) }, Cancel));
        Assert.Empty(await books.FoldedAsync(Cancel));
    }

    [Fact]
    public async Task The_endpoints_name_what_they_refuse()
    {
        await using var ledger = await LedgerService.StartAsync(servers);
        const string settlements = "/internal/ledger/provider-settlements", corrections = "/internal/ledger/corrections";
        Assert.Equal(HttpStatusCode.Unauthorized, (await ledger.AskAsync(HttpMethod.Post, settlements, key: null, new { })).Status);
        Assert.Equal("missing_field id", await RefusedAsync(settlements, "{}"));
        Assert.Equal("invalid_value reference", await RefusedAsync(settlements, Text(Settlement(null) with { Reference = "" })));
        Assert.Equal("invalid_value currencies", await RefusedAsync(settlements, Text(Settlement(null) with { Currencies = [] })));
        Assert.Equal("invalid_value currencies[0].net_minor", await RefusedAsync(settlements, Text(Settlement(null) with { Currencies = [new("USD", 10, 1, 1, 10)] })));
        Assert.Equal("invalid_value currencies[0].conversion.currency", await RefusedAsync(settlements, Text(Settlement(new("USD", 1)))));
        Assert.Equal("rate_missing settled_at", await RefusedAsync(settlements, Text(Settlement(new("EUR", 1)))));
        Assert.Equal("invalid_value lines_hash", await RefusedAsync(settlements, Text(Settlement(null) with { LinesHash = "AB" })));
        Assert.Equal("invalid_value kind", await RefusedAsync(corrections, Text(Correction(1) with { Kind = "gift" })));
        Assert.Equal("missing_field merchant_id", await RefusedAsync(corrections, Text(Correction(1) with { Kind = "suspense_to_merchant" })));
        Assert.Equal("invalid_value approved_by", await RefusedAsync(corrections, Text(Correction(1) with { ApprovedBy = "opk_a" })));
        Assert.Equal("second_person_needed approved_by", await RefusedAsync(corrections, Text(Correction(10_001))));

        const string toShow = "/internal/ledger/payouts-to-show";
        Assert.Equal(HttpStatusCode.Unauthorized, (await ledger.AskAsync(HttpMethod.Get, toShow, key: null)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await ledger.AskAsync(HttpMethod.Post, toShow + "/taken", key: null, new { })).Status);
        Assert.Equal(0, (await ledger.GetAsync(toShow)).GetProperty("payouts").GetArrayLength());
        Assert.Equal("missing_field payouts", await RefusedAsync(toShow + "/taken", "{}"));
        Assert.Equal("wrong_type payouts[0]", await RefusedAsync(toShow + "/taken", """{"payouts": [1]}"""));

        var settled = Text(Settlement(null));
        foreach (var again in new[] { false, true })
        {
            var (status, body) = await ledger.AskAsync(HttpMethod.Post, settlements, body: Element(settled));
            Assert.Equal((HttpStatusCode.OK, again), (status, body.GetProperty("duplicate").GetBoolean()));
        }

        async Task<string> RefusedAsync(string path, string json)
        {
            var (_, body) = await ledger.AskAsync(HttpMethod.Post, path, body: Element(json));
            return $"{body.GetProperty("code").GetString()} {body.GetProperty("param").GetString()}";
        }
    }

    private static System.Text.Json.JsonElement Element(string json) => System.Text.Json.JsonDocument.Parse(json).RootElement;

    private static string Text<T>(T content) => System.Text.Json.JsonSerializer.Serialize(content, Json.Options);

    private static ProviderSettlement Settlement(ProviderConversion? exchanged) => new(
        LedgerDatabase.Ids.New<ProviderSettlementId>(), Mode.Test, Provider.Stripe, "po_1", TimeProvider.System.GetUtcNow().AddHours(-1),
        [new("USD", 10_000, 350, 300, 9_650, exchanged)], 3, NoHash);

    private static LedgerCorrection Correction(long amount) => new(
        LedgerDatabase.Ids.New<LedgerCorrectionId>(), Mode.Test, "provider_fee", Provider.Stripe, "USD", amount, TimeProvider.System.GetUtcNow().AddHours(-1),
        "The provider took a fee.", LedgerDatabase.Ids.New<ReconciliationBreakId>(), "opk_a");
}
