using System.Xml.Linq;
using Payments.Core;

namespace Payments.Reconciliation.Imports;

/// <summary>Holds the children of an element to the schema's sequence.</summary>
internal sealed class ChildOrder(string parent, (string Name, int Least, int Most)[] sequence)
{
    private int at;
    private int times;

    public void Next(string name, long line)
    {
        while (sequence[at].Name != name)
        {
            Leave(line);
            if (++at == sequence.Length)
            {
                throw new RefusedFileException(line, $"{name} is not expected here in {parent}");
            }

            times = 0;
        }

        if (++times > sequence[at].Most)
        {
            throw new RefusedFileException(line, $"{name} comes too often in {parent}");
        }
    }

    public void End(long line)
    {
        for (; at < sequence.Length; at++, times = 0)
        {
            Leave(line);
        }
    }

    private void Leave(long line)
    {
        if (times < sequence[at].Least)
        {
            throw new RefusedFileException(line, $"{sequence[at].Name} is missing in {parent}");
        }
    }
}

/// <summary>The balances that a statement states, and what its booked entries come to.</summary>
internal sealed class CamtBalances
{
    private readonly Dictionary<string, (Currency Currency, long Amount)> stated = new(StringComparer.Ordinal);
    private long booked;

    /// <summary>An entry could not be read: then the closing balance cannot come out, and says nothing.</summary>
    public bool Uncertain { get; set; }

    public void Add(XElement balance, string space, long line)
    {
        try
        {
            var order = new ChildOrder("Bal", Camt053.OfBalance);
            foreach (var child in balance.Elements())
            {
                order.Next(child.Name.LocalName, line);
            }

            order.End(line);
            _ = Camt053.DayOf(balance.Element(XName.Get("Dt", space)), space);
            var code = balance.Element(XName.Get("Tp", space))!.Element(XName.Get("CdOrPrtry", space))?.Value.Trim() ?? throw new UnreadableException("Tp", "has no code");
            stated.TryAdd(code, Camt053.AmountOf(balance, space));
        }
        catch (UnreadableException e)
        {
            throw new RefusedFileException(line, $"a balance: {e.Column} {e.Message}");
        }
    }

    public void Booked(Currency currency, long amount)
    {
        if (stated.TryGetValue("OPBD", out var opening) && !opening.Currency.Equals(currency))
        {
            throw new UnreadableException("Amt/@Ccy", "is not the currency of the account");
        }

        booked = checked(booked + amount);
    }

    public void Close(long line)
    {
        if ((!stated.TryGetValue("OPBD", out var opening) && !stated.TryGetValue("PRCD", out opening)) || !stated.TryGetValue("CLBD", out var closing))
        {
            throw new RefusedFileException(line, "the statement needs an opening (OPBD or PRCD) and a closing (CLBD) balance");
        }

        if (!Uncertain && (!opening.Currency.Equals(closing.Currency) || checked(opening.Amount + booked) != closing.Amount))
        {
            throw new RefusedFileException(line, $"opening balance and entries come to {new Money(opening.Amount + booked, opening.Currency)}, the closing balance says {new Money(closing.Amount, closing.Currency)}");
        }
    }
}
