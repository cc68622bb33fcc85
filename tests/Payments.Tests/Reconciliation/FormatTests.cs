using System.Text;
using System.Text.RegularExpressions;
using Payments.Reconciliation;
using Payments.Reconciliation.Imports;
using Xunit;
using static Payments.Tests.Reconciliation.SampleFiles;

namespace Payments.Tests.Reconciliation;

/// <summary>Real forms of statements, and what is wrong with those that are refused.</summary>
public sealed class FormatTests : IDisposable
{
    private readonly SampleFiles files = new();

    public void Dispose() => files.Dispose();

    [Fact]
    public void Columns_are_found_by_name_in_any_order_with_any_separator_and_quoting()
    {
        var plain = StripeHeader + "\npo_1,2026-03-12 00:00:00,txn_1,2026-03-10 09:00:00,usd,10.00,0.59,9.41,charge,ch_1,pi_1,Socks\n";
        const string shuffled = "net;\"gross\";fee;source_id;extra;reporting_category;currency;created_utc;balance_transaction_id;description;payment_intent_id;automatic_payout_effective_at_utc;automatic_payout_id\r\n"
            + "9,41;\"10,00\";0,59;ch_1;;charge;USD;2026-03-10 09:00:00;txn_1;\"Socks; \"\"red\"\"\nand blue\";pi_1;2026-03-12 00:00:00;po_1\r\n";

        var expected = Line(Read(plain));

        Assert.Equal((LineKind.Capture, "pi_1", 1000L, 59L, 941L), (expected.Kind, expected.Reference, expected.Gross, expected.Fee, expected.Net));
        Assert.Equal(expected, Line(Read(shuffled)));
    }

    [Fact]
    public void Encodings_are_recognised()
    {
        var text = StripeHeader + "\npo_1,2026-03-12 00:00:00,txn_1,2026-03-10 09:00:00,usd,10.00,0.59,9.41,charge,ch_1,pi_é,Müller & Söhne\n";
        foreach (var encoding in new[] { new UTF8Encoding(true), new UTF8Encoding(false), Encoding.Latin1, Encoding.Unicode })
        {
            Assert.Equal("pi_é", Line(Read(text, encoding)).Reference);
        }
    }

    [Fact]
    public void Adyens_columns_are_found_in_any_order_too()
    {
        var plain = Line(Read($"{AdyenHeader}\nCo,Shop,PSP1,ref,visa,2026-03-10 10:00:00,CET,Settled,MOD1,EUR,,10.00,1,EUR,,9.80,,0.10,0.05,0.05,3\n"));
        var (names, values) = (AdyenHeader.Split(','), "Co,Shop,PSP1,ref,visa,2026-03-10 10:00:00,CET,Settled,MOD1,EUR,,10.00,1,EUR,,9.80,,0.10,0.05,0.05,3".Split(','));
        var order = Enumerable.Range(0, names.Length).Reverse().ToArray();

        Assert.Equal(plain, Line(Read(string.Join('\t', order.Select(i => names[i])) + "\r\n" + string.Join('\t', order.Select(i => $"\"{values[i]}\"")) + "\r\n")));
    }

    [Fact]
    public void Bank_statements_are_read_in_every_encoding()
    {
        var camt = Camt("CRDT", "1200.50").Replace("Account fee", "Kontoführung", StringComparison.Ordinal);
        const string mt940 = ":20:S\r\n:25:DE02/1\r\n:28C:1/1\r\n:60F:C260311EUR0,\r\n:61:2603120312C5,NTRFNONREF\r\n:86:Müller BATCH 17\r\n:62F:C260312EUR5,\r\n-\r\n";
        foreach (var text in new[] { camt, camt.Replace("UTF-8", "ISO-8859-1", StringComparison.Ordinal), mt940 })
        {
            var expected = Read(text).Select(r => r.Line).ToArray();
            Assert.All(expected, Assert.NotNull);
            foreach (var encoding in new[] { new UTF8Encoding(true), Encoding.Latin1, Encoding.Unicode, Encoding.BigEndianUnicode })
            {
                Assert.Equal(expected, Read(text, encoding).Select(r => r.Line));
            }
        }
    }

