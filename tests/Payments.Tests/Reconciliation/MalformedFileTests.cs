using System.Text;
using Payments.Reconciliation.Imports;
using Xunit;
using static Payments.Tests.Reconciliation.SampleFiles;

namespace Payments.Tests.Reconciliation;

/// <summary>What is wrong in a file costs the line it stands in, or the file, and is told with its line; nothing else comes of it.</summary>
public sealed class MalformedFileTests : IDisposable
{
    private static readonly int[] Others = [1, 2, 4, 5, 6];

    private readonly SampleFiles files = new();

    public static TheoryData<string, string> Files => new()
    {
        { StripePayoutReport.Format, Stripe }, { AdyenSettlementReport.Format, Adyen }, { StripeBalanceTransactions.Format, BalanceTransactions }, { Camt053.Format, Camt("CRDT", "1200.50") },
        { Payments.Reconciliation.Imports.Mt940.Format, SampleFiles.Mt940 },
    };

    public void Dispose() => files.Dispose();

    // The line is the one at which the file stops being a statement.
    [Theory]
    [InlineData("a,b\n1,2\n", 1, "the file is no statement that is known")]
    [InlineData("balance_transaction_id,reporting_category,gross\n", 1, "the column 'automatic_payout_id' is missing")]
    [InlineData("\n\nbalance_transaction_id,reporting_category,gross\n", 3, "the column 'automatic_payout_id' is missing")]
    [InlineData("Psp Reference,Batch Number\n", 1, "the column 'Merchant Account' is missing")]
    [InlineData("{\"payout\":null,\"arrival_date\":1773273600}\n", 1, "the first line does not name the payout")]
    [InlineData("{\"payout\":\"po_1\",\"arrival_date\":99999999999999}\n", 1, "the first line does not name the payout")]
    [InlineData(":20:S\n:25:A\n:60F:C260311EUR0,\n:62F:C260311EUR0,\n-\n", 3, "a statement opens without :28C:")]
    [InlineData(":20:S\n:25:A\n:28C:1/1\n:60F:C260311EUR0\n:62F:C260311EUR0,\n-\n", 4, "the balance is no balance")]
    [InlineData(":20:S\n:25:A\n:28C:1/1\n:60F:C260311EUR0,\n:61:2603120312C5,NTRF\n:62F:C260311EUR4,\n-\n", 6, "the entries come to 5.00 EUR, the closing balance says 4.00 EUR")]
    [InlineData(":20:S\n:25:A\n:28C:1/1\n:60F:C260311EUR0,\n:61:2603120312C5,NTRF\n:62F:C260311USD5,\n-\n", 6, "a closing balance has no opening one in its currency")]
    [InlineData(":20:S\n:25:A\n:28C:1/1\n:61:2603120312C5,NTRF\n:60F:C260311EUR0,\n:62F:C260311EUR5,\n-\n", 4, "an entry stands before the opening balance")]
    [InlineData(":20:S\n:25:A\n:28C:1/1\n:60F:C260311EUR0,\n:20:T\n:25:B\n:28C:1/1\n:60F:C260311EUR0,\n:62F:C260311EUR0,\n", 8, "the statement before has no closing balance (:62F:)")]
    [InlineData(":20:S\n:25:A\0\n:28C:1/1\n:60F:C260311EUR0,\n:62F:C260311EUR0,\n", 1, "what the file calls itself is no text that can be kept")]
    public void A_file_that_is_no_statement_is_refused_with_its_line_and_a_reason(string text, long line, string reason)
    {
        var refused = Assert.Throws<RefusedFileException>(() => files.Read(text));

        Assert.Equal((line, reason), (refused.Line, refused.Message));
    }

    [Theory]
    [InlineData("<GrpHdr>", 3, "<GrpHdr><MsgId/>", "MsgId in GrpHdr has not the form that it must have")]
    [InlineData("<Id>S1</Id>", 4, "<Id/>", "Id in Stmt has not the form that it must have")]
    [InlineData(">1302.50<", 4, ">1302.51<", "opening balance and entries come to 1302.50 EUR, the closing balance says 1302.51 EUR")]
    [InlineData(">100.00<", 5, ">-100.00<", "a balance: Amt is not a number of 18 digits, 5 of them behind the point, without a sign")]
    [InlineData("<Bal><Tp><CdOrPrtry><Cd>CLBD", 6, "<Bal><x:Tp xmlns:x=\"urn:x\"/><Tp><CdOrPrtry><Cd>CLBD", "Tp in Bal is of another namespace")]
    [InlineData("</Stmt></BkToCstmrStmt>", 11, "</Stmt><Extra/><Stmt/></BkToCstmrStmt>", "Extra is not expected here in BkToCstmrStmt")]
    [InlineData("</Stmt></BkToCstmrStmt>", 11, "</Stmt></BkToCstmrStmt", "the XML is not well-formed")]
    public void A_bank_statement_is_refused_with_the_line_at_which_it_is_wrong(string from, long line, string to, string reason)
    {
        var refused = Assert.Throws<RefusedFileException>(() => files.Read(Camt("CRDT", "1200.50").Replace(from, to, StringComparison.Ordinal), named: Camt053.Format));

        Assert.Equal((line, reason), (refused.Line, refused.Message));
    }

