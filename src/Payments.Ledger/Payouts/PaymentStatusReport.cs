using System.Xml;
using System.Xml.Linq;
using Payments.Core;

namespace Payments.Ledger.Payouts;

/// <summary>What the bank says of one payout, or (<paramref name="Payout"/> null) of all of a file.</summary>
/// <param name="State">Null: nothing final.</param>
public sealed record ReportedPayout(PayoutId? Payout, PayoutState? State, string Reason);

/// <summary>A payment status report, ISO 20022 pain.002 of any version: read by local names, without document types.</summary>
/// <param name="File">The file that it answers.</param>
public sealed record PaymentStatusReport(PayoutFileId File, IReadOnlyList<ReportedPayout> Payouts)
{
    private const int LongestReason = 200;

    private static readonly XmlReaderSettings Safe = new() { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null };

    // The final ones; what is accepted or pending is told again.
    private static PayoutState? StateOf(string? status) => status switch
    {
        "ACSC" or "ACCC" => PayoutState.Paid,
        "RJCT" or "CANC" => PayoutState.Failed,
        _ => null,
    };

    /// <summary>Null where it is not one, or not about a file of ours.</summary>
    public static PaymentStatusReport? Read(byte[] document)
    {
        XDocument xml;
        try
        {
            using var reader = XmlReader.Create(new MemoryStream(document), Safe);
            xml = XDocument.Load(reader);
        }
        catch (XmlException)
        {
            return null;
        }

        var group = Descendant(xml.Root, "OrgnlGrpInfAndSts");
        if (!BankReference.TryRead<PayoutFileId>(Descendant(group, "OrgnlMsgId")?.Value, out var file))
        {
            return null;
        }

        var reported = new List<ReportedPayout>();
        foreach (var transaction in xml.Descendants().Where(e => e.Name.LocalName == "TxInfAndSts"))
        {
            if (!BankReference.TryRead<PayoutId>(Descendant(transaction, "OrgnlEndToEndId")?.Value, out var payout))
            {
                return null;
            }

            reported.Add(new(payout, StateOf(Descendant(transaction, "TxSts")?.Value), ReasonOf(transaction)));
        }

        if (reported.Count == 0)
        {
            var status = Descendant(group, "GrpSts") ?? Descendant(xml.Root, "PmtInfSts");
            reported.Add(new(null, StateOf(status?.Value), ReasonOf(xml.Root!)));
        }

        return new(file, reported);
    }

    private static XElement? Descendant(XElement? element, string name) => element?.Descendants().FirstOrDefault(e => e.Name.LocalName == name);

    private static string ReasonOf(XElement element) =>
        Descendant(Descendant(element, "StsRsnInf"), "Cd")?.Value is { Length: > 0 and <= LongestReason } code ? code : "";
}
