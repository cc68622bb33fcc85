using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using Payments.Reconciliation;
using Xunit;

namespace Payments.IntegrationTests.Reconciliation;

public sealed class DifferenceProperties(EmbeddedServers servers)
{
    private static readonly string[] NoRows = [];

    [Fact]
    public async Task Whatever_books_and_corruptions_there_are_every_difference_is_explained_and_nothing_is_in_two_classes_or_none()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        Prop.ForAll(ArbMap.Default.ArbFor<int[]>(), script => Task.Run(() => CheckAsync(database, script)).GetAwaiter().GetResult())
            .Check(Config.QuickThrowOnFailure.WithMaxTest(25).WithEndSize(400));
    }

    /// <summary>Forty corruptions of every kind among payments that agree: exactly those are found, each with its class.</summary>
    [Fact]
    public async Task Each_corruption_ends_in_its_class()
    {
        var kinds = Enum.GetValues<Corruption>().Where(c => c != Corruption.None).ToArray();
        var random = new Random(20260310);
        var books = new RandomBooks(random.Next, 400, i => i % 10 == 0 ? kinds[i / 10 % kinds.Length] : Corruption.None);
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        await CompareAsync(database, books);

        var found = await database.RowsAsync("SELECT class, count(*) FROM recon.entries WHERE leg = 'provider' AND class NOT IN ('timing', 'matched') GROUP BY 1 ORDER BY 1");

        var of = books.Corruptions;
        Assert.Equal(40, of.Where(c => c.Key != Corruption.None).Sum(c => c.Value));
        Assert.Equal(
            [
                $"amount_mismatch|{of[Corruption.AmountChanged]}", $"duplicate|{of[Corruption.Duplicated]}", $"fee_difference|{of[Corruption.FeeChanged] + of[Corruption.LoneFee]}",
                $"fx_difference|{of[Corruption.Exchanged]}", $"missing_here|{of[Corruption.Extra] + of[Corruption.NotInOurBooks] + 2}", $"missing_there|{of[Corruption.Missing]}",
            ],
            found);
        Assert.Equal(
            of[Corruption.BookedNextDay] + of[Corruption.BookedPreviousDay],
            int.Parse((await database.RowsAsync("SELECT count(*) FROM recon.entries WHERE leg = 'provider' AND class = 'matched' AND from_class = 'timing'"))[0], CultureInfo.InvariantCulture));
    }

    private static async Task CheckAsync(ReconciliationDatabase database, int[] script)
    {
        var place = 0;
        var books = new RandomBooks(below => place < script.Length ? (int)((uint)script[place++] % (uint)below) : 0, Math.Min(script.Length, 200) / 4);
        await database.ExecuteAsync("""
            SET session_replication_role = replica;
            TRUNCATE recon.items, recon.lines, recon.books, recon.closings, recon.days, recon.leftovers, recon.entries, recon.day_totals, recon.day_classes, recon.carried, recon.quarantine, recon.import_payouts, recon.import_statements, recon.imports, recon.break_notes, recon.bookings, recon.told_charges, recon.breaks,
                recon.fetches, recon.settlement_parts, recon.settlements, recon.unanswered, recon.payouts_unnoted, recon.bank_days;
            SET session_replication_role = origin
            """);
        await CompareAsync(database, books);
        await HoldsAsync(database, books);

        // Closing changes nothing of it, and neither does another comparison.
        var before = await database.RowsAsync("SELECT leg, provider, day, currency, explained FROM recon.day_totals ORDER BY 1, 2, 3, 4");
        foreach (var (leg, provider) in new[] { (Leg.Provider, Book.Stripe), (Leg.Provider, Book.Adyen), (Leg.Bank, Book.Stripe), (Leg.Bank, Book.Adyen) })
        {
            await database.Closings.CloseAsync(new(Core.Mode.Test, leg, provider), leg == Leg.Provider ? RandomBooks.FirstDay.AddDays(1) : new DateOnly(2026, 3, 16), TestContext.Current.CancellationToken);
        }

        await database.MatchAsync();
        await HoldsAsync(database, books);
        Assert.Equal(before, await database.RowsAsync("SELECT leg, provider, day, currency, explained FROM recon.day_totals ORDER BY 1, 2, 3, 4"));
        Assert.Empty(await database.Closings.VerifyAsync(null, TestContext.Current.CancellationToken));
    }

    private static async Task CompareAsync(ReconciliationDatabase database, RandomBooks books)
    {
        await database.ExecuteAsync("INSERT INTO recon.rates (day, currency, net_currency, rate, source) VALUES ('2026-03-01', 'EUR', 'USD', 1, 'test') ON CONFLICT DO NOTHING");
        await database.AddAsync(books.Items);
        await database.ImportAsync("stripe.csv", books.StripeReport());
        await database.ImportAsync("adyen.csv", books.AdyenReport());

        // The last days have passed for both providers: what is missing is not late any more.
        await database.ImportAsync("later_stripe.csv", """
            automatic_payout_id,automatic_payout_effective_at_utc,balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,source_id
            po_later,2026-03-26 00:00:00,txn_later,2026-03-25 00:00:00,usd,1.00,0.00,1.00,charge,ch_later
            """);
        await database.ImportAsync("later_adyen.csv", """
            Merchant Account,Psp Reference,Creation Date,TimeZone,Type,Modification Reference,Gross Currency,Gross Debit (GC),Gross Credit (GC),Net Currency,Net Debit (NC),Net Credit (NC),Commission (NC),Markup (NC),Scheme Fees (NC),Interchange (NC),Batch Number
            Shop,PSPLATER,2026-03-25 12:00:00,UTC,Settled,PSPLATER,USD,,1.00,USD,,1.00,,0.00,,,8
            """);
        foreach (var (name, text) in books.BankStatements())
        {
            await database.ImportAsync(name, text);
        }

        await database.MatchAsync();
    }

    private static async Task HoldsAsync(ReconciliationDatabase database, RandomBooks books)
    {
        // The oracle's differences on both legs, provider by provider, day by day and currency by currency. What later days bring is not its own.
        foreach (var (leg, differences) in new[] { (Leg.Provider, books.Differences()), (Leg.Bank, books.BankDifferences()) })
        {
            var reports = (await database.ReportsAsync(leg)).Where(r => r.Day < new DateOnly(2026, 3, 24)).ToList();
            var told = reports.SelectMany(r => r.Currencies.Select(c => (Key: string.Create(CultureInfo.InvariantCulture, $"{r.Provider} {r.Day:O} {c.Currency}"), Currency: c))).ToList();
            Assert.Equal(differences.Where(d => d.Value != 0).Select(d => (d.Key, d.Value)), told.Select(t => (t.Key, Value: t.Currency.Difference)).Where(t => t.Value != 0).OrderBy(t => t.Key, StringComparer.Ordinal));
            Assert.All(told, t => Assert.Equal(t.Currency.Difference, t.Currency.Classes.Sum(c => c.Amount)));
        }

        // What is in no entry agrees one to one with exactly one of the other side.
        Assert.Equal(NoRows, await database.RowsAsync("""
            SELECT coalesce(o.item_id::text, 'line ' || t.line_id) FROM
                (SELECT * FROM recon.items i WHERE NOT EXISTS (SELECT 1 FROM recon.entries e WHERE e.item_id = i.item_id)) o
            FULL JOIN (SELECT * FROM recon.lines l WHERE NOT EXISTS (SELECT 1 FROM recon.entries e WHERE e.line_id = l.line_id)) t
                ON t.match_key = o.match_key AND t.day = o.day AND t.occurrence = o.occurrence
            WHERE (o.gross = t.gross AND o.fee = t.item_fee AND t.item_fx = 0) IS NOT TRUE
            """));

        // What is in an entry is in no other, and on its own day; what an earlier day called timing is settled once.
        Assert.Equal(NoRows, await database.RowsAsync("""
            SELECT min(e.class) || ' and ' || max(e.class) FROM recon.entries e WHERE e.item_id IS NOT NULL GROUP BY e.item_id HAVING count(*) > 1
            UNION ALL SELECT min(e.class) || ' and ' || max(e.class) FROM recon.entries e WHERE e.line_id IS NOT NULL GROUP BY e.line_id HAVING count(*) > 1
            UNION ALL SELECT e.class || ' on another day' FROM recon.entries e JOIN recon.items i ON i.item_id = e.item_id WHERE i.day <> e.day
            UNION ALL SELECT e.class || ' on another day' FROM recon.entries e JOIN recon.lines l ON l.line_id = e.line_id WHERE l.day <> e.day
            UNION ALL SELECT 'settled twice' FROM recon.entries WHERE settles_item IS NOT NULL GROUP BY settles_item, from_class HAVING count(*) > 1
            UNION ALL SELECT 'no class' FROM recon.entries WHERE class IS NULL OR class NOT IN ('matched', 'timing', 'fee_difference', 'fx_difference', 'amount_mismatch', 'missing_here', 'missing_there', 'duplicate')
            """));
    }
}
