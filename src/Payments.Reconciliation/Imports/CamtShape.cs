using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Payments.Reconciliation.Imports;

/// <summary>
/// What the schema of camt.053 says of an element: how often it may come, what is in it, in which form. Neither children nor a form: what
/// is in it is not read, and not held.
/// </summary>
/// <param name="Children">In the schema's order; of a choice, those of which it has one.</param>
internal sealed partial record Shape(string Name, int Least, int Most, Shape[]? Children = null, Func<string, bool>? Form = null, bool IsChoice = false)
{
    private const int Many = int.MaxValue;

    private static readonly Shape[] Code = [new("Cd", 1, 1, Form: UpTo(4)), new("Prtry", 1, 1, Form: UpTo(35))];
    private static readonly Shape[] Day = [new("Dt", 1, 1, Form: IsDate), new("DtTm", 1, 1, Form: IsTime)];

    private static readonly Shape Identification = new("Id", 1, 1, IsChoice: true, Children:
    [
        new("IBAN", 1, 1, Form: text => Iban().IsMatch(text)),
        new("Othr", 1, 1, [new("Id", 1, 1, Form: UpTo(34)), new("SchmeNm", 0, 1), new("Issr", 0, 1, Form: UpTo(35))]),
    ]);

    public static readonly Shape[] Header =
    [
        new("MsgId", 1, 1, Form: UpTo(35)), new("CreDtTm", 1, 1, Form: IsTime), new("MsgRcpt", 0, 1), new("MsgPgntn", 0, 1), new("OrgnlBizQry", 0, 1), new("AddtlInf", 0, 1, Form: UpTo(500)),
    ];

    public static readonly Shape[] Statement =
    [
        new("Id", 1, 1, Form: UpTo(35)), new("StmtPgntn", 0, 1), new("ElctrncSeqNb", 0, 1, Form: IsNumber), new("RptgSeq", 0, 1), new("LglSeqNb", 0, 1, Form: IsNumber),
        new("CreDtTm", 0, 1, Form: IsTime), new("FrToDt", 0, 1, [new("FrDtTm", 1, 1, Form: IsTime), new("ToDtTm", 1, 1, Form: IsTime)]),
        new("CpyDplctInd", 0, 1, Form: text => text is "CODU" or "COPY" or "DUPL"), new("RptgSrc", 0, 1, Code, IsChoice: true),
        new("Acct", 1, 1, [Identification, new("Tp", 0, 1), new("Ccy", 0, 1, Form: IsCurrency), new("Nm", 0, 1, Form: UpTo(70)), new("Prxy", 0, 1), new("Ownr", 0, 1), new("Svcr", 0, 1)]),
        new("RltdAcct", 0, 1), new("Intrst", 0, Many),
        new("Bal", 1, Many), new("TxsSummry", 0, 1), new("Ntry", 0, Many), new("AddtlStmtInf", 0, 1, Form: UpTo(500)),
    ];

    public static readonly Shape[] Balance =
    [
        new("Tp", 1, 1, [new("CdOrPrtry", 1, 1, Code, IsChoice: true), new("SubTp", 0, 1, Code, IsChoice: true)]), new("CdtLine", 0, Many), new("Amt", 1, 1), new("CdtDbtInd", 1, 1),
        new("Dt", 1, 1, Day, IsChoice: true), new("Avlbty", 0, Many),
    ];

    private static readonly Shape[] Entry =
    [
        new("NtryRef", 0, 1, Form: UpTo(35)), new("Amt", 1, 1), new("CdtDbtInd", 1, 1), new("RvslInd", 0, 1, Form: IsTrueOrFalse), new("Sts", 1, 1, Code, IsChoice: true),
        new("BookgDt", 0, 1, Day, IsChoice: true), new("ValDt", 0, 1, Day, IsChoice: true), new("AcctSvcrRef", 0, 1, Form: UpTo(35)), new("Avlbty", 0, Many),
        new("BkTxCd", 1, 1, [new("Domn", 0, 1), new("Prtry", 0, 1)]), new("ComssnWvrInd", 0, 1, Form: IsTrueOrFalse), new("AddtlInfInd", 0, 1), new("AmtDtls", 0, 1), new("Chrgs", 0, 1),
        new("TechInptChanl", 0, 1), new("Intrst", 0, 1), new("CardTx", 0, 1), new("NtryDtls", 0, Many), new("AddtlNtryInf", 0, 1, Form: UpTo(500)),
    ];