    // Quotes within fields, a separator too many, and what no calendar, sum or database takes.
    [Theory]
    [InlineData("po_1,2026-03-12 00:00:00,txn_3,2026-03-10 09:00:00,usd,10.00,0.59,9.41,charge,ch_3,pi\"3,a \"quoted\" word and \"one more", null)]
    [InlineData("po_1,2026-03-12 00:00:00,txn_3,2026-03-10 09:00:00,usd,10.00,0.59,9.41,charge,ch_3,p\"i_3,\"Socks", " a quote is not closed")]
    [InlineData("po_1,2026-03-12 00:00:00,txn_3,2026-03-10 09:00:00,usd,10.00,0.59,9.41,charge,ch_3,pi_3,\"Socks\" of \"wool", null)]
    [InlineData("po_1,2026-03-12 00:00:00,txn_3,2026-03-10 09:00:00,usd,10.00,0.59,9.41,charge,ch_3,pi_3,Socks, red", " has 13 fields, the header has 12")]
    [InlineData("po_1,2026-03-12 00:00:00,txn_3,2026-03-10 09:00:00,usd,10.00,0.59,9.41,charge,ch_3,pi_3,Socks,", null)]
    [InlineData("po_1,2026-03-12 00:00:00,txn_3,2026-03-10 09:00:00,usd,10.00,0.59,9.41,charge,ch_3,pi\0,Socks", " a reference has a control character, or more than 200 characters")]
    [InlineData("po_1,2026-03-12 00:00:00,txn_3,0001-01-01 00:00:00,usd,10.00,0.59,9.41,charge,ch_3,pi_3,Socks", " a date is out of all bounds")]
    [InlineData("po_1,9999-12-31 00:00:00,txn_3,2026-03-10 09:00:00,usd,10.00,0.59,9.41,charge,ch_3,pi_3,Socks", " a date is out of all bounds")]
    [InlineData("po_1,2026-03-12 00:00:00,txn_3,2026-03-10 09:00:00,usd,9999999999999999.00,0.00,9999999999999999.00,charge,ch_3,pi_3,Socks", " an amount is too large")]
    public void What_is_wrong_with_one_line_of_a_report_costs_no_other(string third, string? reason)
    {
        var lines = Stripe.Split('\n');
        lines[3] = third;

        var read = files.Read(string.Join('\n', lines));

        Assert.Equal(["pi_1", "pi_2", "pi_4", "pi_5", "pi_6"], read.Where(r => r.Number != 4).Select(r => r.Line?.Reference));
        Assert.Equal(reason, read.Single(r => r.Number == 4).Rejection is { } rejection ? $"{rejection.Column} {rejection.Reason}" : null);
    }

    [Theory]
    [InlineData("\"amount\":1000", "\"amount\":9223372036854775807", "amounts are too large")]
    [InlineData("\"net\":941", "\"net\":9.41", "is no balance transaction")]
    [InlineData("\"created\":1773133200", "\"created\":99999999999999", "is no balance transaction")]
    [InlineData("\"created\":1773133200", "\"created\":-9999999999", "a date is out of all bounds")]
    [InlineData("\"type\":\"charge\"", "\"type\":null", "is empty")]
    [InlineData("\"id\":\"ch_3\"", "\"id\":null", "is empty")]
    [InlineData("{\"id\":\"txn_3\"", "[{\"id\":\"txn_3\"", "is no balance transaction")]
    public void What_is_wrong_with_one_transaction_of_the_api_costs_no_other(string from, string to, string reason)
    {
        var lines = BalanceTransactions.Split('\n');
        lines[3] = lines[3].Replace(from, to, StringComparison.Ordinal).Replace("\"fee\":59", to.Contains("92233", StringComparison.Ordinal) ? "\"fee\":-59" : "\"fee\":59", StringComparison.Ordinal);

        var read = files.Read(string.Join('\n', lines));

        Assert.Equal(["pi_1", "pi_2", "pi_4", "pi_5", "pi_6"], read.Where(r => r.Number != 4).Select(r => r.Line?.Reference));
        Assert.Equal(reason, read.Single(r => r.Number == 4).Rejection?.Reason);
    }

