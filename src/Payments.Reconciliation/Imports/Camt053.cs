using System.Text;
using System.Xml;
using System.Xml.Linq;
using Payments.Core;

namespace Payments.Reconciliation.Imports;

/// <summary>
/// camt.053, the bank statement of ISO 20022, read entry by entry. What the schema asks for is held: namespace, the order of elements and
/// how often they may come, the forms of amounts, currencies and dates, code lists; and what it cannot say: opening balance and booked
/// entries come to the closing balance.
/// </summary>
public static partial class Camt053
{
    public const string Format = "camt053";
    private const string Namespace = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.";

    private static readonly XmlReaderSettings Safe = new()
    {
        DtdProcessing = DtdProcessing.Prohibit,
        XmlResolver = null,
        IgnoreComments = true,
        IgnoreProcessingInstructions = true,
        IgnoreWhitespace = true,
        MaxCharactersFromEntities = 1024,
        CloseInput = true,
    };

    public static bool Recognizes(string head)
    {
        ArgumentNullException.ThrowIfNull(head);
        return head.Contains(Namespace, StringComparison.Ordinal) || head.Contains("BkToCstmrStmt", StringComparison.Ordinal);
    }

    /// <summary>The account and the first statement's id.</summary>
    public static string IdentityOf(StatementFile file) => Guarded(() =>
    {
        using var reader = Open(file);
        var id = "";
        while (reader.Read())
        {
            if (reader is { NodeType: XmlNodeType.Element, LocalName: "Stmt" })
            {
                reader.Read();
                id = reader is { NodeType: XmlNodeType.Element, LocalName: "Id" } ? reader.ReadElementContentAsString() : "";
            }

            if (reader is { NodeType: XmlNodeType.Element, LocalName: "Acct" })
            {
                return $"{((XElement)XNode.ReadFrom(reader)).Descendants().FirstOrDefault(e => !e.HasElements)?.Value.Trim()} {id}";
            }
        }

        // What is missing is said when it is read.
        return id.Length > 0 ? id : file.Name;
    });

    public static IEnumerable<LineRead> Read(StatementFile file)
    {
        using var reader = Open(file);
        using var lines = Lines(reader).GetEnumerator();
        var last = 0L;
        while (Guarded(lines.MoveNext))
        {
            // A file may be one long line: entries are counted on then.
            last = Math.Max(last + 1, lines.Current.Number);
            yield return new(last, lines.Current.Line is { } line ? line with { Number = last } : null, lines.Current.Rejection);
        }
    }

    private static IEnumerable<LineRead> Lines(XmlReader reader)
    {
        if (reader.MoveToContent() != XmlNodeType.Element || reader.LocalName != "Document" || !reader.NamespaceURI.StartsWith(Namespace, StringComparison.Ordinal))
        {
            throw new RefusedFileException(LineOf(reader), $"the root is no Document of {Namespace}…");
        }

        var space = reader.NamespaceURI;
        var statements = 0;
        reader.Read();
        if (!Is(reader, "BkToCstmrStmt", space))
        {
            throw new RefusedFileException(LineOf(reader), "BkToCstmrStmt is expected");
        }

        reader.Read();
        if (!Is(reader, "GrpHdr", space))
        {
            throw new RefusedFileException(LineOf(reader), "GrpHdr is expected");
        }

        var began = LineOf(reader);
        Shape.Hold((XElement)XNode.ReadFrom(reader), Shape.Header, began);

        while (Is(reader, "Stmt", space))
        {
            statements++;
            foreach (var line in Statement(reader, space))
            {
                yield return line;
            }
        }

        if (statements == 0)
        {
            throw new RefusedFileException(LineOf(reader), "Stmt is expected");
        }

        // A statement behind anything else would be one that nobody reads.
        while (Is(reader, "SplmtryData", space))
        {
            reader.Skip();
        }

        if (reader.NodeType != XmlNodeType.EndElement)
        {
            throw new RefusedFileException(LineOf(reader), $"{(reader.NodeType == XmlNodeType.Element ? reader.LocalName : "text")} is not expected here in BkToCstmrStmt");
        }

        reader.ReadEndElement();
        reader.ReadEndElement();
        while (reader.Read())
        {
            // To the end: also what follows must be well-formed.
        }
    }

