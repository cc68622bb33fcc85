using System.Globalization;
using Xunit;
using static Payments.IntegrationTests.Reconciliation.Statements;

namespace Payments.IntegrationTests.Reconciliation;

/// <summary>One payout, or one account's statement, in two files: it counts once, and the second file says which one it has met.</summary>
public sealed class SaidTwiceTests(EmbeddedServers servers)
{
    private const string Counted = "SELECT leg, kind, coalesce(batch, reference), count(*), sum(net) FROM recon.lines GROUP BY 1, 2, 3 ORDER BY 1, 2, 3";

    [Fact]
    public async Task A_payout_that_came_by_the_api_is_not_counted_again_by_a_report_and_the_other_way_round()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        Assert.Equal("complete", (await database.ImportAsync("po_0", Api("po_0", (1, 10_000)))).State);

        var twice = await database.ImportAsync("march.csv", Report((2, 5_000, 0, 1), (1, 10_000, 0, 0)));
        Assert.Equal(
            ("refused", 1L, "The payout po_0 stands already, by import 1 (stripe_balance_transactions); a corrected file has to be of the same format and identity."), (twice.State, twice.Line, twice.Reason));
        Assert.Equal(["provider|capture|po_0|1|10000"], await database.RowsAsync(Counted));
        Assert.Equal(["0"], await database.RowsAsync("SELECT count(*) FROM recon.import_payouts WHERE import_number = 2"));