    // The bank's own date, through both ends of summer time.
    [Theory]
    [InlineData("2026-03-29T00:30:00+01:00", "2026-03-29")]
    [InlineData("2026-03-29T03:00:00+02:00", "2026-03-29")]
    [InlineData("2026-10-25T02:30:00+02:00", "2026-10-25")]
    [InlineData("2026-10-25T02:30:00+01:00", "2026-10-25")]
    [InlineData("2026-10-24T23:59:59.999Z", "2026-10-24")]
    [InlineData("2026-10-25T00:00:00", "2026-10-25")]
    public void An_entry_is_on_the_day_that_the_bank_writes(string time, string day)
    {
        var lines = Read(Camt("CRDT", "1200.50").Replace("2026-03-12T23:30:00+01:00", time, StringComparison.Ordinal)).Select(r => r.Line!).ToArray();

        Assert.Equal(day, lines[1].BatchDay?.ToString("O", System.Globalization.CultureInfo.InvariantCulture));
    }

    [Fact]
    public void A_line_that_cannot_be_read_is_set_aside_with_its_number_and_reason_and_the_rest_is_read()
    {
        var read = Read(StripeHeader + """

            po_1,2026-03-12 00:00:00,txn_1,2026-03-10 09:00:00,usd,10.00,0.59,9.41,charge,ch_1,pi_1,
            po_1,2026-03-12 00:00:00,txn_2,2026-03-10 09:00:00,usd,10.00,0.59,9.40,charge,ch_2,pi_2,
            po_1,2026-03-12 00:00:00,txn_3,2026-03-10 09:00:00,usd,ten,0.59,9.41,charge,ch_3,pi_3,
            po_1,2026-03-12 00:00:00,txn_4,2026-03-10 09:00:00,xyz,10.00,0.59,9.41,charge,ch_4,pi_4,
            po_1,2026-03-12 00:00:00,txn_5,2026-03-10 09:00:00,usd,10.00,0.59,9.41,gift,ch_5,pi_5,
            po_1,2026-03-12 00:00:00,txn_6,yesterday,usd,10.00,0.59,9.41,charge,ch_6,pi_6,
            po_1,2026-03-12
            po_1,2026-03-12 00:00:00,txn_8,2026-03-10 09:00:00,usd,10.00,0.59,9.41,charge,ch_8,pi_8,"never closed
            po_1,2026-03-12 00:00:00,txn_9,2026-03-10 09:00:00,usd,10.00,0.59,9.41,charge,ch_9,pi_9,
            ,2026-03-12 00:00:00,txn_10,2026-03-10 09:00:00,usd,10.00,0.59,9.41,charge,ch_10,pi_10,
            po_1,2026-03-12 00:00:00,txn_11,2026-03-10 09:00:00,usd,9999999999999999999999.00,0.59,9.41,charge,ch_11,pi_11,
            """);

        Assert.Equal(["pi_1", "pi_9"], read.Where(r => r.Line is not null).Select(r => r.Line!.Reference));
        Assert.Equal(
            [
                "3 net: is not gross less fee", "4 gross: is no amount", "5 currency: is no currency that is accepted", "6 reporting_category: is no category that is known",
                "7 created: is no time", "8 : has 2 fields, the header has 12", "9 : a quote is not closed", "11 automatic_payout_id: is empty", "12 gross: is no amount",
            ],
            read.Where(r => r.Rejection is not null).Select(r => $"{r.Number} {r.Rejection!.Column}: {r.Rejection.Reason}"));
    }

    [Theory]
    [InlineData("a,b\n1,2\n", "the file is no statement that is known")]
    [InlineData("balance_transaction_id,reporting_category\n1,2\n", "the column 'automatic_payout_id' is missing")]
    [InlineData("", "the file is no statement that is known")]
    public void A_file_that_is_no_statement_is_refused(string text, string reason) => Assert.Equal(reason, Assert.Throws<RefusedFileException>(() => Read(text)).Message);

