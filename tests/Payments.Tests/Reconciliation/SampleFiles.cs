using System.Text;
using Payments.Reconciliation.Imports;
using Xunit;

namespace Payments.Tests.Reconciliation;

/// <summary>One small file of each format, and what reads them.</summary>
internal sealed class SampleFiles : IDisposable
{
    public const string StripeHeader = "automatic_payout_id,automatic_payout_effective_at_utc,balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,source_id,payment_intent_id,description";
    public const string AdyenHeader = "Company Account,Merchant Account,Psp Reference,Merchant Reference,Payment Method,Creation Date,TimeZone,Type,Modification Reference,Gross Currency,Gross Debit (GC),Gross Credit (GC),Exchange Rate,Net Currency,Net Debit (NC),Net Credit (NC),Commission (NC),Markup (NC),Scheme Fees (NC),Interchange (NC),Batch Number";

    private readonly string directory = Directory.CreateTempSubdirectory("payments-formats-").FullName;
    private int files;

    public static string Stripe { get; } = StripeHeader + "\n"
        + string.Concat(Enumerable.Range(1, 6).Select(n => $"po_1,2026-03-12 00:00:00,txn_{n},2026-03-10 09:00:00,usd,10.00,0.59,9.41,charge,ch_{n},pi_{n},Socks {n}\n"));

    public static string Adyen { get; } = AdyenHeader + "\n"
        + string.Concat(Enumerable.Range(1, 6).Select(n => $"Co,Shop,PSP{n},ref,visa,2026-03-10 10:00:00,CET,Settled,MOD{n},EUR,,10.00,1,EUR,,9.80,,0.10,0.05,0.05,3\n"));

    public static string BalanceTransactions { get; } = "{\"payout\":\"po_1\",\"arrival_date\":1773273600}\n"
        + string.Concat(Enumerable.Range(1, 6).Select(n =>
            $"{{\"id\":\"txn_{n}\",\"type\":\"charge\",\"currency\":\"usd\",\"amount\":1000,\"fee\":59,\"net\":941,\"created\":1773133200,\"source\":{{\"id\":\"ch_{n}\",\"payment_intent\":\"pi_{n}\",\"currency\":\"usd\",\"amount\":1000}}}}\n"));

    public static string Mt940 { get; } = ":20:S\r\n:25:DE02/1\r\n:28C:1/1\r\n:60F:C260311EUR100,\r\n:61:2603120312C5,NTRFNONREF\r\n:86:ADYEN BATCH 17\r\n:61:2603120312D2,50NTRFNONREF\r\n:86:FEE\r\n:62F:C260312EUR102,50\r\n-\r\n";

    public void Dispose() => Directory.Delete(directory, recursive: true);

    public LineRead[] Read(string text, Encoding? encoding = null, string? named = null)
    {
        encoding ??= new UTF8Encoding(false);
        return Read([.. encoding.GetPreamble(), .. encoding.GetBytes(text)], named);
    }

    public LineRead[] Read(byte[] bytes, string? named = null)
    {
        var path = Path.Combine(directory, $"file{++files}");
        File.WriteAllBytes(path, bytes);
        var file = StatementFile.Open(path);
        var format = StatementFormat.Of(file, named);
        Assert.NotEmpty(format.NameIn(file));
        LineRead[] read = [.. format.Read(file)];
        File.Delete(path);
        return read;
    }

    public static string Camt(string sign, string amount) => $"""
        <?xml version="1.0" encoding="UTF-8"?>
        <Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>
        <GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-03-13T20:00:00Z</CreDtTm></GrpHdr>
        <Stmt><Id>S1</Id><CreDtTm>2026-03-13T20:00:00Z</CreDtTm><Acct><Id><IBAN>DE021203</IBAN></Id></Acct>
        <Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">100.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-03-12</Dt></Dt></Bal>
        <Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">1302.50</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-03-13</Dt></Dt></Bal>
        <Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-03-12</Dt></BookgDt><BkTxCd/><NtryDtls><TxDtls><Refs><EndToEndId>po_abc</EndToEndId></Refs></TxDtls></NtryDtls></Ntry>
        <Ntry><Amt Ccy="EUR">5.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><DtTm>2026-03-12T23:30:00+01:00</DtTm></BookgDt><BkTxCd/><NtryDtls><TxDtls><RmtInf><Ustrd>ADYEN N.V. BATCH 17</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>
        <Ntry><Amt Ccy="EUR">9.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>PDNG</Cd></Sts><BkTxCd/></Ntry>
        <Ntry><Amt Ccy="EUR">3.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-03-13</Dt></BookgDt><BkTxCd/><AddtlNtryInf>Account fee</AddtlNtryInf></Ntry>
        </Stmt></BkToCstmrStmt></Document>
        """;
}