        Assert.Equal("complete", (await database.ImportAsync("april.csv", Report((2, 5_000, 0, 1), (3, 700, 0, 2)))).State);
        Assert.Equal("refused", (await database.ImportAsync("po_2", Api("po_2", (3, 700)))).State);
        Assert.Equal(["po_0", "po_1", "po_2"], await database.RowsAsync("SELECT DISTINCT batch FROM recon.lines ORDER BY 1"));
    }

    [Fact]
    public async Task A_report_under_another_name_is_refused_where_any_payout_of_it_stands_and_a_corrected_one_of_the_same_name_is_not()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        Assert.Equal("complete", (await database.ImportAsync("week1.csv", Report((1, 10_000, 0, 0), (2, 5_000, 0, 1)))).State);
        Assert.Equal("complete", (await database.ImportAsync("week2.csv", Report((3, 700, 0, 2)))).State);
        Assert.Equal("refused", (await database.ImportAsync("month.csv", Report((1, 10_000, 0, 0), (2, 5_000, 0, 1), (3, 700, 0, 2), (4, 900, 0, 3)))).State);

        // What the corrected file does not have any more is free, and what stands in another one is not its own.
        Assert.Equal("complete", (await database.ImportAsync("week1.csv", Report((1, 10_001, 0, 0)))).State);
        Assert.Equal("refused", (await database.ImportAsync("week1.csv", Report((1, 10_001, 0, 0), (3, 700, 0, 2)))).State);
        Assert.Equal("complete", (await database.ImportAsync("po_1", Api("po_1", (2, 5_000)))).State);
        Assert.Equal(["provider|capture|po_0|1|10001", "provider|capture|po_1|1|5000", "provider|capture|po_2|1|700"], await database.RowsAsync(Counted));
    }

    [Fact]
    public async Task Of_two_files_of_one_payout_that_come_at_the_same_moment_one_counts()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        var results = await Task.WhenAll(
            Task.Run(() => database.ImportAsync("a.csv", Report((1, 10_000, 0, 0))), TestContext.Current.CancellationToken), Task.Run(() => database.ImportAsync("po_0", Api("po_0", (1, 10_000))), TestContext.Current.CancellationToken));
        Assert.Equal(["complete", "refused"], results.Select(r => r.State).Order(StringComparer.Ordinal));
        Assert.Equal(["provider|capture|po_0|1|10000"], await database.RowsAsync(Counted));
    }

    /// <summary>Each after a first statement of 100.00 to 112.50 between the 11th and the 12th, by MT940.</summary>
    [Theory]
    [InlineData("complete", "the day after", "mt940", 12, 11_250, 13, 11_000, 2)]
    [InlineData("complete", "the day after, in the other format", "camt053", 12, 11_250, 13, 11_000, 2)]
    [InlineData("complete", "later on the same day", "mt940", 12, 11_250, 12, 11_000, 2)]
    [InlineData("complete", "later on the same day, and it comes to nothing", "mt940", 12, 11_250, 12, 11_250, 2)]
    [InlineData("refused", "the same in the other format", "camt053", 11, 10_000, 12, 11_250, 1)]
    [InlineData("refused", "the same in the other format, which dates the opening otherwise", "camt053", 12, 10_000, 12, 11_250, 1)]
    [InlineData("refused", "the same under another number", "mt940", 11, 10_000, 12, 11_250, 2)]
    [InlineData("refused", "corrected under another number", "mt940", 11, 10_000, 12, 11_300, 2)]
    [InlineData("refused", "of a longer time that ends with it", "camt053", 5, 4_000, 12, 11_250, 1)]
    [InlineData("refused", "of a longer time that begins with it", "mt940", 11, 10_000, 20, 3_000, 2)]
    [InlineData("superseding", "corrected under the same number", "mt940", 11, 10_000, 12, 11_300, 1)]
    public async Task An_accounts_statement_counts_once(string expected, string what, string format, int openedOn, long opening, int closedOn, long closing, int number)
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        Assert.Equal("complete", (await database.ImportAsync("first", Mt940(1, 11, 10_000, 12, 11_250))).State);

        var result = await database.ImportAsync("second", format == "mt940" ? Mt940(number, openedOn, opening, closedOn, closing) : Camt(openedOn, opening, closedOn, closing));
        Assert.True(expected.Replace("superseding", "complete", StringComparison.Ordinal) == result.State, $"{what}: {result}");
        Assert.Equal(expected == "complete" ? "4" : "2", (await database.RowsAsync("SELECT count(*) FROM recon.lines")).Single());
        if (expected == "refused")
        {
            Assert.Equal(
                $"The statement of 120300000000202051 (EUR) that closes on 2026-03-{closedOn} tells of a time that import 1 (mt940) tells of already; a corrected file has to be of the same format and identity.",
                result.Reason);
        }

        // Another account's is another one.
        Assert.Equal("complete", (await database.ImportAsync("other", Mt940(1, 11, 10_000, 12, 11_250).Replace("202051", "202052", StringComparison.Ordinal))).State);
    }

    private static string Api(string payout, params (int Number, long Amount)[] lines) =>
        $$"""{"payout":"{{payout}}","arrival_date":{{At(2).ToUnixTimeSeconds()}}}""" + "\n" + string.Concat(lines.Select(l => string.Create(
            CultureInfo.InvariantCulture,
            $$$"""{"id":"txn_{{{l.Number}}}","type":"charge","currency":"usd","amount":{{{l.Amount}}},"fee":0,"net":{{{l.Amount}}},"created":{{{At(0).ToUnixTimeSeconds()}}},"source":{"id":"ch_{{{l.Number}}}","payment_intent":"pi_{{{l.Number}}}"}}""") + "\n"));

    // Two entries each, so that one that comes to nothing has some.
    private static string Mt940(int number, int openedOn, long opening, int closedOn, long closing) => string.Create(
        CultureInfo.InvariantCulture,
        $":20:S\r\n:25:12030000/0000202051\r\n:28C:{number}/1\r\n:60F:C2603{openedOn:00}EUR{Comma(opening)}\r\n:61:2603{closedOn:00}C1000,00NTRFNONREF\r\n:61:2603{closedOn:00}{(closing - opening < 100_000 ? "D" : "C")}{Comma(Math.Abs(closing - opening - 100_000))}NTRFNONREF\r\n:62F:C2603{closedOn:00}EUR{Comma(closing)}\r\n-\r\n");

    private static string Camt(int openedOn, long opening, int closedOn, long closing) => string.Create(
        CultureInfo.InvariantCulture,
        $"""
        <Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><GrpHdr><MsgId>M</MsgId><CreDtTm>2026-03-13T20:00:00Z</CreDtTm></GrpHdr>
        <Stmt><Id>S1</Id><CreDtTm>2026-03-13T20:00:00Z</CreDtTm><Acct><Id><IBAN>DE02120300000000202051</IBAN></Id></Acct>
        {Balance("OPBD", openedOn, opening)}{Balance("CLBD", closedOn, closing)}{Entry(closedOn, 100_000)}{Entry(closedOn, closing - opening - 100_000)}
        </Stmt></BkToCstmrStmt></Document>
        """);

    private static string Balance(string code, int day, long amount) => string.Create(
        CultureInfo.InvariantCulture, $"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy=\"EUR\">{amount / 100}.{amount % 100:00}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-03-{day:00}</Dt></Dt></Bal>");

    private static string Entry(int day, long amount) => string.Create(
        CultureInfo.InvariantCulture,
        $"<Ntry><Amt Ccy=\"EUR\">{Math.Abs(amount) / 100}.{Math.Abs(amount) % 100:00}</Amt><CdtDbtInd>{(amount < 0 ? "DBIT" : "CRDT")}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-03-{day:00}</Dt></BookgDt><BkTxCd/></Ntry>");

    private static string Comma(long amount) => string.Create(CultureInfo.InvariantCulture, $"{amount / 100},{amount % 100:00}");
}
