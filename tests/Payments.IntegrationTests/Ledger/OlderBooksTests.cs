using Payments.Core;
using Payments.Ledger.Books;
using Xunit;

namespace Payments.IntegrationTests.Ledger;

/// <summary>Books that an earlier version wrote are migrated with everything in them.</summary>
public sealed class OlderBooksTests(EmbeddedServers servers)
{
    /// <summary>Before reserves had days of their own, statements stood by themselves, and payouts that wait were listed.</summary>
    private const int Earlier = 33;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Reserves_statements_and_payouts_of_an_earlier_version_are_what_they_were()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel, Earlier);
        var cut = new DateTimeOffset(TimeProvider.System.GetUtcNow().UtcDateTime.Date, TimeSpan.Zero).AddDays(-1).AddHours(23);
        var (withTerms, without, log) = (LedgerDatabase.Ids.New<MerchantId>(), LedgerDatabase.Ids.New<MerchantId>(), new SettledLog());
        foreach (var merchant in new[] { withTerms, without })
        {
            await SettlementTermsTests.PostAsync(books, log, merchant, "EUR", LineKind.Capture, 10_000, cut.AddHours(-1));
        }

        await books.ExecuteAsync($"""
            INSERT INTO ledger.settlement_terms (mode, merchant_id, version, schedule, time_zone, calendar, reserve_basis_points, reserve_days, set_by, set_at)
            VALUES ('test', '{withTerms.Value}', 1, 'daily_t1', 'Europe/Berlin', 'target', 1000, 10, 'x', '2020-01-01');
            INSERT INTO ledger.settlement_cutoffs (cut_at, epoch, heads, house_seq) VALUES ('{cut:O}', gen_random_uuid(), array_fill(1000::bigint, ARRAY[16]), 0)
            """, Cancel);
        foreach (var merchant in new[] { withTerms, without })
        {
            await books.ExecuteAsync($"""
                SELECT ledger.settle(gen_random_uuid(), a.id, '{merchant.Value}', '{cut:O}', current_date, 1000, NULL, 'EUR', NULL, 0)
                FROM ledger.accounts a WHERE a.kind = 'merchant_pending' AND a.owner = '{merchant}'
                """, Cancel);
        }

        await books.ExecuteAsync($"""
            SET session_replication_role = replica;
            INSERT INTO ledger.payouts (id, mode, merchant_id, currency, amount, due_on, account_id)
            SELECT gen_random_uuid(), 'test', '{withTerms.Value}', 'EUR', n, current_date + n, (SELECT id FROM ledger.accounts LIMIT 1) FROM generate_series(1, 3) n;
            INSERT INTO ledger.payout_changes (payout_id, version, before, state, by_whom)
            SELECT p.id, s.version, s.before, s.state, 'x' FROM ledger.payouts p JOIN (VALUES (1, '', 'ready'), (2, 'ready', 'sent'), (3, 'sent', 'paid')) s (version, before, state) ON s.version <= p.amount;
            INSERT INTO ledger.payout_files (id, mode, currency, execute_on, debtor_name, debtor_iban, debtor_bic, payouts, total, sha256, made_by, made_at)
            VALUES ('018f0000-0000-7000-8000-00000000000f', 'test', 'EUR', current_date + 5, 'x', 'x', 'x', 2, 5, decode(repeat('00', 32), 'hex'), 'x', now());
            INSERT INTO ledger.payout_file_items (payout_id, file_id, settings_version) SELECT id, '018f0000-0000-7000-8000-00000000000f', 1 FROM ledger.payouts WHERE amount > 1;
            SET session_replication_role = origin
            """, Cancel);

        await books.MigrateAsync(Cancel);

        // Held by the terms of their time, as days of the merchant; without any, as long as a reserve may be.
        var day = DateOnly.FromDateTime(cut.UtcDateTime.AddHours(2));
        Assert.Equal(day.AddDays(10), await books.ValueAsync<DateOnly>("SELECT release_on FROM ledger.settlement_batches WHERE merchant_id = $1", Cancel, withTerms.Value));
        Assert.Equal(DateOnly.FromDateTime(cut.UtcDateTime).AddDays(730), await books.ValueAsync<DateOnly>("SELECT release_on FROM ledger.settlement_batches WHERE merchant_id = $1", Cancel, without.Value));
        Assert.Equal(2, await books.ValueAsync<long>("""
            SELECT count(*) FROM ledger.settlement_items i JOIN ledger.movements m ON m.id = i.movement_id JOIN ledger.journals j ON j.id = m.journal_id
            WHERE i.occurred_at = j.effective_at AND i.payment_id = j.payment_id
            """, Cancel));
        Assert.Equal("1 ready 0,2 sent 5", await books.ValueAsync<string>("""
            SELECT string_agg(p.amount || ' ' || o.state || ' ' || greatest((o.since AT TIME ZONE 'UTC')::date - current_date, 0), ',' ORDER BY p.amount) FROM ledger.payouts_open o JOIN ledger.payouts p ON p.id = o.payout_id
            """, Cancel));
        Assert.Equal("3 paid", await books.ValueAsync<string>("SELECT string_agg(p.amount || ' ' || s.state, ',') FROM ledger.payouts_to_show s JOIN ledger.payouts p ON p.id = s.payout_id AND p.mode = s.mode", Cancel));
        await ModelCheck.HoldsAsync(books, Cancel);
    }
}
