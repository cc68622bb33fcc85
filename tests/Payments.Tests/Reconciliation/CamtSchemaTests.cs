using System.Xml.Linq;
using Payments.Reconciliation.Imports;
using Xunit;

namespace Payments.Tests.Reconciliation;

/// <summary>Everything that can be wrong with one element of a bank statement: the reader takes what the schema allows, and nothing else.</summary>
public sealed class CamtSchemaTests : IDisposable
{
    private const string Whole = """
        <Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>
        <GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-03-13T20:00:00.123+01:00</CreDtTm><AddtlInf>Of the bank</AddtlInf></GrpHdr>
        <Stmt><Id>S1</Id><ElctrncSeqNb>71</ElctrncSeqNb><CreDtTm>2026-03-13T20:00:00Z</CreDtTm><FrToDt><FrDtTm>2026-03-12T00:00:00</FrDtTm><ToDtTm>2026-03-13T23:59:59</ToDtTm></FrToDt>
        <CpyDplctInd>DUPL</CpyDplctInd><RptgSrc><Prtry>C53F</Prtry></RptgSrc>
        <Acct><Id><Othr><Id>0202051</Id><Issr>Bank</Issr></Othr></Id><Tp><Cd>CACC</Cd></Tp><Ccy>EUR</Ccy><Nm>Payments Ltd</Nm></Acct>
        <Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry><SubTp><Cd>ADJT</Cd></SubTp></Tp><CdtLine><Incl>false</Incl></CdtLine><Amt Ccy="EUR">100.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-03-12</Dt></Dt></Bal>
        <Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">104.5</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><DtTm>2026-03-13T18:00:00+01:00</DtTm></Dt></Bal>
        <Ntry><NtryRef>1</NtryRef><Amt Ccy="EUR">5.50</Amt><CdtDbtInd>CRDT</CdtDbtInd><RvslInd>false</RvslInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-03-12</Dt></BookgDt><ValDt><Dt>2026-03-13Z</Dt></ValDt>
        <AcctSvcrRef>B1</AcctSvcrRef><BkTxCd><Prtry><Cd>NTRF</Cd></Prtry></BkTxCd><NtryDtls><TxDtls><RmtInf><Ustrd>ADYEN BATCH 17</Ustrd></RmtInf></TxDtls></NtryDtls><AddtlNtryInf>Credit</AddtlNtryInf></Ntry>
        <Ntry><Amt Ccy="EUR">1</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><DtTm>2026-03-13T23:30:00+01:00</DtTm></BookgDt><BkTxCd/></Ntry>
        <AddtlStmtInf>The end</AddtlStmtInf></Stmt>
        <Stmt><Id>S2</Id><Acct><Id><IBAN>DE021203</IBAN></Id></Acct>
        <Bal><Tp><CdOrPrtry><Cd>PRCD</Cd></CdOrPrtry></Tp><Amt Ccy="USD">0</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-03-12</Dt></Dt></Bal>
        <Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="USD">0.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Dt><Dt>2026-03-13</Dt></Dt></Bal></Stmt></BkToCstmrStmt></Document>
        """;

    // Beyond the schema a statement's balances come out, its currency is accepted and has so many decimals, its entries are booked or are not yet.
    private static readonly string[] BeyondTheSchema =
    [
        "opening balance and entries come to", "the statement needs an opening (OPBD or PRCD) and a closing (CLBD) balance", "is no currency that is accepted", "has more decimals than",
        "is no status", "is not the currency of the account", "BookgDt is missing",
    ];

    private static readonly string[] Texts =
    [
        "", "x", "EUR", "eur", "EURO", "-1.00", "1,00", "1.123456", "1.234", "1234567890123456789", "2026-02-30", "2026-03-12", "2026-03-12T25:00:00", "2026-03-12T10:00:00Z", "12.03.2026", "BOOK", "BOOKED", "CRDT", "PLUS",
        "true", "yes", "DE021203", "de021203", new('a', 35), new('a', 36), new('a', 501),
    ];

    private static readonly XDocument Read = XDocument.Parse(Whole);

    private readonly SampleFiles files = new();