    [Fact]
    public void Several_statements_in_swifts_envelopes_are_read_one_after_the_other()
    {
        const string message = "{1:F01BANKDEFFXXXX0000000000}{2:I940BANKDEFFXXXXN}{4:\r\n:20:S\r\n:25:DE02/1\r\n:28C:1/1\r\n:60F:C260311EUR0,\r\n:61:2603120312C5,NTRFNONREF\r\n:86:ADYEN BATCH 17\r\n:62F:C260312EUR5,\r\n-}{5:{CHK:123456789ABC}}\r\n";

        Assert.Equal([(6L, 500L), (15L, 500L)], files.Read(message + message).Select(r => (r.Number, r.Line!.Net)));
    }

    [Fact]
    public void Whatever_is_done_to_a_line_of_a_report_the_other_lines_are_read()
    {
        var random = new Random(20260310);
        foreach (var (whole, first) in new[] { (Stripe, "pi_"), (Adyen, "PSP"), (BalanceTransactions, "pi_") })
        {
            for (var i = 0; i < 400; i++)
            {
                var lines = whole.Split('\n');
                lines[3] = Spoiled(random, lines[3]).ReplaceLineEndings("");
                var text = string.Join('\n', lines);

                var read = files.Read(text);

                Assert.True(
                    read.Where(r => r.Number != 4).Select(r => (r.Number, r.Line?.Reference)).SequenceEqual(Others.Select(n => (n + 1L, (string?)$"{first}{n}"))),
                    $"{lines[3]}\n{string.Join('\n', read.Select(r => $"{r.Number} {r.Line?.Reference} {r.Rejection?.Reason}"))}");
                Assert.True(read.Count(r => r.Number == 4) == (string.IsNullOrWhiteSpace(lines[3]) ? 0 : 1), lines[3]);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Whatever_is_done_to_a_file_it_is_read_or_refused_and_each_outcome_has_its_line(string format, string whole)
    {
        var random = new Random(20260311);
        for (var i = 0; i < 400; i++)
        {
            var bytes = Encoding.UTF8.GetBytes(whole);
            for (var times = random.Next(1, 4); times > 0; times--)
            {
                bytes = Spoiled(random, bytes);
            }

            try
            {
                var read = files.Read(bytes, format);

                Assert.True(read.Zip(read.Skip(1)).All(p => p.First.Number < p.Second.Number), "in order");
                Assert.All(read, r => Assert.True(r.Number >= 1 && (r.Line is null) == (r.Rejection is { Reason.Length: > 0 })));
            }
            catch (RefusedFileException e)
            {
                Assert.True(e.Line >= 1 && e.Message.Length > 0);
            }
        }
    }

    private static string Spoiled(Random random, string line)
    {
        for (var times = random.Next(1, 4); times > 0; times--)
        {
            var at = random.Next(line.Length + 1);
            line = random.Next(4) switch
            {
                0 => line.Insert(at, Junk[random.Next(Junk.Length)]),
                1 => line[..at],
                2 => line.Remove(at, Math.Min(random.Next(9), line.Length - at)),
                _ => line.Insert(at, line[at..Math.Min(line.Length, at + random.Next(20))]),
            };
        }

        return line;
    }

    private static byte[] Spoiled(Random random, byte[] bytes)
    {
        var (from, length) = (random.Next(bytes.Length + 1), random.Next(40));
        var to = Math.Min(bytes.Length, from + length);
        return random.Next(4) switch
        {
            0 => [.. bytes[..from], .. Encoding.UTF8.GetBytes(Junk[random.Next(Junk.Length)]), .. bytes[from..]],
            1 => bytes[..from],
            2 => [.. bytes[..from], .. bytes[to..]],
            _ => [.. bytes[..to], .. bytes[from..to], .. bytes[to..]],
        };
    }

    private static readonly string[] Junk =
    [
        "\"", "\"\"", ",", ";", "\t", "\n", "\r\n", "\r", "\0", "'", "-", "-}", "{", "}", "<", ">", "</Stmt>", "<Ntry/>", "<x:Amt xmlns:x='urn:x'/>", "&#0;", "&e;", ":61:", ":62F:", "9999999999999999999", "1e9", "0001-01-01", "\uFEFF", "٣", "null",
        "\\ud800", "[", "true",
    ];
}
