using System.Net;
using System.Net.Http.Json;
using Npgsql;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Ledger;
using Payments.Ledger.Books;
using Payments.Ledger.Exchanges;
using Payments.Ledger.Settlement;
using Xunit;
using Eventually = Payments.IntegrationTests.Fire.Eventually;

namespace Payments.IntegrationTests.Ledger;

/// <summary>Exchanges of our own and of others leave the clearing account empty, and what rates moved by as gain or loss.</summary>
public sealed class ExchangeTests(EmbeddedServers servers)
{
    private const string Clearing = "test|platform|fx_clearing|";
    private const string Gain = "test|platform|fx_gain_loss|USD";

    private static readonly Currency Euro = Currency.Of("EUR");
    private static readonly Currency Dollar = Currency.Of("USD");

    private static readonly DateTimeOffset At = TimeProvider.System.GetUtcNow().AddMinutes(-1);

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

    // 1 / 13.1072 = 0.0762939453125: half of the last digit that is kept.
    [Fact]
    public async Task The_way_back_of_a_rate_that_ends_on_a_half_is_one_to_the_code_and_to_the_database()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        await SettleMerchantAsync(books, 10_000, 11_000);
        await books.ExecuteAsync("""
            INSERT INTO ledger.rates (version, base, quote, rate, source, observed_at, valid_from, valid_until, uploaded_by)
            VALUES (1, 'USD', 'EUR', 13.1072, 'ecb', now(), now() - interval '1 hour', now() + interval '1 hour', 'opk')
            """, Cancel);
        Assert.Equal(0.076293945313m, Assert.Single((await OfTodayAsync(books)).Done!.Positions, p => p.Currency == "EUR").Rate);
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
        Assert.Equal(ExchangeVerdict.SamePerson, await exchanges.ApproveAsync(exchange.Id, "ada", Cancel));
        Assert.DoesNotContain("test|platform|bank|EUR", (await books.FoldedAsync(Cancel)).Keys);