    public void Dispose() => files.Dispose();

    [Fact]
    public void Whatever_is_done_to_one_element_the_reader_refuses_it_exactly_when_the_schema_does()
    {
        var (tried, refused, wrong) = (0, 0, new List<string>());
        foreach (var (what, document) in Altered())
        {
            tried++;
            var (allowed, reason) = (CamtSchema.Allows(document), ReasonOf(document));
            refused += allowed ? 0 : 1;
            if (allowed ? reason is not null && !BeyondTheSchema.Any(b => reason.Contains(b, StringComparison.Ordinal)) : reason is null)
            {
                wrong.Add($"{what}: the schema {(allowed ? "allows" : "refuses")} it, the reader says '{reason}'");
            }
        }

        Assert.Empty(wrong);
        Assert.True(tried > 1_500 && refused > 1_000 && refused < tried, $"{refused} of {tried} are refused");
    }

    [Fact]
    public void The_document_itself_is_read()
    {
        Assert.True(CamtSchema.Allows(Read));
        Assert.Equal([(550L, new DateOnly(2026, 3, 12)), (-100L, new DateOnly(2026, 3, 13))], files.Read(Whole).Select(r => (r.Line!.Net, r.Line.BatchDay!.Value)));
    }

    /// <summary>Each element left out, doubled, first, renamed, of another namespace, with text among its children, with each of the texts.</summary>
    private static IEnumerable<(string What, XDocument Document)> Altered()
    {
        var count = Read.Descendants().Count();
        for (var i = 2; i < count; i++)
        {
            foreach (var (what, alter) in Alterations())
            {
                var document = new XDocument(Read);
                var element = document.Descendants().ElementAt(i);
                if (!element.Ancestors().Any(IsFree) && alter(element))
                {
                    yield return ($"{element.Name.LocalName} in {element.Parent?.Name.LocalName} {what}", document);
                }
            }
        }
    }

    // What is in these is anything.
    private static bool IsFree(XElement element) => (element.Parent?.Name.LocalName, element.Name.LocalName) is (_, "NtryDtls" or "CdtLine") or ("Acct", "Tp") or ("BkTxCd", "Prtry");

    private static IEnumerable<(string What, Func<XElement, bool> Alter)> Alterations()
    {
        yield return ("is left out", e => { e.Remove(); return true; });
        yield return ("comes twice", e => { e.AddAfterSelf(new XElement(e)); return true; });
        yield return ("comes first", ComesFirst);
        yield return ("is renamed", e => { e.Name = e.Name.Namespace + "Xx"; return true; });
        yield return ("is of another namespace", e => { e.Name = "{urn:other}" + e.Name.LocalName; return true; });
        yield return ("has text among its children", e => { e.Add("text"); return e.HasElements && !IsFree(e); });
        yield return ("has a child", e => { e.Add(new XElement(e.Name.Namespace + "Xx")); return e.Elements().Count() == 1 && !IsFree(e); });
        foreach (var text in Texts)
        {
            yield return ($"says '{text}'", e => Says(e, text));
            yield return ($"has the currency '{text}'", e => { e.SetAttributeValue("Ccy", text); return e.Name.LocalName == "Amt"; });
        }

        yield return ("has no currency", e => { e.RemoveAttributes(); return e.Name.LocalName == "Amt"; });
    }

    private static bool ComesFirst(XElement element)
    {
        var parent = element.Parent!;
        var moves = parent.Elements().First() != element;
        element.Remove();
        parent.AddFirst(element);
        return moves;
    }

    private static bool Says(XElement element, string text)
    {
        if (element.HasElements)
        {
            return false;
        }

        element.Value = text;
        return true;
    }

    /// <summary>Null: every entry was read.</summary>
    private string? ReasonOf(XDocument document)
    {
        try
        {
            return files.Read(document.ToString(), named: Camt053.Format).Where(r => r.Rejection is not null).Select(r => $"{r.Rejection!.Column} {r.Rejection.Reason}").FirstOrDefault();
        }
        catch (RefusedFileException e)
        {
            Assert.True(e.Line >= 1);
            return e.Message;
        }
    }
}
