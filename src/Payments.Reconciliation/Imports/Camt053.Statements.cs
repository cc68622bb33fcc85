using System.Xml;
using System.Xml.Linq;

namespace Payments.Reconciliation.Imports;

public static partial class Camt053
{
    /// <summary>The statements of a file that was read before, and so is known to be well-formed.</summary>
    public static IEnumerable<BankStatement> StatementsIn(StatementFile file)
    {
        using var reader = Open(file);
        while (reader.Read())
        {
            if (reader is { NodeType: XmlNodeType.Element, LocalName: "Stmt" } && PlacedBy(reader) is { } statement)
            {
                yield return statement;
            }
        }
    }

    private static BankStatement? PlacedBy(XmlReader reader)
    {
        var (account, entries, space) = ("", 0L, reader.NamespaceURI);
        var balances = new Dictionary<string, XElement>(StringComparer.Ordinal);
        reader.Read();
        while (reader.NodeType == XmlNodeType.Element)
        {
            switch (reader.LocalName)
            {
                case "Acct":
                    account = ((XElement)XNode.ReadFrom(reader)).Descendants().FirstOrDefault(e => !e.HasElements)?.Value.Trim() ?? "";
                    break;
                case "Bal":
                    var balance = (XElement)XNode.ReadFrom(reader);
                    balances.TryAdd(balance.Element(XName.Get("Tp", space))!.Element(XName.Get("CdOrPrtry", space))!.Value.Trim(), balance);
                    break;
                case "Ntry":
                    entries++;
                    reader.Skip();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        var opening = balances.GetValueOrDefault("OPBD") ?? balances["PRCD"];
        var ((currency, opened), (_, closed)) = (AmountOf(opening, space), AmountOf(balances["CLBD"], space));
        return entries == 0 ? null : new(BankStatement.AccountOf(account, currency.Code), currency.Code, DayOf(opening), opened, DayOf(balances["CLBD"]), closed);

        DateOnly DayOf(XElement balance) => Shape.DayOf(balance.Element(XName.Get("Dt", space))!.Value.Trim()) ?? throw new RefusedFileException(1, "a balance has no date");
    }
}