    // In between, the status became a choice: it is held to its codes alone.
    private static readonly Shape[] EntryBeforeVersion8 = [.. Entry.Select(e => e.Name == "Sts" ? new("Sts", 1, 1) : e)];

    // The older version, which banks still send: charges and interest one by one, and a status that is its code.
    private static readonly Shape[] EntryInVersion2 =
    [
        .. Entry.Where(e => e.Name != "CardTx").Select(e => e.Name switch
        {
            "Chrgs" or "Intrst" => e with { Most = Many },
            "Sts" => new("Sts", 1, 1, Form: text => text is "BOOK" or "PDNG" or "INFO"),
            _ => e,
        }),
    ];

    /// <summary>An entry in the version that the namespace names.</summary>
    public static Shape[] EntryIn(string space)
    {
        ArgumentNullException.ThrowIfNull(space);
        return space[^2..] switch
        {
            "02" => EntryInVersion2,
            "03" or "04" or "05" or "06" or "07" => EntryBeforeVersion8,
            _ => Entry,
        };
    }

    /// <summary>Holds what is in the element.</summary>
    /// <exception cref="RefusedFileException">It is not as the schema has it.</exception>
    public void Hold(XElement element, long line)
    {
        ArgumentNullException.ThrowIfNull(element);
        if (Children is not null)
        {
            Hold(element, Children, line, IsChoice);
        }
        else if (Form is not null && (element.HasElements || !Form(element.Value.Trim())))
        {
            throw new RefusedFileException(line, $"{Name} in {element.Parent?.Name.LocalName ?? "Stmt"} has not the form that it must have");
        }
    }

    /// <summary>Holds the children of an element, and theirs.</summary>
    public static void Hold(XElement element, Shape[] children, long line, bool isChoice = false)
    {
        ArgumentNullException.ThrowIfNull(element);
        if (element.Nodes().OfType<XText>().Any(t => !string.IsNullOrWhiteSpace(t.Value)))
        {
            throw new RefusedFileException(line, $"text is not expected here in {element.Name.LocalName}");
        }

        var order = new ChildOrder(element.Name.LocalName, element.Name.NamespaceName, children);
        foreach (var child in element.Elements())
        {
            (isChoice ? order.Among(child.Name.LocalName, child.Name.NamespaceName, line) : order.Next(child.Name.LocalName, child.Name.NamespaceName, line)).Hold(child, line);
        }

        if (!isChoice)
        {
            order.End(line);
        }
        else if (element.Elements().Count() != 1)
        {
            throw new RefusedFileException(line, $"one of {string.Join(", ", children.Select(c => c.Name))} is expected in {element.Name.LocalName}");
        }
    }

    /// <summary>A date, with a zone or without: the day that is written there.</summary>
    public static DateOnly? DayOf(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return DateOrTime().IsMatch(text) && DateOnly.TryParseExact(text[..10], "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day) ? day : null;
    }

    public static bool IsCurrency(string text) => text.Length == 3 && text.All(char.IsAsciiLetterUpper);

    private static bool IsDate(string text) => !text.Contains('T', StringComparison.Ordinal) && DayOf(text) is not null;

    private static bool IsTime(string text) =>
        DayOf(text) is not null && text.Length >= 19 && text[10] == 'T' && TimeOnly.TryParseExact(text[11..19], "HH:mm:ss", CultureInfo.InvariantCulture, DateTimeStyles.None, out _);

    private static bool IsNumber(string text) => WholeNumber().IsMatch(text);

    private static bool IsTrueOrFalse(string text) => text is "true" or "false" or "1" or "0";

    private static Func<string, bool> UpTo(int length) => text => text.Length >= 1 && text.Length <= length;

    [GeneratedRegex(@"^[A-Z]{2}[0-9]{2}[a-zA-Z0-9]{1,30}$", RegexOptions.CultureInvariant)]
    private static partial Regex Iban();

    [GeneratedRegex(@"^[+-]?[0-9]{1,18}(\.0*)?$", RegexOptions.CultureInvariant)]
    private static partial Regex WholeNumber();

    [GeneratedRegex(@"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}:[0-9]{2})?$", RegexOptions.CultureInvariant)]
    private static partial Regex DateOrTime();
}