    private static IEnumerable<LineRead> Statement(XmlReader reader, string space)
    {
        var began = LineOf(reader);
        var order = new ChildOrder("Stmt", space, Shape.Statement);
        CamtBalances? balances = null;
        reader.Read();
        while (reader.NodeType == XmlNodeType.Element)
        {
            var (line, name) = (LineOf(reader), reader.LocalName);
            var shape = order.Next(name, reader.NamespaceURI, line);
            var element = (XElement)XNode.ReadFrom(reader);
            shape.Hold(element, line);
            switch (name)
            {
                case "Bal":
                    (balances ??= new()).Add(element, space, line);
                    break;
                case "Ntry":
                    if (Entry(element, space, line, balances ?? throw new RefusedFileException(line, "Bal is missing")) is { } read)
                    {
                        yield return read;
                    }

                    break;
                default:
                    break;
            }
        }

        order.End(began);
        balances!.Close(began);
        reader.ReadEndElement();
    }

    private static LineRead? Entry(XElement entry, string space, long line, CamtBalances balances)
    {
        try
        {
            Shape.Hold(entry, Shape.EntryIn(space), line);
            var (currency, amount) = AmountOf(entry, space);
            var code = entry.Element(XName.Get("Sts", space))!.Value.Trim();
            if (code is not ("BOOK" or "PDNG" or "INFO" or "FUTR"))
            {
                throw new UnreadableException("Sts", "is no status");
            }

            if (code != "BOOK")
            {
                return null; // not on the account yet
            }

            var dated = entry.Element(XName.Get("BookgDt", space)) ?? entry.Element(XName.Get("ValDt", space)) ?? throw new UnreadableException("BookgDt", "is missing");

            // A time of the bank's own clock: its date is the date on the statement, whatever the offset.
            var day = Shape.DayOf(dated.Value.Trim()) ?? throw new UnreadableException(dated.Name.LocalName, "is no date");
            var read = LineRead.Of(BankText.Line(line, currency, amount, day, Words(entry)));
            balances.Booked(currency, amount);
            return read;
        }
        catch (UnreadableException e)
        {
            balances.Uncertain = true;
            return LineRead.Rejected(line, e.Column, e.Message);
        }
        catch (RefusedFileException e)
        {
            // Inside an entry it is that entry which is wrong.
            balances.Uncertain = true;
            return LineRead.Rejected(line, null, e.Message);
        }
    }

    internal static (Currency Currency, long Amount) AmountOf(XElement parent, string space)
    {
        var element = parent.Element(XName.Get("Amt", space))!;
        var text = element.Value.Trim();
        var point = text.IndexOf('.', StringComparison.Ordinal);
        if (element.HasElements || text.Length == 0 || !text.All(c => char.IsAsciiDigit(c) || c == '.') || text.Count(char.IsAsciiDigit) > 18 || (point >= 0 && text.Length - point - 1 > 5))
        {
            throw new UnreadableException("Amt", "is not a number of 18 digits, 5 of them behind the point, without a sign");
        }

        var code = element.Attribute("Ccy")?.Value ?? "";
        var currency = Shape.IsCurrency(code) ? AmountText.CurrencyOf(code, "Amt/@Ccy") : throw new UnreadableException("Amt/@Ccy", "is no code of three capitals");
        var amount = AmountText.ParsePlain(text, currency, "Amt");
        var sign = parent.Element(XName.Get("CdtDbtInd", space))!;
        return (currency, (sign.HasElements ? "" : sign.Value.Trim()) switch
        {
            "CRDT" => amount,
            "DBIT" => -amount,
            _ => throw new UnreadableException("CdtDbtInd", "is neither CRDT nor DBIT"),
        });
    }

    private static string Words(XElement entry)
    {
        var words = new StringBuilder();
        foreach (var name in new[] { "EndToEndId", "InstrId", "Ustrd", "Ref", "Nm", "AddtlNtryInf", "AcctSvcrRef" })
        {
            foreach (var element in entry.Descendants().Where(e => e.Name.LocalName == name && !e.HasElements))
            {
                words.Append(element.Value).Append(' ');
            }
        }

        return words.ToString();
    }

    private static XmlReader Open(StatementFile file) => XmlReader.Create(file.Read(), Safe);

    private static bool Is(XmlReader reader, string name, string space) => reader.NodeType == XmlNodeType.Element && reader.LocalName == name && reader.NamespaceURI == space;

    private static long LineOf(XmlReader reader) => reader is IXmlLineInfo info && info.HasLineInfo() ? info.LineNumber : 1;

    private static T Guarded<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (XmlException e)
        {
            throw new RefusedFileException(Math.Max(1, e.LineNumber), "the XML is not well-formed");
        }
        catch (OverflowException)
        {
            throw new RefusedFileException(1, "the amounts are too large");
        }
    }
}
