using System.Text;
using Npgsql;
using Payments.Core;
using Payments.Ledger.Payouts;
using Xunit;

namespace Payments.IntegrationTests.Ledger;

/// <summary>What is approved is an amount to a bank account, and no other account is paid.</summary>
public sealed class PayoutAccountTests(EmbeddedServers servers)
{
    private const long AboveTheLimit = 1_000_001;

    private static readonly DateOnly Today = PayoutBed.Today;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_account_that_changes_after_the_approval_needs_the_approval_again()
    {
        await using var bed = await PayoutBed.CreateAsync(servers, AboveTheLimit);
        await bed.SetAsync();
        await bed.Books.CreateDueAsync(Today, Cancel);
        await ApproveAsync(bed, 1);

        // The same account again is no other one.
        Assert.Equal(new(2, 1, AccountConfirmed: true), await bed.SetAsync(minimum: 5));
        Assert.Equal("ready ", await StandsAsync(bed));
        Assert.Equal(new(3, 3, AccountConfirmed: false), await bed.SetAsync(account: PayoutBed.Other, by: "eve"));
        Assert.Equal("awaiting_approval The bank account was changed after the approval.", await StandsAsync(bed));
        Assert.Null(await bed.FileAsync());
        Assert.Equal(PayoutVerdict.OtherAccount, await bed.Approvals.ApproveAsync(IdOf(bed), 1, "ada", Cancel));

        // Also past the code.
        await RefusedAsync(bed, $"INSERT INTO ledger.payout_approvals (payout_id, account_version, approved_by) VALUES ('{IdOf(bed).Value}', 1, 'cid')", "another account");
        await RefusedAsync(bed, Change(bed, 4, "awaiting_approval", "ready"), "two people");
        await ApproveAsync(bed, 3);
        await RefusedAsync(bed, Item(bed, 3) + Change(bed, 5, "ready", "sent"), "one person gave");
        Assert.Null(await bed.FileAsync());
        Assert.Equal(new(4, 3, AccountConfirmed: true), await bed.SetAsync(account: PayoutBed.Other, by: "ada"));
        await RefusedAsync(bed, Item(bed, 1) + Change(bed, 5, "ready", "sent"), "another account");
        await RefusedAsync(bed, Change(bed, 5, "ready", "sent"), "another account");
        var file = Assert.IsType<PayoutFile>(await bed.FileAsync());
        var xml = Encoding.UTF8.GetString((await bed.Files.ReadAsync(file.Id, Cancel))!.Value.Bytes);
        Assert.Contains($"<IBAN>{PayoutBed.Other.Iban}</IBAN>", xml[xml.IndexOf("<CdtTrfTxInf>", StringComparison.Ordinal)..], StringComparison.Ordinal);

        // What comes back is another payout, which nobody approved.
        await bed.ChangeAsync(IdOf(bed), PayoutState.Paid);
        await bed.ChangeAsync(IdOf(bed), PayoutState.Returned);
        Assert.Equal(1, await bed.Books.CreateDueAsync(Today.AddDays(1), Cancel));
        Assert.Null(await bed.FileAsync());
        await ModelCheck.HoldsAsync(bed.Database, Cancel);
    }

    // standing, account, who gives it → whether what is ready is paid then
    [Fact]
    public async Task Nothing_is_paid_to_an_account_that_one_person_changed()
    {
        await using var bed = await PayoutBed.CreateAsync(servers);
        await bed.SetAsync(by: "ada");
        await bed.Books.CreateDueAsync(Today, Cancel);
        foreach (var (standing, account, person, paid) in new[]
        {
            (PayoutStanding.Cleared, PayoutBed.Other, "eve", false), (PayoutStanding.Cleared, PayoutBed.Other, "eve", false),
            (PayoutStanding.RiskHold, PayoutBed.Other, "ben", false), (PayoutStanding.Cleared, PayoutBed.Other, "eve", false),
            (PayoutStanding.Cleared, PayoutBed.Creditor, "eve", false), (PayoutStanding.Cleared, PayoutBed.Creditor, "ben", true),
        })
        {
            await bed.SetAsync(standing, account: account, by: person);
            Assert.Equal("ready ", await StandsAsync(bed));
            Assert.Equal(!paid, await bed.Files.WaitForAccountsAsync(Mode.Test, Currency.Of("EUR"), Cancel));
            Assert.Equal((person, paid), (person, await bed.FileAsync() is not null));
        }
    }