        var approved = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => exchanges.ApproveAsync(exchange.Id, "ben", Cancel)));
        Assert.All(approved, v => Assert.Equal(ExchangeVerdict.Done, v));
        Assert.Equal(ExchangeVerdict.WrongState, await exchanges.RefuseAsync(exchange.Id, "ada", "too late", Cancel));
        var balances = await books.FoldedAsync(Cancel);
        Assert.Equal((20_000L, -22_100L), (balances["test|platform|bank|EUR"], balances["test|platform|bank|USD"]));
        Assert.Equal(100, (await OfTodayAsync(books)).Done!.Amount);
        Assert.DoesNotContain((await books.FoldedAsync(Cancel)).Keys, k => k.StartsWith(Clearing, StringComparison.Ordinal));
        await ModelCheck.HoldsAsync(books, Cancel);
    }

    [Fact]
    public async Task A_slip_is_refused_and_the_bank_s_reference_is_booked_once_however_many_recorded_it()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        await RateAsync(books, 1, 1.10m);
        var exchanges = new OwnExchanges(books.Writer, TimeProvider.System);
        var (slip, right) = (Exchange(20_000, 22_900), Exchange(20_000, 22_100));
        (right, var again) = (right with { Reference = slip.Reference }, Exchange(20_000, 22_100) with { Reference = slip.Reference });
        foreach (var exchange in new[] { slip, right, again })
        {
            Assert.Equal(ExchangeVerdict.AwaitingApproval, await RecordAsync(books, exchanges, exchange, "ada"));
        }

        Assert.Equal([ExchangeVerdict.Done, ExchangeVerdict.Done], [await exchanges.RefuseAsync(slip.Id, "ada", "A slip.", Cancel), await exchanges.RefuseAsync(slip.Id, "ben", "Again.", Cancel)]);
        Assert.Equal(ExchangeVerdict.WrongState, await exchanges.ApproveAsync(slip.Id, "ben", Cancel));
        var verdicts = await Task.WhenAll(exchanges.ApproveAsync(right.Id, "ben", Cancel), exchanges.ApproveAsync(again.Id, "ben", Cancel));
        Assert.Equal([ExchangeVerdict.Done, ExchangeVerdict.Known], verdicts.Order());
        Assert.Equal(-22_100, (await books.FoldedAsync(Cancel))["test|platform|bank|USD"]);
        Assert.Equal(["Booked ", "Refused A slip.", "AwaitingApproval "], (await exchanges.ListAsync(null, Mode.Test, 10, Cancel)).Select(r => $"{r.State} {r.Because}").OrderBy(r => r.Length));

        // What nobody decided for four weeks is recorded anew: its journal would lie in a month that may be gone.
        Assert.Equal(ExchangeVerdict.TooOld, await new OwnExchanges(books.Writer, new Later(TimeSpan.FromDays(28))).ApproveAsync(verdicts[0] == ExchangeVerdict.Known ? right.Id : again.Id, "ben", Cancel));
    }

    [Fact]
    public async Task The_database_books_nothing_that_was_not_agreed_to_or_is_otherwise_than_it_was_recorded_or_valued()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        await RateAsync(books, 1, 1.10m);
        await SettleMerchantAsync(books, 20_000, 22_000);
        var exchanges = new OwnExchanges(books.Writer, TimeProvider.System);
        var exchange = Exchange(20_000, 22_100);
        await RecordAsync(books, exchanges, exchange, "ada");

        Assert.Contains("does not approve it", await RefusedAsync(books, null, Decided(exchange, "ada")), StringComparison.Ordinal);
        Assert.Contains("not agreed to", await RefusedAsync(books, exchange.Journal()), StringComparison.Ordinal);
        Assert.Contains("otherwise than it was recorded", await RefusedAsync(books, null, Decided(exchange, "ben")), StringComparison.Ordinal);
        Assert.Contains("otherwise than it was recorded", await RefusedAsync(books, (exchange with { Bought = new(22_099, Dollar) }).Journal(), Decided(exchange, "ben")), StringComparison.Ordinal);

        var id = LedgerDatabase.Ids.New<JournalId>();
        var gain = new JournalDraft(
            id, 1000, 0, Mode.Test, new(id.Value), default, Valuation.EventType, TimeProvider.System.GetUtcNow(), Decision: false, [.. new Valuation(Dollar, [], 500).Lines()]);
        Assert.Contains("of no revaluation", await RefusedAsync(books, gain), StringComparison.Ordinal);
        const string stands = """[{"currency": "EUR", "balance": -20000, "rate": 1.1, "worth": -22000}, {"currency": "USD", "balance": 22000, "rate": null, "worth": 22000}]""";
        Assert.Contains("not the worth of its positions", await RefusedAsync(books, gain, Valued(id, 500, stands)), StringComparison.Ordinal);
        Assert.Contains("a rate that is not ours", await RefusedAsync(books, gain, Valued(id, 500, stands.Replace("1.1, \"worth\": -22000", "1.125, \"worth\": -22500", StringComparison.Ordinal))), StringComparison.Ordinal);
        Assert.Contains("of another position", await RefusedAsync(books, gain, Valued(id, 500, stands.Replace("22000, \"rate\": null, \"worth\": 22000", "21500, \"rate\": null, \"worth\": 21500", StringComparison.Ordinal))), StringComparison.Ordinal);
        Assert.Contains("otherwise than it was valued", await RefusedAsync(books, null, Valued(id, 500, stands.Replace("22000, \"rate\": null, \"worth\": 22000", "21500, \"rate\": null, \"worth\": 21500", StringComparison.Ordinal))), StringComparison.Ordinal);
        Assert.Equal(0, await books.ValueAsync<long>("SELECT count(*) FROM ledger.journals WHERE event_type LIKE 'fx.%'", Cancel));
    }

    [Fact]
    public async Task Exchanges_of_an_earlier_version_are_booked_by_who_booked_them_and_what_waited_is_decided()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel, 42);
        var (small, approved, waiting) = (Exchange(1_000, 1_090), Exchange(20_000, 22_000), Exchange(30_000, 33_000));
        foreach (var (exchange, approver) in new[] { (small, ""), (approved, "ben"), (waiting, "") })
        {
            await using var connection = await books.Writer.OpenConnectionAsync(Cancel);
            await using var transaction = await connection.BeginTransactionAsync(Cancel);
            await using var command = new NpgsqlCommand($"""
                INSERT INTO ledger.exchanges (id, mode, sold_currency, sold, bought_currency, bought, exchanged_at, reference, reason, proposed_by)
                VALUES ('{exchange.Id.Value}', 'test', 'EUR', {exchange.Sold.Minor}, 'USD', {exchange.Bought.Minor}, now(), '{exchange.Reference}', 'x', 'ada');
                INSERT INTO ledger.exchange_approvals (exchange_id, approved_by) SELECT '{exchange.Id.Value}', '{approver}' WHERE '{approver}' <> ''
                """, connection, transaction);
            await command.ExecuteNonQueryAsync(Cancel);
            if (exchange != waiting)
            {
                await JournalWriter.PostAsync(connection, transaction, [exchange.Journal()], Cancel);
            }

            await transaction.CommitAsync(Cancel);
        }

        await books.MigrateAsync(Cancel);
        var exchanges = new OwnExchanges(books.Writer, TimeProvider.System);
        Assert.Equal(
            [(small.Id, "ada", ExchangeState.Booked, "ada"), (approved.Id, "ada", ExchangeState.Booked, "ben"), (waiting.Id, "ada", ExchangeState.AwaitingApproval, null)],
            (await exchanges.ListAsync(null, Mode.Test, 10, Cancel)).Select(r => (r.Exchange.Id, r.RecordedBy, r.State, r.DecidedBy)).Reverse());
        Assert.Equal(2, await books.ValueAsync<long>("SELECT count(*) FROM ledger.exchange_decisions d JOIN ledger.exchanges x ON x.id = d.exchange_id AND x.recorded_at = d.decided_at", Cancel));
        Assert.Equal([ExchangeVerdict.Done, ExchangeVerdict.SamePerson, ExchangeVerdict.Done], [await exchanges.ApproveAsync(approved.Id, "ben", Cancel), await exchanges.ApproveAsync(waiting.Id, "ada", Cancel), await exchanges.ApproveAsync(waiting.Id, "ben", Cancel)]);
        await RateAsync(books, 1, 1.10m);
        Assert.Equal(ExchangeVerdict.Known, await RecordAsync(books, exchanges, small with { Id = LedgerDatabase.Ids.New<JournalId>() }, "ada"));
        Assert.Equal(51_000, (await books.FoldedAsync(Cancel))["test|platform|bank|EUR"]);
        await ModelCheck.HoldsAsync(books, Cancel);
    }

    [Fact]
    public async Task What_is_booked_while_a_position_is_valued_waits_and_is_in_the_next()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        await RateAsync(books, 1, 1.10m);
        var exchanges = new OwnExchanges(books.Writer, TimeProvider.System);
        for (var i = 0; i < 4; i++)
        {
            await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => (Task)RecordAsync(books, exchanges, Exchange(1_000, 1_090), "ada")).Append(AskAsync(books)));
        }

        await AskAsync(books);
        var balances = await books.FoldedAsync(Cancel);
        Assert.Equal((-12_000L, 13_200L), (balances[Clearing + "EUR"], balances[Clearing + "USD"]));
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
        await RateAsync(books, 2, 1_000_000_000m);
        Assert.Equal(ExchangeVerdict.OffOurRate, await RecordAsync(books, exchanges, Exchange(1_000_000_000_000_000, 1), "ada"));
        await RateAsync(books, 3, 1.10m);
        Assert.Equal(0, await books.ValueAsync<long>("SELECT count(*) FROM ledger.exchanges", Cancel));
        Assert.Equal(ExchangeVerdict.Done, await RecordAsync(books, exchanges, Exchange(1_000, 1_090), "ada"));
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

    [Fact]
    public async Task A_ledger_that_is_killed_at_any_step_of_an_exchange_or_a_revaluation_books_each_once_after_its_restart()
    {
        await using var service = await LedgerService.StartAsync(servers);
        await service.StopAsync();
        await RateAsync(service.Books, 1, 1.10m);
        var aim = Path.Combine(servers.CreateDirectory(), "aim");

        // The request dies with the process, and is asked again.
        await File.WriteAllTextAsync(aim, ExchangeSteps.ExchangeEffects, Cancel);
        using (var killed = await LedgerProcess.StartAsync(service, aim))
        {
            await Assert.ThrowsAnyAsync<HttpRequestException>(() => PostAsync(killed));
            await killed.DiedAsync();
        }

        Assert.True(File.Exists(aim + ".hit"));
        File.Delete(aim + ".hit");
        Assert.Equal(0, await service.Books.ValueAsync<long>("SELECT count(*) FROM ledger.exchanges", Cancel));
        await service.Books.ExecuteAsync("UPDATE idempotency_keys SET lease_until = now() - interval '1 second' WHERE status IS NULL", Cancel);
        await File.WriteAllTextAsync(aim, "", Cancel);
        using (var restarted = await LedgerProcess.StartAsync(service, aim))
        {
            var first = await PostAsync(restarted);
            Assert.Equal((HttpStatusCode.OK, first), (first.Status, await PostAsync(restarted)));
            await Eventually.BecomesTrueAsync("it is valued", async () => await service.Books.ValueAsync<long>("SELECT count(*) FROM ledger.revaluations", Cancel) == 1 ? null : "not yet", Cancel);
        }

        // As on a later day: rounds value what stands, and die over it.
        await SettleMerchantAsync(service.Books, 5_000, 5_600);
        foreach (var step in new[] { ExchangeSteps.RevaluationEffects, ExchangeSteps.RevaluationAfter })
        {
            await service.TamperAsync("UPDATE ledger.revaluations SET valued_at = valued_at - interval '1 day'");
            await File.WriteAllTextAsync(aim, step, Cancel);
            using var killed = await LedgerProcess.StartAsync(service, aim);
            await killed.DiedAsync();
            Assert.True(File.Exists(aim + ".hit"), step);
            File.Delete(aim + ".hit");
            Assert.Equal((step, step == ExchangeSteps.RevaluationAfter ? 2L : 1L), (step, await service.Books.ValueAsync<long>("SELECT count(*) FROM ledger.revaluations", Cancel)));
        }

        Assert.Equal("EUR=4000, USD=-4400", string.Join(", ", (await service.Books.FoldedAsync(Cancel)).Where(b => b.Key.StartsWith(Clearing, StringComparison.Ordinal)).Select(b => $"{b.Key[Clearing.Length..]}={b.Value}")));
        await ModelCheck.HoldsAsync(service.Books, Cancel);
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

        await RecordAsync(books, exchanges, Exchange(2_000, 2_190) with { Reference = exchange.Reference }, "ada");
        await OfTodayAsync(books);
        await ModelCheck.HoldsAsync(books, Cancel);
        return string.Join('\n', (await books.FoldedAsync(Cancel)).Where(b => b.Key.StartsWith("test|platform|", StringComparison.Ordinal)).Select(b => $"{b.Key}={b.Value}"))
            + await books.ValueAsync<long>("SELECT count(*) FROM ledger.revaluations", Cancel);
    }

    private static OwnExchange Exchange(long euros, long dollars) => new(
        LedgerDatabase.Ids.New<JournalId>(), Mode.Test, new(euros, Euro), new(dollars, Dollar), TimeProvider.System.GetUtcNow().AddMinutes(-1), $"FX {LedgerDatabase.Ids.New<RequestId>()}", "More dollars");

    private static async Task<ExchangeVerdict> RecordAsync(LedgerDatabase books, OwnExchanges exchanges, OwnExchange exchange, string by)
    {
        await using var connection = await books.Writer.OpenConnectionAsync(Cancel);
        await using var transaction = await connection.BeginTransactionAsync(Cancel);
        var verdict = await exchanges.RecordAsync(transaction, exchange, by, Cancel);
        if (verdict is ExchangeVerdict.Done or ExchangeVerdict.AwaitingApproval)
        {
            await transaction.CommitAsync(Cancel);
        }

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

    private static async Task<(HttpStatusCode Status, string Body)> PostAsync(LedgerProcess ledger)
    {
        var (sold, bought) = (new { amount = 1_000, currency = "EUR" }, new { amount = 1_090, currency = "USD" });
        using var request = new HttpRequestMessage(HttpMethod.Post, "/internal/v1/ops/exchanges");
        request.Content = JsonContent.Create(new { mode = "test", sold, bought, exchanged_at = At, reference = "FX-1", reason = "test" });
        request.Headers.Add("Idempotency-Key", "exchange");
        using var answer = await ledger.Http.SendAsync(request, Cancel);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync(Cancel));
    }

    private static string Decided(OwnExchange exchange, string by) =>
        $"INSERT INTO ledger.exchange_decisions (exchange_id, mode, reference, state, decided_by) VALUES ('{exchange.Id.Value}', 'test', '{exchange.Reference}', 'booked', '{by}')";

    private static string Valued(JournalId id, long amount, string positions) =>
        $"INSERT INTO ledger.revaluations (id, mode, number, currency, amount, positions, valued_at) VALUES ('{id.Value}', 'test', 1, 'USD', {amount}, '{positions}', now())";

    /// <summary>What the database says to somebody who goes past the code.</summary>
    private static async Task<string> RefusedAsync(LedgerDatabase books, JournalDraft? journal, string? sql = null)
    {
        var refusal = await Assert.ThrowsAsync<PostgresException>(async () =>
        {
            await using var connection = await books.Writer.OpenConnectionAsync(Cancel);
            await using var transaction = await connection.BeginTransactionAsync(Cancel);
            if (sql is not null)
            {
                await using var command = new NpgsqlCommand(sql, connection, transaction);
                await command.ExecuteNonQueryAsync(Cancel);
            }

            if (journal is not null)
            {
                await JournalWriter.PostAsync(connection, transaction, [journal], Cancel);
            }

            await transaction.CommitAsync(Cancel);
        });
        return refusal.MessageText;
    }

    private sealed class Later(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + by;
    }
}
