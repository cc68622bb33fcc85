using System.Text;
using System.Xml.Linq;
using Payments.Core;
using Payments.Ledger.Payouts;
using Xunit;

namespace Payments.Tests.Ledger;

public sealed class PaymentOrderTests
{
    private static readonly PayoutFileId File = new(new Guid("018f0000-0000-7000-8000-000000000001"));
    private static readonly PayoutId First = new(new Guid("018f0000-0000-7000-8000-000000000002"));
    private static readonly PayoutId Second = new(new Guid("018f0000-0000-7000-8000-000000000003"));

    [Theory]
    [InlineData("DE89370400440532013000", true)]
    [InlineData("GB82WEST12345698765432", true)]
    [InlineData("NO9386011117947", true)]
    [InlineData("MT84MALT011000012345MTLCAST001S", true)]
    [InlineData("DE88370400440532013000", false)]
    [InlineData("DE89370400440532013001", false)]
    [InlineData("de89370400440532013000", false)]
    [InlineData("DE89 3704 0044 0532 0130 00", false)]
    [InlineData("DE89", false)]
    [InlineData("", false)]
    public void An_iban_is_accepted_by_its_check_digits(string iban, bool accepted) => Assert.Equal(accepted, BankAccount.IsIban(iban));

    [Fact]
    public void A_bank_account_does_not_print_itself()
    {
        var account = new BankAccount("Ada's Mugs", "DE89370400440532013000", "COBADEFFXXX");
        Assert.Equal("bank account …3000", account.ToString());
        Assert.Equal([null, "name", "iban", "bic"], new[] { account, account with { Name = "" }, account with { Iban = "DE1" }, account with { Bic = "COBA" } }.Select(a => a.Fault));
    }

    [Fact]
    public void An_order_is_a_credit_transfer_initiation_and_the_same_to_the_byte_each_time()
    {
        var bytes = Order().ToBytes();
        Assert.Equal(bytes, Order().ToBytes());
        XNamespace ns = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09";
        var root = XDocument.Parse(Encoding.UTF8.GetString(bytes)).Root!.Element(ns + "CstmrCdtTrfInitn")!;
        Assert.Equal((BankReference.Of(File), "2", "1030.05"), (root.Element(ns + "GrpHdr")!.Element(ns + "MsgId")!.Value, root.Element(ns + "GrpHdr")!.Element(ns + "NbOfTxs")!.Value, root.Element(ns + "GrpHdr")!.Element(ns + "CtrlSum")!.Value));
        // The schema asks for this order.
        Assert.Equal(
            ["PmtInfId", "PmtMtd", "BtchBookg", "NbOfTxs", "CtrlSum", "PmtTpInf", "ReqdExctnDt", "Dbtr", "DbtrAcct", "DbtrAgt", "ChrgBr", "CdtTrfTxInf", "CdtTrfTxInf"],
            root.Element(ns + "PmtInf")!.Elements().Select(e => e.Name.LocalName));
        var transfer = root.Element(ns + "PmtInf")!.Elements(ns + "CdtTrfTxInf").First();
        Assert.Equal(["PmtId", "Amt", "CdtrAgt", "Cdtr", "CdtrAcct", "RmtInf"], transfer.Elements().Select(e => e.Name.LocalName));
        Assert.Equal((BankReference.Of(First), "1000.05", "EUR", "Ä & <Söhne>"),
            (transfer.Descendants(ns + "EndToEndId").Single().Value, transfer.Descendants(ns + "InstdAmt").Single().Value, transfer.Descendants(ns + "InstdAmt").Single().Attribute("Ccy")!.Value, transfer.Element(ns + "Cdtr")!.Value));
        // What banks take as a reference.
        Assert.All(root.Descendants().Where(e => e.Name.LocalName is "MsgId" or "PmtInfId" or "EndToEndId"), e => Assert.Matches("^[A-Za-z0-9/?:().,'+ -]{1,35}$", e.Value));
    }