    [Fact]
    public async Task A_change_waits_for_the_file_that_is_being_made_and_a_file_for_the_change()
    {
        await using var bed = await PayoutBed.CreateAsync(servers, AboveTheLimit);
        await bed.SetAsync();
        await bed.Books.CreateDueAsync(Today, Cancel);
        await ApproveAsync(bed, 1);
        await using (var connection = await bed.Database.Writer.OpenConnectionAsync(Cancel))
        await using (var transaction = await connection.BeginTransactionAsync(Cancel))
        {
            Assert.NotNull(await bed.Files.MakeAsync(transaction, LedgerDatabase.Ids.New<PayoutFileId>(), Mode.Test, Currency.Of("EUR"), Today, "x", Cancel));
            var change = bed.SetAsync(account: PayoutBed.Other);
            await WaitsAsync(bed);
            Assert.False(change.IsCompleted);
            await transaction.CommitAsync(Cancel);
            await change;
        }

        Assert.Equal("sent ", await StandsAsync(bed));
        Assert.Equal(1, await bed.Database.ValueAsync<int>("SELECT settings_version FROM ledger.payout_file_items", Cancel));
    }

    // At once and in any order: whatever is in a file was approved by two people to the account that the file names.
    [Fact]
    public async Task Approvals_files_and_changes_at_the_same_moment_pay_only_what_was_approved()
    {
        await using var database = await LedgerDatabase.CreateAsync(servers, Cancel);
        for (var round = 0; round < 8; round++)
        {
            var bed = await PayoutBed.OnAsync(database, "EUR", AboveTheLimit);
            await bed.Books.CreateDueAsync(Today, Cancel);
            await bed.Approvals.ApproveAsync(IdOf(bed), 1, "ada", Cancel);
            if (round % 2 == 0)
            {
                await bed.Approvals.ApproveAsync(IdOf(bed), 1, "ben", Cancel);
            }

            await Task.WhenAll(
                bed.Approvals.ApproveAsync(IdOf(bed), 1, "cid", Cancel), bed.SetAsync(account: PayoutBed.Other, by: "eve"),
                round % 4 == 3 ? bed.Books.ChangeAsync(IdOf(bed), new(PayoutState.Canceled, "", "", "dan", PayoutBed.Now), Cancel) : bed.FileAsync());
            await bed.SetAsync(account: PayoutBed.Other, by: "ben");
            await bed.FileAsync();
            var stands = await StandsAsync(bed);
            Assert.True(stands is "sent " or "canceled " || stands.StartsWith("awaiting_approval", StringComparison.Ordinal), stands);
        }

        Assert.Equal(0, await database.ValueAsync<long>("""
            SELECT count(*) FROM ledger.payout_file_items i JOIN ledger.payouts p ON p.id = i.payout_id
            JOIN ledger.payout_settings s ON s.mode = p.mode AND s.merchant_id = p.merchant_id AND s.version = i.settings_version
            WHERE (SELECT count(*) FROM ledger.payout_approvals a WHERE a.payout_id = p.id AND a.account_version = s.account_version) < 2
            """, Cancel));
        await ModelCheck.HoldsAsync(database, Cancel);
    }

