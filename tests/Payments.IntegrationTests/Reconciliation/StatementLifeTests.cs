using System.Text;
using Npgsql;
using Payments.Core;
using Payments.Reconciliation;
using Payments.Reconciliation.Closing;
using Payments.Reconciliation.Matching;
using Payments.Reconciliation.Reports;
using Xunit;
using static Payments.IntegrationTests.Reconciliation.Statements;

namespace Payments.IntegrationTests.Reconciliation;

/// <summary>What becomes of files that come twice, corrected or late, and of days that are closed.</summary>
public sealed class StatementLifeTests(EmbeddedServers servers)
{
    private static readonly Book Stripe = new(Mode.Test, Leg.Provider, Book.Stripe);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_same_file_twice_changes_nothing_also_under_another_name_and_after_it_was_superseded()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        await database.AddAsync([Item(1, 10_000), Item(2, 5_000)]);
        var first = await database.ImportAsync("stripe.csv", Report((1, 10_000, 30, 0), (2, 5_000, 30, 0)));
        await database.MatchAsync();
        var before = await database.DumpAsync();

        var again = await database.ImportAsync("another.csv", Report((1, 10_000, 30, 0), (2, 5_000, 30, 0)));
        await database.MatchAsync();
        Assert.Equal((first.Number, false, "complete"), (again.Number, again.IsNew, again.State));
        Assert.Equal(before, await database.DumpAsync());

