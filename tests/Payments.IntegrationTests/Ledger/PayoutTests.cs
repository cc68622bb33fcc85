using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Payments.Core;
using Payments.Ledger;
using Payments.Ledger.Books;
using Payments.Ledger.Payouts;
using Payments.Ledger.Settlement;
using Payments.Platform.Secrets;
using Xunit;

namespace Payments.IntegrationTests.Ledger;

public sealed class PayoutTests(EmbeddedServers servers)
{
    private static readonly BankAccount Creditor = new("Ada's Mugs", "DE89370400440532013000", "COBADEFFXXX");
    private static readonly DateTimeOffset Now = TimeProvider.System.GetUtcNow();
    private static readonly DateOnly Today = DateOnly.FromDateTime(Now.UtcDateTime);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(PayoutStanding.KycPending, 0)]
    [InlineData(PayoutStanding.SanctionsHold, 0)]
    [InlineData(PayoutStanding.RiskHold, 0)]
    [InlineData(PayoutStanding.Cleared, 1)]
    public async Task Only_a_cleared_merchant_is_paid(PayoutStanding standing, int made)
    {
        await using var bed = await Bed.CreateAsync(servers);
        Assert.Equal(0, await bed.Books.CreateDueAsync(Today, Cancel));
        await bed.SetAsync(standing);
        Assert.Equal(made, await bed.Books.CreateDueAsync(Today, Cancel));
        Assert.Equal(0, await bed.Books.CreateDueAsync(Today, Cancel));
        Assert.Equal((5_000, made * 5_000), await bed.PayableAsync());
    }

    [Fact]
    public async Task What_is_below_the_minimum_or_payable_later_is_not_paid()
    {
        await using var bed = await Bed.CreateAsync(servers, payOn: Today.AddDays(1));
        await bed.SetAsync(minimum: 5_000);
        Assert.Equal(0, await bed.Books.CreateDueAsync(Today, Cancel));
        Assert.Equal(1, await bed.Books.CreateDueAsync(Today.AddDays(1), Cancel));

        await using var other = await Bed.CreateAsync(servers);
        await other.SetAsync(minimum: 5_001);
        Assert.Equal(0, await other.Books.CreateDueAsync(Today, Cancel));
    }

    [Fact]
    public async Task The_switch_stops_payouts_and_files()
    {
        await using var bed = await Bed.CreateAsync(servers);
        await bed.SetAsync();
        Assert.True(await bed.Settings.SwitchAsync(true, "drill", "opk_1", Cancel));
        Assert.Equal(0, await bed.Books.CreateDueAsync(Today, Cancel));
        Assert.True(await bed.Settings.SwitchAsync(false, "over", "opk_1", Cancel));
        Assert.Equal(1, await bed.Books.CreateDueAsync(Today, Cancel));
        Assert.True(await bed.Settings.SwitchAsync(true, "drill", "opk_1", Cancel));
        Assert.Null(await bed.FileAsync());
        // Also past the code.
        var id = PayoutId.Of(Mode.Test, bed.Merchant, Currency.Of("EUR"), Today);
        var refusal = await Assert.ThrowsAsync<PostgresException>(() => bed.Database.ExecuteAsync(
            $"INSERT INTO ledger.payout_changes (payout_id, version, before, state, by_whom) VALUES ('{id.Value}', 2, 'ready', 'sent', 'x')", Cancel));
        Assert.Contains("is held", refusal.MessageText, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Above_the_limit_two_people_approve_and_the_database_counts_them()
    {
        await using var bed = await Bed.CreateAsync(servers, amount: 1_000_001);
        await bed.SetAsync();
        Assert.Equal(1, await bed.Books.CreateDueAsync(Today, Cancel));
        var id = PayoutId.Of(Mode.Test, bed.Merchant, Currency.Of("EUR"), Today);
        Assert.Null(await bed.FileAsync());
        Assert.Equal(PayoutVerdict.SecondPersonNeeded, await bed.Books.ApproveAsync(id, "opk_1", Cancel));
        Assert.Equal(PayoutVerdict.SamePerson, await bed.Books.ApproveAsync(id, "opk_1", Cancel));
        var refusal = await Assert.ThrowsAsync<PostgresException>(() => bed.Database.ExecuteAsync(
            $"INSERT INTO ledger.payout_changes (payout_id, version, before, state, by_whom) VALUES ('{id.Value}', 2, 'awaiting_approval', 'ready', 'opk_1')", Cancel));
        Assert.Contains("two people", refusal.MessageText, StringComparison.Ordinal);
        Assert.Equal(PayoutVerdict.Done, await bed.Books.ApproveAsync(id, "opk_2", Cancel));
        Assert.Equal(PayoutVerdict.WrongState, await bed.Books.ApproveAsync(id, "opk_3", Cancel));
        Assert.NotNull(await bed.FileAsync());
    }

    [Fact]
    public async Task A_file_is_the_same_each_time_and_takes_each_payout_once()
    {
        await using var bed = await Bed.CreateAsync(servers);
        await bed.SetAsync();
        await bed.Books.CreateDueAsync(Today, Cancel);
        var file = Assert.IsType<PayoutFile>(await bed.FileAsync());
        Assert.Null(await bed.FileAsync());
        var before = (await bed.Files.ReadAsync(file.Id, Cancel))!.Value.Bytes;
        await bed.SetAsync(account: Creditor with { Iban = "GB82WEST12345698765432", Bic = "WESTGB2L" });
        Assert.Equal(before, (await bed.Files.ReadAsync(file.Id, Cancel))!.Value.Bytes);
        Assert.Contains(Creditor.Iban, System.Text.Encoding.UTF8.GetString(before), StringComparison.Ordinal);
        Assert.Equal(0, await bed.Database.ValueAsync<long>("SELECT count(*) FROM ledger.payout_settings WHERE strpos(account, $1) > 0", Cancel, Creditor.Iban));
    }

    [Fact]
    public async Task Paid_failed_and_returned_payouts_move_what_they_say_once()
    {
        foreach (var (states, payable) in new (PayoutState[], long)[] { ([PayoutState.Paid], 0), ([PayoutState.Failed], 5_000), ([PayoutState.Paid, PayoutState.Returned], 5_000) })
        {
            await using var bed = await Bed.CreateAsync(servers);
            await bed.SetAsync();
            await bed.Books.CreateDueAsync(Today, Cancel);
            var id = PayoutId.Of(Mode.Test, bed.Merchant, Currency.Of("EUR"), Today);
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

    [Fact]
    public async Task Several_rounds_at_once_make_one_payout()
    {
        await using var bed = await Bed.CreateAsync(servers);
        await bed.SetAsync();
        var made = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => bed.Books.CreateDueAsync(Today, Cancel)));
        Assert.Equal((1, (5_000, 5_000)), (made.Sum(), await bed.PayableAsync()));
    }

    [Fact]
    public async Task Broken_off_at_each_step_and_begun_again_it_ends_in_the_same_payout()
    {
        foreach (var step in PayoutSteps.All)
        {
            await using var bed = await Bed.CreateAsync(servers);
            await bed.SetAsync();
            var id = PayoutId.Of(Mode.Test, bed.Merchant, Currency.Of("EUR"), Today);
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

    private static async Task WholeLifeAsync(Bed bed, PayoutId id)
    {
        await bed.Books.CreateDueAsync(Today, Cancel);
        await bed.FileAsync();
        await bed.ChangeAsync(id, PayoutState.Paid);
    }

    /// <summary>A merchant with something payable.</summary>
    private sealed class Bed : IAsyncDisposable
    {
        public required LedgerDatabase Database { get; init; }

        public required PayoutBooks Books { get; init; }

        public required PayoutSettings Settings { get; init; }

        public required PayoutFiles Files { get; init; }

        public MerchantId Merchant { get; } = LedgerDatabase.Ids.New<MerchantId>();

        public static async Task<Bed> CreateAsync(EmbeddedServers servers, long amount = 5_000, DateOnly? payOn = null)
        {
            var database = await LedgerDatabase.CreateAsync(servers, Cancel);
            var settings = new PayoutSettings(database.Writer, new SecretBox(new byte[32]));
            var options = new LedgerOptions { PayoutDebtorName = "Payments Ltd", PayoutDebtorIban = "GB82WEST12345698765432", PayoutDebtorBic = "WESTGB2L" };
            var bed = new Bed
            {
                Database = database,
                Books = new(database.Writer),
                Settings = settings,
                Files = new(database.Writer, settings, LedgerDatabase.Ids, TimeProvider.System, options, NullLogger<PayoutFiles>.Instance),
            };
            var log = new SettledLog();
            await SettlementTermsTests.PostAsync(database, log, bed.Merchant, "EUR", LineKind.Capture, amount, Now.AddDays(-2));
            await log.ProveAsync(database, Cancel);
            await new SettlementBatches(database.Writer, log).CloseAsync(Now.AddDays(-1), [new(Mode.Test, bed.Merchant, SettlementTerms.Default, payOn ?? Today)], Cancel);
            return bed;
        }

        public async Task SetAsync(PayoutStanding standing = PayoutStanding.Cleared, long minimum = 1, BankAccount? account = null) =>
            Assert.NotNull(await Settings.SetAsync(Mode.Test, Merchant, standing, minimum, account ?? Creditor, "test", "opk_1", Cancel));

        public Task<PayoutFile?> FileAsync() => Files.MakeAsync(Mode.Test, Currency.Of("EUR"), Today, "opk_1", Cancel);

        public Task<PayoutVerdict> ChangeAsync(PayoutId id, PayoutState to) => Books.ChangeAsync(id, to, "ref", "", "opk_1", Now, Cancel);

        public async Task<(long Posted, long Held)> PayableAsync() => (
            await SettlementTermsTests.BalanceAsync(Database, Merchant, AccountKind.MerchantPayable, "EUR"),
            await Database.ValueAsync<long>("SELECT coalesce(sum(b.pending_debits), 0)::bigint FROM ledger.accounts a JOIN ledger.balances b ON b.account_id = a.id WHERE a.kind = 'merchant_payable'", Cancel));

        public ValueTask DisposeAsync() => Database.DisposeAsync();
    }
}
