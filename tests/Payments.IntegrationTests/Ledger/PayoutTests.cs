using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Payments.Core;
using Payments.Core.Seams;
using Payments.IntegrationTests.Simulators;
using Payments.Ledger.Books;
using Payments.Ledger.Payouts;
using Xunit;

namespace Payments.IntegrationTests.Ledger;

public sealed class PayoutTests(EmbeddedServers servers)
{
    private static readonly DateTimeOffset Now = PayoutBed.Now;
    private static readonly DateOnly Today = PayoutBed.Today;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(PayoutStanding.KycPending, 0)]
    [InlineData(PayoutStanding.SanctionsHold, 0)]
    [InlineData(PayoutStanding.RiskHold, 0)]
    [InlineData(PayoutStanding.Cleared, 1)]
    public async Task Only_a_cleared_merchant_is_paid(PayoutStanding standing, int made)
    {
        await using var bed = await PayoutBed.CreateAsync(servers);
        Assert.Equal(0, await bed.Books.CreateDueAsync(Today, Cancel));
        await bed.SetAsync(standing);
        Assert.Equal(made, await bed.Books.CreateDueAsync(Today, Cancel));
        Assert.Equal(0, await bed.Books.CreateDueAsync(Today, Cancel));
        Assert.Equal((5_000, made * 5_000), await bed.PayableAsync());
    }

    [Fact]
    public async Task What_is_below_the_minimum_or_payable_later_is_not_paid()
    {
        await using var bed = await PayoutBed.CreateAsync(servers, payOn: Today.AddDays(1));
        await bed.SetAsync(minimum: 5_000);
        Assert.Equal(0, await bed.Books.CreateDueAsync(Today, Cancel));
        Assert.Equal(1, await bed.Books.CreateDueAsync(Today.AddDays(1), Cancel));

        await using var other = await PayoutBed.CreateAsync(servers);
        await other.SetAsync(minimum: 5_001);
        Assert.Equal(0, await other.Books.CreateDueAsync(Today, Cancel));
    }

    // currency, what is payable, the minimum of every other currency, minimums by currency → whether it is paid
    [Fact]
    public async Task The_minimum_is_that_of_the_currency_and_of_every_other_the_common_one()
    {
        await using var database = await LedgerDatabase.CreateAsync(servers, Cancel);
        foreach (var (currency, amount, common, minimums, paid) in new (string, long, long, (string, long)[], bool)[]
        {
            ("USD", 4_999, 5_000, [("JPY", 1_000)], false), ("USD", 5_000, 5_000, [("JPY", 1_000)], true),
            ("JPY", 999, 5_000, [("JPY", 1_000)], false), ("JPY", 1_000, 5_000, [("JPY", 1_000), ("KWD", 20_000)], true),
            ("KWD", 19_999, 5_000, [("KWD", 20_000)], false), ("KWD", 20_000, 5_000, [("KWD", 20_000)], true),
        })
        {
            var bed = await PayoutBed.OnAsync(database, currency, amount);
            await bed.SetAsync(minimum: common, minimums: minimums);
            Assert.Equal((currency, amount, paid ? 1 : 0), (currency, amount, await bed.Books.CreateDueAsync(Today, Cancel)));
        }

        foreach (var wrong in new[] { """{"JPY": 0}""", """{"yen": 1}""", """{"JPY": "1"}""", """{"JPY": 1.5}""", "[]" })
        {
            var refusal = await Assert.ThrowsAsync<PostgresException>(() => database.ExecuteAsync($"""
                INSERT INTO ledger.payout_settings (mode, merchant_id, version, state, minimum, minimums, account, iban_last4, reason, set_by)
                VALUES ('test', gen_random_uuid(), 1, 'cleared', 1, '{wrong}', 'x', '3000', 'x', 'x')
                """, Cancel));
            Assert.Equal((wrong, PostgresErrorCodes.CheckViolation), (wrong, refusal.SqlState));
        }
    }

    [Fact]
    public async Task The_switch_stops_payouts_and_files()
    {
        await using var bed = await PayoutBed.CreateAsync(servers);
        await bed.SetAsync();
        Assert.True(await bed.Settings.SwitchAsync(true, "drill", "opk_1", Cancel));
        Assert.Equal(0, await bed.Books.CreateDueAsync(Today, Cancel));
        Assert.True(await bed.Settings.SwitchAsync(false, "over", "opk_1", Cancel));
        Assert.Equal(1, await bed.Books.CreateDueAsync(Today, Cancel));
        Assert.True(await bed.Settings.SwitchAsync(true, "drill", "opk_1", Cancel));
        Assert.Null(await bed.FileAsync());
        // Also past the code.
        var id = PayoutIds.Of(Mode.Test, bed.Merchant, Currency.Of("EUR"), Today);
        var refusal = await Assert.ThrowsAsync<PostgresException>(() => bed.Database.ExecuteAsync(
            $"INSERT INTO ledger.payout_changes (payout_id, version, before, state, by_whom) VALUES ('{id.Value}', 2, 'ready', 'sent', 'x')", Cancel));
        Assert.Contains("is held", refusal.MessageText, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Above_the_limit_two_people_approve_and_the_database_counts_them()
    {
        await using var bed = await PayoutBed.CreateAsync(servers, amount: 1_000_001);
        await bed.SetAsync();
        Assert.Equal(1, await bed.Books.CreateDueAsync(Today, Cancel));
        var id = PayoutIds.Of(Mode.Test, bed.Merchant, Currency.Of("EUR"), Today);
        Assert.Null(await bed.FileAsync());
        Assert.Equal(PayoutVerdict.SecondPersonNeeded, await bed.Approvals.ApproveAsync(id, 1, "opk_1", Cancel));
        Assert.Equal(PayoutVerdict.SamePerson, await bed.Approvals.ApproveAsync(id, 1, "opk_1", Cancel));
        var refusal = await Assert.ThrowsAsync<PostgresException>(() => bed.Database.ExecuteAsync(
            $"INSERT INTO ledger.payout_changes (payout_id, version, before, state, by_whom) VALUES ('{id.Value}', 2, 'awaiting_approval', 'ready', 'opk_1')", Cancel));
        Assert.Contains("two people", refusal.MessageText, StringComparison.Ordinal);
        Assert.Equal(PayoutVerdict.Done, await bed.Approvals.ApproveAsync(id, 1, "opk_2", Cancel));
        Assert.Equal(PayoutVerdict.WrongState, await bed.Approvals.ApproveAsync(id, 1, "opk_3", Cancel));
        Assert.NotNull(await bed.FileAsync());
    }

    [Fact]
    public async Task A_file_is_the_same_each_time_and_takes_each_payout_once()
    {
        await using var bed = await PayoutBed.CreateAsync(servers);
        await bed.SetAsync();
        await bed.Books.CreateDueAsync(Today, Cancel);
        var file = Assert.IsType<PayoutFile>(await bed.FileAsync());
        Assert.Null(await bed.FileAsync());
        var before = (await bed.Files.ReadAsync(file.Id, Cancel))!.Value.Bytes;
        await bed.SetAsync(account: PayoutBed.Other);
        Assert.Equal(before, (await bed.Files.ReadAsync(file.Id, Cancel))!.Value.Bytes);
        Assert.Contains(PayoutBed.Creditor.Iban, System.Text.Encoding.UTF8.GetString(before), StringComparison.Ordinal);
        Assert.Equal(0, await bed.Database.ValueAsync<long>("SELECT count(*) FROM ledger.payout_settings WHERE strpos(account, $1) > 0", Cancel, PayoutBed.Creditor.Iban));
    }

    [Fact]
    public async Task Paid_failed_and_returned_payouts_move_what_they_say_once()
    {
        foreach (var (states, payable) in new (PayoutState[], long)[] { ([PayoutState.Paid], 0), ([PayoutState.Failed], 5_000), ([PayoutState.Paid, PayoutState.Returned], 5_000) })
        {
            await using var bed = await PayoutBed.CreateAsync(servers);
            await bed.SetAsync();
            await bed.Books.CreateDueAsync(Today, Cancel);
            var id = PayoutIds.Of(Mode.Test, bed.Merchant, Currency.Of("EUR"), Today);
            Assert.Equal(PayoutVerdict.WrongState, await bed.ChangeAsync(id, states[0]));
            await bed.FileAsync();
            Assert.Equal((5_000, 5_000), await bed.PayableAsync());
            foreach (var state in states)
            {
                Assert.Equal(PayoutVerdict.Done, await bed.ChangeAsync(id, state));
                Assert.Equal(PayoutVerdict.Duplicate, await bed.ChangeAsync(id, state));
            }

            Assert.Equal(PayoutVerdict.WrongState, await bed.ChangeAsync(id, PayoutState.Canceled));
            Assert.Equal((payable, 0), await bed.PayableAsync());
            // What came back is paid on another day, never again on this one.
            Assert.Equal(0, await bed.Books.CreateDueAsync(Today, Cancel));
            Assert.Equal(payable > 0 ? 1 : 0, await bed.Books.CreateDueAsync(Today.AddDays(1), Cancel));
            await ModelCheck.HoldsAsync(bed.Database, Cancel);
        }
    }

    [Theory]
    [InlineData(PayoutStanding.SanctionsHold)]
    [InlineData(PayoutStanding.RiskHold)]
    [InlineData(PayoutStanding.KycPending)]
    public async Task A_merchant_who_is_held_after_the_payout_was_made_is_in_no_file_until_cleared(PayoutStanding standing)
    {
        await using var bed = await PayoutBed.CreateAsync(servers);
        await bed.SetAsync();
        await bed.Books.CreateDueAsync(Today, Cancel);
        await bed.SetAsync(standing);
        Assert.Null(await bed.FileAsync());
        var id = PayoutIds.Of(Mode.Test, bed.Merchant, Currency.Of("EUR"), Today);
        var refusal = await Assert.ThrowsAsync<PostgresException>(() => bed.Database.ExecuteAsync(
            $"INSERT INTO ledger.payout_changes (payout_id, version, before, state, by_whom) VALUES ('{id.Value}', 2, 'ready', 'sent', 'x')", Cancel));
        Assert.Contains("is held", refusal.MessageText, StringComparison.Ordinal);
        await bed.SetAsync();
        Assert.NotNull(await bed.FileAsync());
    }

    [Fact]
    public async Task A_negative_balance_is_carried_until_later_batches_are_more()
    {
        await using var bed = await PayoutBed.CreateAsync(servers);
        await bed.SetAsync(minimum: 100);
        Assert.Equal(1, await bed.Books.CreateDueAsync(Today, Cancel));
        await bed.FileAsync();
        await bed.ChangeAsync(PayoutIds.Of(Mode.Test, bed.Merchant, Currency.Of("EUR"), Today), PayoutState.Paid);

        // A refund of what is paid already: 700 are owed.
        await bed.SettleAsync(LineKind.Refund, -700, Now.AddHours(-23));
        Assert.Equal((-700, 0), await bed.PayableAsync());
        Assert.Equal(0, await bed.Books.CreateDueAsync(Today.AddDays(1), Cancel));

        // Above zero, and below the minimum.
        await bed.SettleAsync(LineKind.Capture, 750, Now.AddHours(-22));
        Assert.Equal(0, await bed.Books.CreateDueAsync(Today.AddDays(2), Cancel));
        await bed.SettleAsync(LineKind.Capture, 1_000, Now.AddHours(-21));
        Assert.Equal(1, await bed.Books.CreateDueAsync(Today.AddDays(3), Cancel));
        Assert.Equal((1_050, 1_050), await bed.PayableAsync());
        await ModelCheck.HoldsAsync(bed.Database, Cancel);
    }

    [Fact]
    public async Task A_canceled_payout_is_payable_again_and_a_sent_one_is_not_canceled()
    {
        await using var bed = await PayoutBed.CreateAsync(servers);
        await bed.SetAsync();
        await bed.Books.CreateDueAsync(Today, Cancel);
        Assert.Equal(PayoutVerdict.Done, await bed.ChangeAsync(PayoutIds.Of(Mode.Test, bed.Merchant, Currency.Of("EUR"), Today), PayoutState.Canceled));
        Assert.Equal((5_000, 0), await bed.PayableAsync());
        Assert.Null(await bed.FileAsync());
        await bed.Books.CreateDueAsync(Today.AddDays(1), Cancel);
        await bed.FileAsync();
        Assert.Equal(PayoutVerdict.WrongState, await bed.ChangeAsync(PayoutIds.Of(Mode.Test, bed.Merchant, Currency.Of("EUR"), Today.AddDays(1)), PayoutState.Canceled));
    }

    [Fact]
    public async Task The_statement_tells_the_same_as_the_banks_report_and_more()
    {
        await using var bed = await PayoutBed.CreateAsync(servers);
        await bed.SetAsync();
        await bed.Books.CreateDueAsync(Today, Cancel);
        var id = PayoutIds.Of(Mode.Test, bed.Merchant, Currency.Of("EUR"), Today);
        Task<PayoutVerdict> Enter(long amount, string currency = "EUR", Mode mode = Mode.Test, PayoutId? payout = null) =>
            bed.Books.EnterAsync(new PayoutEntry(mode, payout ?? id, currency, amount, Now), "reconciliation", Cancel);
        Assert.Equal(PayoutVerdict.WrongState, await Enter(-5_000));
        await bed.FileAsync();
        Assert.Equal(
            [PayoutVerdict.OtherAmount, PayoutVerdict.OtherAmount, PayoutVerdict.NotFound, PayoutVerdict.NotFound, PayoutVerdict.WrongState],
            [await Enter(-4_999), await Enter(-5_000, "USD"), await Enter(-5_000, mode: Mode.Live), await Enter(-5_000, payout: new(Guid.Empty)), await Enter(5_000)]);
        Assert.Equal([PayoutVerdict.Done, PayoutVerdict.Duplicate], [await Enter(-5_000), await Enter(-5_000)]);
        Assert.Equal((0, 0), await bed.PayableAsync());
        Assert.Equal(PayoutVerdict.Duplicate, await bed.ChangeAsync(id, PayoutState.Paid));
        Assert.Equal([PayoutVerdict.Done, PayoutVerdict.Duplicate, PayoutVerdict.Duplicate], [await Enter(5_000), await Enter(5_000), await Enter(-5_000)]);
        Assert.Equal((5_000, 0), await bed.PayableAsync());
        await ModelCheck.HoldsAsync(bed.Database, Cancel);
    }

    [Fact]
    public async Task What_happens_to_a_payout_later_lies_in_the_month_in_which_it_is_booked()
    {
        await using var bed = await PayoutBed.CreateAsync(servers);
        await bed.SetAsync();
        await bed.Books.CreateDueAsync(Today, Cancel);
        await bed.FileAsync();
        var id = PayoutIds.Of(Mode.Test, bed.Merchant, Currency.Of("EUR"), Today);
        await bed.ChangeAsync(id, PayoutState.Paid);
        var clock = new MovedClock { Ahead = TimeSpan.FromDays(45) };
        Assert.Equal(PayoutVerdict.Done, await new PayoutBooks(bed.Database.Writer, clock, NullLogger<PayoutBooks>.Instance).ChangeAsync(id, new(PayoutState.Returned, "ref", "", "opk_1", Now, BankEvidence.Statement), Cancel));
        var journal = await bed.Database.ValueAsync<Guid>("SELECT id FROM ledger.journals WHERE event_type = 'payout.returned'", Cancel);
        Assert.InRange(Id.TimeOf(journal), Now.AddDays(44), clock.GetUtcNow());
        Assert.Equal((5_000, 0), await bed.PayableAsync());
        await ModelCheck.HoldsAsync(bed.Database, Cancel);
    }

    [Fact]
    public async Task A_payout_that_holds_nothing_is_refused_by_the_database()
    {
        await using var bed = await PayoutBed.CreateAsync(servers);
        var refusal = await Assert.ThrowsAsync<PostgresException>(() => bed.Database.ExecuteAsync("""
            INSERT INTO ledger.payouts (id, mode, merchant_id, currency, amount, due_on, account_id)
            SELECT gen_random_uuid(), 'test', gen_random_uuid(), 'EUR', 1, current_date, a.id FROM ledger.accounts a WHERE a.kind = 'merchant_payable'
            """, Cancel));
        Assert.Contains("holds nothing", refusal.MessageText, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Several_rounds_at_once_make_one_payout()
    {
        await using var bed = await PayoutBed.CreateAsync(servers);
        await bed.SetAsync();
        var made = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => bed.Books.CreateDueAsync(Today, Cancel)));
        Assert.Equal((1, (5_000, 5_000)), (made.Sum(), await bed.PayableAsync()));
    }

    [Fact]
    public async Task Broken_off_at_each_step_and_begun_again_it_ends_in_the_same_payout()
    {
        foreach (var step in PayoutSteps.All)
        {
            await using var bed = await PayoutBed.CreateAsync(servers);
            await bed.SetAsync();
            var id = PayoutIds.Of(Mode.Test, bed.Merchant, Currency.Of("EUR"), Today);
            using (new Breaker(step))
            {
                await Assert.ThrowsAsync<BrokenOffException>(() => WholeLifeAsync(bed, id));
            }

            await WholeLifeAsync(bed, id);
            Assert.Equal((step, (0L, 0L)), (step, await bed.PayableAsync()));
            Assert.Equal("ready,sent,paid", await bed.Database.ValueAsync<string>("SELECT string_agg(state, ',' ORDER BY version) FROM ledger.payout_changes", Cancel));
            Assert.Equal(1, await bed.Database.ValueAsync<long>("SELECT count(*) FROM ledger.payout_files", Cancel));
            await ModelCheck.HoldsAsync(bed.Database, Cancel);
        }
    }

    private static async Task WholeLifeAsync(PayoutBed bed, PayoutId id)
    {
        await bed.Books.CreateDueAsync(Today, Cancel);
        await bed.FileAsync();
        await bed.ChangeAsync(id, PayoutState.Paid);
    }
}