    // The provider's day, and the moment, through both ends of summer time.
    [Theory]
    [InlineData("2026-03-29 01:59:59", "CET", "2026-03-29T00:59:59Z", "2026-03-29")]
    [InlineData("2026-03-29 02:30:00", "CET", "2026-03-29T01:30:00Z", "2026-03-29")]
    [InlineData("2026-03-29 03:30:00", "CEST", "2026-03-29T01:30:00Z", "2026-03-29")]
    [InlineData("2026-07-01 00:30:00", "CET", "2026-06-30T22:30:00Z", "2026-07-01")]
    [InlineData("2026-10-25 02:30:00", "CEST", "2026-10-25T00:30:00Z", "2026-10-25")]
    [InlineData("2026-10-25 02:30:00", "CET", "2026-10-25T01:30:00Z", "2026-10-25")]
    [InlineData("2026-10-25 23:30:00", "UTC", "2026-10-25T23:30:00Z", "2026-10-26")]
    [InlineData("2026-11-01 15:30:00", "PST", "2026-11-01T23:30:00Z", "2026-11-02")]
    [InlineData("2026-06-30 23:30:00", "Europe/Amsterdam", "2026-06-30T21:30:00Z", "2026-06-30")]
    public void Time_zones_and_their_edges_are_kept(string time, string zone, string instant, string day)
    {
        var line = Line(Read($"{AdyenHeader}\nCo,Shop,PSP1,ref,visa,{time},{zone},Settled,MOD1,EUR,,10.00,1,EUR,,9.80,,0.10,0.05,0.05,3\n"));

        Assert.Equal(instant, line.OccurredAt.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal(day, Calendars.DayOf(Book.Adyen, line.OccurredAt).ToString("O", System.Globalization.CultureInfo.InvariantCulture));
    }

    [Fact]
    public void Adyens_types_become_kinds_with_signs_and_fees()
    {
        var lines = Read(AdyenHeader + """

            Co,Shop,PSP1,ref,visa,2026-03-10 10:00:00,CET,Settled,MOD1,EUR,,10.00,1,EUR,,9.80,,0.10,0.05,0.05,3
            Co,Shop,PSP1,ref,visa,2026-03-10 11:00:00,CET,Refunded,MOD2,EUR,4.00,,1,EUR,4.00,,,0.00,,,3
            Co,Shop,PSP2,ref,visa,2026-03-10 12:00:00,CET,Chargeback,MOD3,EUR,5.00,,1,EUR,20.00,,15.00,,,,3
            Co,Shop,,,,2026-03-10 13:00:00,CET,Fee,FEE1,,,,,EUR,1.20,,,,,,3
            Co,Shop,,,,2026-03-10 14:00:00,CET,MerchantPayout,PAY1,,,,,EUR,3.00,,,,,,3
            """).Select(r => r.Line!).ToArray();

        Assert.Equal(
            ["Capture PSP1 1000 20 980", "Refund MOD2 -400 0 -400", "Chargeback MOD3 -500 1500 -2000", "Fee FEE1 0 120 -120", "Payout PAY1 -300 0 -300"],
            lines.Select(l => $"{l.Kind} {l.Reference} {l.Gross} {l.Fee} {l.Net}"));
        Assert.All(lines, l => Assert.Equal("batch 3", l.Batch));
    }

    [Fact]
    public void A_bank_statement_of_iso_20022_is_read_and_its_payouts_are_known()
    {
        var lines = Read(Camt("CRDT", "1200.50")).Select(r => r.Line).OfType<StatementLine>().ToArray();

        Assert.Equal(["stripe po_abc 120050 2026-03-12", "adyen batch 17 500 2026-03-12", "other  -300 2026-03-13"], lines.Select(l => $"{l.Provider} {l.Reference} {l.Net} {l.BatchDay:yyyy-MM-dd}"));
    }

    // What the schema and its rules forbid, and what is said of it.
    [Theory]
    [InlineData("urn:iso:std:iso:20022:tech:xsd:camt.053.001.08", "urn:iso:std:iso:20022:tech:xsd:camt.052.001.08", "the root is no Document")]
    [InlineData("<Cd>CLBD</Cd>", "<Cd>ITBD</Cd>", "needs an opening (OPBD or PRCD) and a closing (CLBD) balance")]
    [InlineData("<Amt Ccy=\"EUR\">1302.50</Amt>", "<Amt Ccy=\"EUR\">1302.51</Amt>", "come to 1302.50 EUR, the closing balance says 1302.51 EUR")]
    [InlineData("<Id>S1</Id><CreDtTm>", "<CreDtTm>", "Id is missing in Stmt")]
    [InlineData("<Acct><Id><IBAN>DE021203</IBAN></Id></Acct>", "", "Acct is missing in Stmt")]
    [InlineData("</Stmt>", "<Ntry></Stmt>", "the XML is not well-formed")]
    [InlineData("<MsgId>M1</MsgId>", "", "MsgId is missing in GrpHdr")]
    [InlineData("</Acct>", "</Acct><Acct><Id><IBAN>DE031203</IBAN></Id></Acct>", "Acct comes too often in Stmt")]
    [InlineData("</Stmt>", "<Bal/></Stmt>", "Bal is not expected here in Stmt")]
    [InlineData("<Id>S1</Id><CreDtTm>2026-03-13T20:00:00Z</CreDtTm>", "<CreDtTm>2026-03-13T20:00:00Z</CreDtTm><Id>S1</Id>", "Id is missing in Stmt")]
    [InlineData("<Acct><Id><IBAN>DE021203</IBAN></Id></Acct>", "<Acct><Ccy>EUR</Ccy></Acct>", "Id is missing in Acct")]
    [InlineData("<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-03-12</Dt></Dt></Bal>", "<CdtDbtInd>PLUS</CdtDbtInd><Dt><Dt>2026-03-12</Dt></Dt></Bal>", "a balance: CdtDbtInd is neither CRDT nor DBIT")]
    [InlineData("<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-03-12</Dt></Dt></Bal>", "<CdtDbtInd>CRDT</CdtDbtInd></Bal>", "Dt is missing in Bal")]
    [InlineData("<BkToCstmrStmt>", "<BkToCstmrDbtCdtNtfctn>", "BkToCstmrStmt is expected")]
    [InlineData("<Document", "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><Document", "the XML is not well-formed")]
    public void A_bank_statement_against_the_schemas_rules_is_refused_with_the_reason(string from, string to, string reason)
    {
        var whole = Camt("CRDT", "1200.50");
        Assert.Contains(from, whole, StringComparison.Ordinal);

        var refused = Assert.Throws<RefusedFileException>(() => Read(whole.Replace(from, to, StringComparison.Ordinal), named: Camt053.Format));

        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
        Assert.True(refused.Line >= 1);
    }

    [Theory]
    [InlineData("1200.505555", "Amt: is not a number")]
    [InlineData("-1200.50", "Amt: is not a number")]
    [InlineData("1200,50", "Amt: is not a number")]
    [InlineData("1200.505", "Amt: has more decimals than EUR has")]
    public void An_entry_against_the_rules_is_set_aside(string amount, string reason)
    {
        var read = Read(Camt("CRDT", amount));

        Assert.Contains(reason, read.Where(r => r.Rejection is not null).Select(r => $"{r.Rejection!.Column}: {r.Rejection.Reason}").Single(), StringComparison.Ordinal);
        Assert.Equal(2, read.Count(r => r.Line is not null));
    }

    // Charges one by one belong to the older version of the schema, at most one element of them to the newer.
    [Theory]
    [InlineData("02", 3, 0)]
    [InlineData("04", 2, 1)]
    [InlineData("08", 2, 1)]
    public void An_entrys_elements_are_those_of_the_schemas_version(string version, int read, int setAside)
    {
        var whole = version == "08" ? Camt("CRDT", "1200.50") : Regex.Replace(Camt("CRDT", "1200.50"), "<Sts><Cd>([A-Z]+)</Cd></Sts>", "<Sts>$1</Sts>");
        var lines = Read(whole.Replace("001.08", "001." + version, StringComparison.Ordinal).Replace("<BkTxCd/><NtryDtls><TxDtls><Refs>", "<BkTxCd/><Chrgs/><Chrgs/><NtryDtls><TxDtls><Refs>", StringComparison.Ordinal));

        Assert.Equal((read, setAside), (lines.Count(l => l.Line is not null), lines.Count(l => l.Rejection is not null)));
        Assert.Equal(setAside == 0 ? [] : ["Chrgs comes too often in Ntry"], lines.Where(l => l.Rejection is not null).Select(l => l.Rejection!.Reason));
    }

    [Fact]
    public void The_payout_among_its_own_balance_transactions_is_read_and_disputes_are_known_by_their_category()
    {
        var lines = Read("""
            {"payout":"po_1","arrival_date":1773273600}
            {"id":"txn_1","type":"charge","reporting_category":"charge","currency":"usd","amount":1000,"fee":59,"net":941,"created":1773133200,"source":{"id":"ch_1","payment_intent":"pi_1","currency":"usd","amount":1000}}
            {"id":"txn_2","type":"adjustment","reporting_category":"dispute","currency":"usd","amount":-1000,"fee":1500,"net":-2500,"created":1773133200,"source":{"id":"du_1","payment_intent":"pi_1","currency":"usd","amount":1000}}
            {"id":"txn_3","type":"stripe_fee","currency":"usd","amount":-25,"fee":0,"net":-25,"created":1773133200,"source":null}
            {"id":"txn_4","type":"payout","reporting_category":"payout","currency":"usd","amount":-1584,"fee":0,"net":-1584,"created":1773133200,"source":"po_1"}
            {"id":"txn_5","type":"gift","currency":"usd","amount":1,"fee":0,"net":1,"created":1773133200,"source":null}
            """);

        Assert.Equal(
            ["Capture pi_1 1000 59 941", "Chargeback du_1 -1000 1500 -2500", "Fee txn_3 0 25 -25", "Payout po_1 -1584 0 -1584"],
            lines.Where(l => l.Line is not null).Select(l => $"{l.Line!.Kind} {l.Line.Reference} {l.Line.Gross} {l.Line.Fee} {l.Line.Net}"));
        Assert.Equal("6 type: is no type that is known", Assert.Single(lines.Where(l => l.Rejection is not null).Select(l => $"{l.Number} {l.Rejection!.Column}: {l.Rejection.Reason}")));
    }

    [Fact]
    public void An_mt940_statement_is_read_and_its_balances_are_held()
    {
        const string text = """
            {1:F01BANKDEFFXXXX}{2:I940X}{4:
            :20:STMT1
            :25:DE02/123
            :28C:71/1
            :60F:C260311EUR100,00
            :61:2603120312C1200,50NTRFNONREF//B1
            :86:STRIPE PAYOUT
            po_abc
            :61:260312C5,NTRFBATCH 17
            :86:ADYEN N.V. BATCH 17
            :61:2603130312D3,00NCHG
            :62F:C260313EUR1302,50
            -}
            """;

        Assert.Equal(
            ["stripe po_abc 120050 2026-03-12", "adyen batch 17 500 2026-03-12", "other  -300 2026-03-12"],
            Read(text).Select(r => $"{r.Line!.Provider} {r.Line.Reference} {r.Line.Net} {r.Line.BatchDay:yyyy-MM-dd}"));
        Assert.Contains("the closing balance says", Assert.Throws<RefusedFileException>(() => Read(text.Replace("1302,50", "1302,49", StringComparison.Ordinal))).Message, StringComparison.Ordinal);
        var spoiled = Read(text.Replace("C5,N", "C5NN", StringComparison.Ordinal));
        Assert.Equal(":61: is no entry at 9", spoiled.Where(r => r.Rejection is not null).Select(r => $"{r.Rejection!.Column} {r.Rejection.Reason} at {r.Number}").Single());
    }

    [Fact]
    public void Balance_transactions_of_the_api_are_read_like_the_report()
    {
        var line = Line(Read("""
            {"payout":"po_1","arrival_date":1773273600}
            {"id":"txn_1","type":"charge","currency":"usd","amount":1000,"fee":59,"net":941,"created":1773133200,"source":{"id":"ch_1","payment_intent":"pi_1","currency":"usd","amount":1000}}
            """));

        Assert.Equal(("pi_1", 1000L, 59L, "po_1", new DateOnly(2026, 3, 12)), (line.Reference, line.Gross, line.Fee, line.Batch, line.BatchDay));
    }

    private static StatementLine Line(IReadOnlyList<LineRead> read)
    {
        Assert.True(read.Count == 1 && read[0].Line is not null, read.Count == 0 ? "nothing was read" : read[0].Rejection?.Reason);
        return read[0].Line! with { Number = 2 };
    }

    private LineRead[] Read(string text, Encoding? encoding = null, string? named = null) => files.Read(text, encoding, named);
}