    // currency, minor units: of two, no and three decimals, and the largest amount that there may be
    [Theory]
    [InlineData("EUR", 100_005)]
    [InlineData("JPY", 5)]
    [InlineData("KWD", 1_234_567)]
    [InlineData("USD", 1_000_000_000_000)]
    public void An_order_keeps_the_rules_of_its_schema(string currency, long amount)
    {
        Assert.Empty(PainSchema.Faults(Order(currency, amount).ToBytes()));
        var name = new BankAccount(new string('x', 141), "DE89370400440532013000", "COBADEFFXXX");
        Assert.NotEmpty(PainSchema.Faults((Order(currency, amount) with { Debtor = name }).ToBytes()));
        Assert.NotEmpty(PainSchema.Faults(Bytes(Encoding.UTF8.GetString(Order(currency, amount).ToBytes()).Replace("<ChrgBr>SLEV</ChrgBr>", "", StringComparison.Ordinal).Replace("<PmtMtd>", "<ChrgBr>SLEV</ChrgBr><PmtMtd>", StringComparison.Ordinal))));
    }

    [Theory]
    [InlineData("ACSC", PayoutState.Paid)]
    [InlineData("ACCC", PayoutState.Paid)]
    [InlineData("RJCT", PayoutState.Failed)]
    [InlineData("ACSP", null)]
    [InlineData("PDNG", null)]
    [InlineData("????", null)]
    public void A_status_report_tells_each_payout_or_all_of_a_file(string status, PayoutState? state)
    {
        var one = PaymentStatusReport.Read(Bytes(Report($"<TxInfAndSts><OrgnlEndToEndId>{BankReference.Of(Second)}</OrgnlEndToEndId><TxSts>{status}</TxSts><StsRsnInf><Rsn><Cd>AC04</Cd></Rsn></StsRsnInf></TxInfAndSts>", "ACTC")));
        Assert.Equal((File, new ReportedPayout(Second, state, "AC04")), (one!.File, Assert.Single(one.Payouts)));
        var all = PaymentStatusReport.Read(Bytes(Report("", status)));
        Assert.Equal(new ReportedPayout(null, state, ""), Assert.Single(all!.Payouts));
    }

    [Theory]
    [InlineData("")]
    [InlineData("<Document>")]
    [InlineData("<!DOCTYPE d [<!ENTITY e 'x'>]><Document>&e;</Document>")]
    [InlineData("<Document><OrgnlGrpInfAndSts><OrgnlMsgId>another's</OrgnlMsgId></OrgnlGrpInfAndSts></Document>")]
    public void What_is_no_report_about_a_file_of_ours_is_none(string document) => Assert.Null(PaymentStatusReport.Read(Bytes(document)));

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string Report(string transactions, string status) => $"""
        <?xml version="1.0" encoding="UTF-8"?>
        <Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt><GrpHdr><MsgId>x</MsgId></GrpHdr>
        <OrgnlGrpInfAndSts><OrgnlMsgId>{BankReference.Of(File).ToUpperInvariant()}</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId><GrpSts>{status}</GrpSts></OrgnlGrpInfAndSts>
        <OrgnlPmtInfAndSts><OrgnlPmtInfId>{BankReference.Of(File)}</OrgnlPmtInfId>{transactions}</OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>
        """;

    private static PaymentOrder Order(string currency, long amount) => Order() with { Payouts = [new(First, new Money(amount, Currency.Of(currency)), new("Mugs", "NO9386011117947", "DNBANOKK"))] };

    private static PaymentOrder Order() => new(
        File, new DateTimeOffset(2026, 11, 28, 10, 0, 0, TimeSpan.Zero), new DateOnly(2026, 11, 30), new("Payments Ltd", "GB82WEST12345698765432", "WESTGB2L"),
        [
            new(First, new Money(100_005, Currency.Of("EUR")), new("Ä & <Söhne>", "DE89370400440532013000", "COBADEFFXXX")),
            new(Second, new Money(3_000, Currency.Of("EUR")), new("Mugs", "NO9386011117947", "DNBANOKK")),
        ]);
}
