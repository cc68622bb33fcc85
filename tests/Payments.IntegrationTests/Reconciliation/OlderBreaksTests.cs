using Xunit;

namespace Payments.IntegrationTests.Reconciliation;

/// <summary>Breaks that an earlier version raised, and what people said of them, are migrated as they are.</summary>
public sealed class OlderBreaksTests(EmbeddedServers servers)
{
    /// <summary>Before breaks had versions, subjects and parts.</summary>
    private const int Earlier = 13;

    private const string Breaks = "SELECT break_id, class, amount, state, coalesce(resolved_by, '') FROM recon.breaks ORDER BY break_id";

    [Fact]
    public async Task Breaks_of_an_earlier_version_are_found_again_and_stay_as_people_closed_them()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers, Earlier);
        await database.ExecuteAsync("""
            SELECT recon.make_partitions('2026-03-01', '2026-03-31');
            INSERT INTO recon.books (mode, leg, provider, statement_through) VALUES ('test', 'provider', 'stripe', '2026-03-20');
            INSERT INTO recon.imports (number, mode, format, identity, file_name, content_hash, state) VALUES (1, 'test', 'stripe_payout_reconciliation', 'x', 'x', decode(repeat('00', 32), 'hex'), 'complete');
            INSERT INTO recon.items (item_id, match_key, occurrence, day, mode, leg, provider, kind, reference, currency, gross, fee, payment_id, merchant_id, source, occurred_at)
            SELECT md5('i' || n)::uuid, md5('k' || n)::uuid, 1, '2026-03-10', 'test', 'provider', 'stripe', 'capture', 'pi_' || n, 'USD', 1000 * n, 30, md5('p' || n)::uuid, md5('m')::uuid, 'x', '2026-03-10T12:00:00Z' FROM generate_series(1, 3) n;
            INSERT INTO recon.lines (line_id, match_key, occurrence, day, mode, leg, provider, kind, reference, currency, gross, net_currency, fee, net, item_fee, item_fx, item_net, batch, occurred_at)
            SELECT (1::bigint << 32) + n, md5('k' || n)::uuid, 1, '2026-03-10', 'test', 'provider', 'stripe', 'capture', 'pi_' || n, 'USD', 1000 * n, 'USD', 50, 1000 * n - 50, 50, 0, 1000 * n - 50, 'po_1', '2026-03-10T12:00:00Z'
            FROM unnest(ARRAY[1, 4, 5]) n;
            SELECT recon.touch('test', 'provider', 'stripe', '2026-03-10');
            SELECT recon.settle('test', 'provider', 'stripe');
            UPDATE recon.breaks SET state = 'resolved', reason = 'looked at', proposed_by = 'opk_1', resolved_by = 'opk_2', resolved_how = 'person', resolved_at = now()
            WHERE line_id = (1::bigint << 32) + 4 OR item_id = md5('i2')::uuid
            """);
        var before = await database.RowsAsync(Breaks);
        Assert.Equal(
            ["fee_difference|20|open|", "missing_here|-3950|resolved|opk_2", "missing_here|-4950|open|", "missing_there|1970|resolved|opk_2", "missing_there|2970|open|"],
            before.Select(b => b[(b.IndexOf('|', StringComparison.Ordinal) + 1)..]).Order(StringComparer.Ordinal));

        await database.MigrateAsync();
        Assert.Equal(before, await database.RowsAsync(Breaks));
        await database.ExecuteAsync("UPDATE recon.days SET dirty = true");
        await database.MatchAsync();
        Assert.Equal(before, await database.RowsAsync(Breaks));

        // What closes one later is what would have closed it before.
        await database.ExecuteAsync("""
            INSERT INTO recon.items (item_id, match_key, occurrence, day, mode, leg, provider, kind, reference, currency, gross, fee, payment_id, merchant_id, source, occurred_at)
            VALUES (md5('i5')::uuid, md5('k5')::uuid, 1, '2026-03-10', 'test', 'provider', 'stripe', 'capture', 'pi_5', 'USD', 5000, 50, md5('p5')::uuid, md5('m')::uuid, 'x', '2026-03-10T12:00:00Z');
            SELECT recon.touch('test', 'provider', 'stripe', '2026-03-10')
            """);
        await database.MatchAsync();
        Assert.Equal(["comparison"], await database.RowsAsync("SELECT resolved_by FROM recon.breaks WHERE line_id = (1::bigint << 32) + 5"));
    }
}