    [Fact]
    public async Task Approvals_of_an_earlier_version_are_for_the_account_that_stood_then()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel, 38);
        var merchant = LedgerDatabase.Ids.New<MerchantId>().Value;
        await books.ExecuteAsync($"""
            SET session_replication_role = replica;
            INSERT INTO ledger.payout_settings (mode, merchant_id, version, state, minimum, account, iban_last4, reason, set_by, set_at)
            VALUES ('test', '{merchant}', 1, 'cleared', 1, 'a', '3000', 'x', 'x', now() - interval '3 hours'), ('test', '{merchant}', 2, 'cleared', 1, 'b', '5432', 'x', 'x', now() - interval '1 hour');
            INSERT INTO ledger.payouts (id, mode, merchant_id, currency, amount, due_on, account_id)
            SELECT gen_random_uuid(), 'test', '{merchant}', 'EUR', n, current_date + n, gen_random_uuid() FROM generate_series(1, 2) n;
            INSERT INTO ledger.payout_changes (payout_id, version, before, state, by_whom)
            SELECT p.id, s.version, s.before, s.state, 'x' FROM ledger.payouts p CROSS JOIN (VALUES (1, '', 'awaiting_approval'), (2, 'awaiting_approval', 'ready')) s (version, before, state);
            INSERT INTO ledger.payouts_open (payout_id, mode, currency, state, since) SELECT id, mode, currency, 'ready', now() FROM ledger.payouts;
            INSERT INTO ledger.payout_approvals (payout_id, approved_by, approved_at) SELECT id, w, now() - CASE amount WHEN 1 THEN interval '2 hours' ELSE interval '0' END FROM ledger.payouts, unnest(ARRAY['ada', 'ben']) w;
            SET session_replication_role = origin
            """, Cancel);
        await books.MigrateAsync(Cancel);
        Assert.Equal("1 awaiting_approval 1,2 ready 2", await books.ValueAsync<string>("""
            SELECT string_agg(p.amount || ' ' || o.state || ' ' || (SELECT max(a.account_version) FROM ledger.payout_approvals a WHERE a.payout_id = p.id), ',' ORDER BY p.amount)
            FROM ledger.payouts_open o JOIN ledger.payouts p ON p.id = o.payout_id
            """, Cancel));
        Assert.True(await books.ValueAsync<bool>("SELECT ledger.account_confirmed('test', $1, 2)", Cancel, merchant));
    }

    private static PayoutId IdOf(PayoutBed bed) => PayoutIds.Of(Mode.Test, bed.Merchant, Currency.Of("EUR"), Today);

    private static async Task ApproveAsync(PayoutBed bed, int account) => Assert.Equal(
        [PayoutVerdict.SecondPersonNeeded, PayoutVerdict.SamePerson, PayoutVerdict.Done],
        [
            await bed.Approvals.ApproveAsync(IdOf(bed), account, "ada", Cancel), await bed.Approvals.ApproveAsync(IdOf(bed), account, "ada", Cancel),
            await bed.Approvals.ApproveAsync(IdOf(bed), account, "ben", Cancel),
        ]);

    private static async Task<string> StandsAsync(PayoutBed bed) =>
        (await bed.Database.ValueAsync<string>("SELECT state || ' ' || reason FROM ledger.payout_changes WHERE payout_id = $1 ORDER BY version DESC LIMIT 1", Cancel, IdOf(bed).Value))!;

    private static string Item(PayoutBed bed, int settings) =>
        $"INSERT INTO ledger.payout_file_items (payout_id, file_id, settings_version) VALUES ('{IdOf(bed).Value}', gen_random_uuid(), {settings});";

    private static string Change(PayoutBed bed, int version, string before, string after) =>
        $"INSERT INTO ledger.payout_changes (payout_id, version, before, state, by_whom) VALUES ('{IdOf(bed).Value}', {version}, '{before}', '{after}', 'x')";

    private static async Task RefusedAsync(PayoutBed bed, string sql, string because)
    {
        var refusal = await Assert.ThrowsAsync<PostgresException>(() => bed.Database.ExecuteAsync(sql, Cancel));
        Assert.Contains(because, refusal.MessageText, StringComparison.Ordinal);
    }

    // Until somebody waits for the lock over the settings.
    private static async Task WaitsAsync(PayoutBed bed)
    {
        while (!await bed.Database.ValueAsync<bool>("SELECT EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND NOT l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))", Cancel))
        {
            await Task.Delay(20, Cancel);
        }
    }
}