        await database.ImportAsync("stripe.csv", Report((1, 10_000, 30, 0)));
        await database.MatchAsync();
        var corrected = await database.DumpAsync();
        var old = await database.ImportAsync("stripe.csv", Report((1, 10_000, 30, 0), (2, 5_000, 30, 0)));
        Assert.Equal(("superseded", false), (old.State, old.IsNew));
        Assert.Equal(corrected, await database.DumpAsync());
    }

    [Fact]
    public async Task A_corrected_file_takes_the_place_of_the_earlier_one()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        await database.AddAsync([Item(1, 10_000), Item(2, 5_000), Item(3, 700)]);
        await database.ImportAsync("stripe.csv", Report((1, 10_001, 30, 0), (2, 5_000, 30, 0), (2, 5_000, 30, 0)));
        await database.MatchAsync();
        Assert.Equal(["amount_mismatch|-1", "duplicate|-4970", "timing|670"], await ClassesAsync(database));

        await database.ImportAsync("stripe.csv", Report((1, 10_000, 30, 0), (2, 5_000, 30, 0), (3, 700, 30, 0)));
        await database.MatchAsync();

        Assert.Empty(await ClassesAsync(database));
        Assert.Equal(["1|superseded|2", "2|complete|"], await database.RowsAsync("SELECT number, state, superseded_by FROM recon.imports ORDER BY 1"));
        Assert.Equal(["3"], await database.RowsAsync("SELECT count(*) FROM recon.lines WHERE leg = 'provider'"));
        Assert.Equal(["15610"], await database.RowsAsync("SELECT gross FROM recon.items WHERE leg = 'bank'"));
    }

    [Fact]
    public async Task A_closed_day_stays_whoever_writes_and_what_is_late_belongs_to_the_first_open_day()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        await database.AddAsync([Item(1, 10_000), Item(2, 5_000)]);
        await database.ImportAsync("stripe.csv", Report((1, 10_000, 30, 0)));
        Assert.Equal(CloseResult.NoStatement, await database.Closings.CloseAsync(Stripe, FirstDay.AddDays(1), Cancel));
        Assert.Equal(CloseResult.Unknown, await database.Closings.CloseAsync(Stripe with { Provider = Book.Adyen }, FirstDay, Cancel));
        Assert.Equal(CloseResult.Now, await database.Closings.CloseAsync(Stripe, FirstDay, Cancel));
        Assert.Equal(CloseResult.Closed, await database.Closings.CloseAsync(Stripe, FirstDay, Cancel));
        var closed = ReportText.Csv((await database.Reports.FindAsync(Stripe, FirstDay, Cancel))!);

        // An item and a line of the closed day come now, and so does the answer to what it left open.
        await database.AddAsync([Item(3, 700)]);
        await database.ImportAsync("late.csv", Report((3, 700, 30, 0), (2, 5_000, 30, 0)).Replace("po_0", "po_9", StringComparison.Ordinal));
        await database.MatchAsync();

        Assert.Equal(closed, ReportText.Csv((await database.Reports.FindAsync(Stripe, FirstDay, Cancel))!));
        var next = (await database.Reports.FindAsync(Stripe, FirstDay.AddDays(1), Cancel))!;
        var currency = Assert.Single(next.Currencies);
        Assert.Equal((1L, 670L, 2L, 5_640L, -4_970L), (currency.OursCount, currency.Ours, currency.TheirsCount, currency.Theirs, currency.Difference));
        Assert.Equal(["matched 2 0", "timing 0 -4970"], currency.Classes.Select(c => $"{c.Class} {c.Items} {c.Amount}"));

        foreach (var table in new[] { "entries", "day_totals", "day_classes" })
        {
            var refused = await Assert.ThrowsAsync<PostgresException>(() => database.ExecuteAsync($"DELETE FROM recon.{table} WHERE day = '2026-03-10'"));
            Assert.Equal("RC001", refused.SqlState);
        }
    }

    [Fact]
    public async Task A_corrected_file_may_add_to_closed_days_and_not_change_them()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        await database.AddAsync([Item(1, 10_000), Item(2, 5_000, day: 1)]);
        await database.ImportAsync("stripe.csv", Report((1, 10_000, 30, 0), (2, 5_000, 30, 1)));
        await database.Closings.CloseAsync(Stripe, FirstDay, Cancel);

        var changes = await database.ImportAsync("stripe.csv", Report((1, 10_001, 30, 0), (2, 5_000, 30, 1)));
        Assert.Equal(("refused", 1L), (changes.State, changes.Line));
        Assert.Contains("days that are closed", changes.Reason, StringComparison.Ordinal);
        Assert.Equal(["2"], await database.RowsAsync("SELECT count(*) FROM recon.lines WHERE leg = 'provider'"));

        var adds = await database.ImportAsync("stripe.csv", Report((1, 10_000, 30, 0), (2, 5_000, 30, 1), (3, 900, 30, 0)));
        await database.MatchAsync();
        Assert.Equal("complete", adds.State);
        Assert.Equal(["missing_here|-870"], await ClassesAsync(database));
        Assert.Equal(["2026-03-10|1", "2026-03-11|2"], await database.RowsAsync("SELECT to_char(day, 'YYYY-MM-DD'), count(*) FROM recon.lines WHERE leg = 'provider' GROUP BY 1 ORDER BY 1"));
    }

    [Fact]
    public async Task The_third_version_of_a_file_finds_what_the_first_one_left_in_closed_days()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        await database.AddAsync([Item(1, 10_000), Item(2, 5_000, day: 1)]);
        foreach (var gross in new[] { 5_000, 5_001, 5_002 })
        {
            var version = Report((1, 10_000, 30, 0), (2, gross, 30, 1)).Replace("po_1,2026-03-13", "po_0,2026-03-12", StringComparison.Ordinal);
            Assert.Equal("complete", (await database.ImportAsync("stripe.csv", version)).State);
            await database.MatchAsync();
            await database.Closings.CloseAsync(Stripe, FirstDay, Cancel);
        }

        Assert.Equal(["amount_mismatch|-2"], await ClassesAsync(database));
        Assert.Equal(["1|10000", "2|5002"], await database.RowsAsync("SELECT occurred_at::date - date '2026-03-09', gross FROM recon.lines WHERE leg = 'provider' ORDER BY 1"));

        // Its payout is the sum of all its lines, not of those in open days.
        Assert.Equal(["po_0|14942"], await database.RowsAsync("SELECT reference, gross FROM recon.items WHERE leg = 'bank'"));
    }

    [Fact]
    public async Task What_nobody_answers_is_timing_until_statements_have_passed_the_time_and_then_missing()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        await database.AddAsync([Item(1, 10_000), Item(2, 5_000)]);
        await database.ImportAsync("day0.csv", Report((1, 10_000, 30, 0)));
        await database.MatchAsync();
        Assert.Equal(["timing|4970"], await ClassesAsync(database));
        await database.Closings.CloseAsync(Stripe, FirstDay, Cancel);

        await database.AddAsync([Item(4, 100, day: 4)]);
        await database.ImportAsync("day4.csv", Report((4, 100, 30, 4)));
        await database.MatchAsync();

        // The closed day's timing is taken back on the day on which the time was over.
        Assert.Equal(["2026-03-10|timing|4970|", "2026-03-14|missing_there|4970|timing"], await database.RowsAsync("SELECT to_char(day, 'YYYY-MM-DD'), class, amount, from_class FROM recon.entries WHERE leg = 'provider' ORDER BY 1, 2"));
        Assert.Equal(["missing_there|4970|open"], await database.RowsAsync("SELECT class, amount, state FROM recon.breaks"));
    }

    [Fact]
    public async Task A_payout_that_a_second_file_announces_too_is_expected_once_and_its_book_is_still_compared()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        await database.ImportAsync("one.csv", Report((1, 10_000, 30, 0)));
        Assert.Equal("refused", (await database.ImportAsync("two.csv", Report((2, 5_000, 30, 0)).Replace("2026-03-12 00:00:00", "2026-03-13 00:00:00", StringComparison.Ordinal))).State);
        await database.ImportAsync("bank.sta", Bank("1", (3, 9_970, "STRIPE PAYOUT po_0")));

        await database.MatchAsync();

        Assert.Equal(["po_0|9970"], await database.RowsAsync("SELECT reference, gross FROM recon.items WHERE leg = 'bank'"));
        Assert.Equal(["matched|0|timing"], await database.RowsAsync("SELECT class, ours_net - theirs_net + from_amount, from_class FROM recon.entries WHERE leg = 'bank' AND from_class IS NOT NULL"));
    }

    [Fact]
    public async Task One_bank_entry_pays_a_batch_and_what_it_lacks_is_found_to_the_cent()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        await database.ImportAsync("stripe.csv", Report((1, 10_000, 30, 0), (2, 5_000, 30, 0), (3, 700, 30, 1)));
        await database.ImportAsync("bank.sta", Bank("1", (2, 14_940, "STRIPE PAYOUT po_0"), (3, 668, "STRIPE PAYOUT po_1"), (3, -45, "Account fee")));
        await database.MatchAsync();

        Assert.Equal(["other|missing_here|45", "stripe|amount_mismatch|2"], await database.RowsAsync("SELECT provider, class, amount FROM recon.entries WHERE leg = 'bank' AND class <> 'matched' ORDER BY 1"));
    }

    [Fact]
    public async Task A_report_is_written_as_csv_and_as_a_page()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        await database.AddAsync([Item(1, 10_000), Item(2, 5_000)]);
        await database.ImportAsync("stripe.csv", Report((1, 10_000, 37, 0), (2, 5_000, 30, 0)));
        await database.MatchAsync();
        var report = (await database.Reports.FindAsync(Stripe, FirstDay, Cancel))!;

        Assert.Equal(
            """
            mode,leg,provider,day,closed,currency,row,count,amount
            test,provider,stripe,2026-03-10,no,USD,ours,2,149.40
            test,provider,stripe,2026-03-10,no,USD,theirs,2,149.33
            test,provider,stripe,2026-03-10,no,USD,difference,,0.07
            test,provider,stripe,2026-03-10,no,USD,fee_difference,1,0.07
            test,provider,stripe,2026-03-10,no,USD,matched,1,0.00

            """.ReplaceLineEndings("\r\n"),
            ReportText.Csv(report).ReplaceLineEndings("\r\n"));
        var page = ReportText.Html(report);
        Assert.Contains("<h1>Reconciliation of stripe, provider leg, 2026-03-10 (test)</h1>", page, StringComparison.Ordinal);
        Assert.Contains("<td>fee difference</td><td>1</td><td>0.07</td>", page, StringComparison.Ordinal);
        Assert.Contains("Open: what comes in may change it. Healthy", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", page, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Encodings_are_all_the_same_to_the_books()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        await database.AddAsync([Item(1, 10_000), Item(2, 5_000), Item(3, 700), Item(4, 900)]);
        var encodings = new Encoding[] { new UTF8Encoding(true), Encoding.Latin1, Encoding.Unicode, Encoding.BigEndianUnicode };
        foreach (var (encoding, i) in encodings.Select((e, i) => (e, i)))
        {
            var text = Report((i + 1, new[] { 10_000L, 5_000, 700, 900 }[i], 30, 0))
                .Replace("payment_intent_id\n", "payment_intent_id,description\n", StringComparison.Ordinal).Replace("po_0", $"po_{i}", StringComparison.Ordinal).Replace($"pi_{i + 1}\n", $"pi_{i + 1},Müller & Söhne\n", StringComparison.Ordinal);
            var read = await database.ImportAsync($"file{i}.csv", text, encoding);
            Assert.True(read is { State: "complete", Accepted: 1, Quarantined: 0 }, $"{encoding.WebName}: {read}");
        }

        await database.MatchAsync();
        Assert.Empty(await ClassesAsync(database));
    }

    private static Task<List<string>> ClassesAsync(ReconciliationDatabase database) =>
        database.RowsAsync("SELECT class, sum(amount) FROM recon.entries WHERE leg = 'provider' AND class <> 'matched' GROUP BY class ORDER BY 1");
}
