using System.Globalization;
using System.Text;
using System.Xml;
using Payments.Core;

namespace Payments.Ledger.Payouts;

/// <param name="Id">The bank gives it back as the end-to-end id.</param>
public sealed record OrderedPayout(PayoutId Id, Money Amount, BankAccount Creditor);

/// <summary>A credit transfer initiation in one currency, as ISO 20022 pain.001.001.09. A function of its content: the same to the byte each time.</summary>
/// <param name="Debtor">Our own account.</param>
public sealed record PaymentOrder(PayoutFileId Id, DateTimeOffset MadeAt, DateOnly ExecuteOn, BankAccount Debtor, IReadOnlyList<OrderedPayout> Payouts)
{
    private const string Namespace = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09";

    private static readonly XmlWriterSettings Form = new() { Encoding = new UTF8Encoding(false), Indent = true, IndentChars = "  ", NewLineChars = "\n" };

    /// <exception cref="InvariantException">There is no payout, or they are in several currencies.</exception>
    public byte[] ToBytes()
    {
        Invariant.Holds(Payouts.Count > 0 && Payouts.All(p => p.Amount.Currency == Payouts[0].Amount.Currency), "an order has payouts of one currency");
        using var stream = new MemoryStream();
        using (var xml = XmlWriter.Create(stream, Form))
        {
            xml.WriteStartElement("Document", Namespace);
            xml.WriteStartElement("CstmrCdtTrfInitn");
            In(xml, "GrpHdr", () =>
            {
                Text(xml, "MsgId", BankReference.Of(Id));
                Text(xml, "CreDtTm", MadeAt.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
                WriteSums(xml);
                In(xml, "InitgPty", () => Text(xml, "Nm", Debtor.Name));
            });
            In(xml, "PmtInf", () => WritePayment(xml));
            xml.WriteEndElement();
            xml.WriteEndElement();
        }

        return stream.ToArray();
    }

    private void WritePayment(XmlWriter xml)
    {
        Text(xml, "PmtInfId", BankReference.Of(Id));
        Text(xml, "PmtMtd", "TRF");

        // Each transfer is an entry of its own on the statement, which is how a payout is found there.
        Text(xml, "BtchBookg", "false");
        WriteSums(xml);
        if (Payouts[0].Amount.Currency.Code == "EUR")
        {
            In(xml, "PmtTpInf", () => In(xml, "SvcLvl", () => Text(xml, "Cd", "SEPA")));
        }

        In(xml, "ReqdExctnDt", () => Text(xml, "Dt", ExecuteOn.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)));
        In(xml, "Dbtr", () => Text(xml, "Nm", Debtor.Name));
        In(xml, "DbtrAcct", () => In(xml, "Id", () => Text(xml, "IBAN", Debtor.Iban)));
        In(xml, "DbtrAgt", () => In(xml, "FinInstnId", () => Text(xml, "BICFI", Debtor.Bic)));
        Text(xml, "ChrgBr", "SLEV");
        foreach (var payout in Payouts)
        {
            In(xml, "CdtTrfTxInf", () => WriteTransfer(xml, payout));
        }
    }

    private static void WriteTransfer(XmlWriter xml, OrderedPayout payout)
    {
        In(xml, "PmtId", () => Text(xml, "EndToEndId", BankReference.Of(payout.Id)));
        In(xml, "Amt", () =>
        {
            xml.WriteStartElement("InstdAmt");
            xml.WriteAttributeString("Ccy", payout.Amount.Currency.Code);
            xml.WriteString(payout.Amount.Major());
            xml.WriteEndElement();
        });
        In(xml, "CdtrAgt", () => In(xml, "FinInstnId", () => Text(xml, "BICFI", payout.Creditor.Bic)));
        In(xml, "Cdtr", () => Text(xml, "Nm", payout.Creditor.Name));
        In(xml, "CdtrAcct", () => In(xml, "Id", () => Text(xml, "IBAN", payout.Creditor.Iban)));
        In(xml, "RmtInf", () => Text(xml, "Ustrd", "Payout " + BankReference.Of(payout.Id)));
    }

    private void WriteSums(XmlWriter xml)
    {
        Text(xml, "NbOfTxs", Payouts.Count.ToString(CultureInfo.InvariantCulture));
        Text(xml, "CtrlSum", Payouts.Aggregate(Money.Zero(Payouts[0].Amount.Currency), (sum, p) => sum + p.Amount).Major());
    }

    private static void In(XmlWriter xml, string name, Action content)
    {
        xml.WriteStartElement(name);
        content();
        xml.WriteEndElement();
    }

    private static void Text(XmlWriter xml, string name, string text) => xml.WriteElementString(name, text);
}
