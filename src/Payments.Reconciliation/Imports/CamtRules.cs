using System.Xml.Linq;
using Payments.Core;

namespace Payments.Reconciliation.Imports;

/// <summary>Holds the children of an element to the schema's sequence.</summary>
internal sealed class ChildOrder(string parent, string space, Shape[] sequence)
{
    private int at;
    private int times;

    /// <summary>The next child of a sequence.</summary>
    public Shape Next(string name, string ofSpace, long line)
    {
        OfTheSchema(name, ofSpace, line);
        while (sequence[at].Name != name)
        {
            Leave(line);
            if (++at == sequence.Length)
            {
                throw NotExpected(name, line);
            }

            times = 0;
        }

        if (++times > sequence[at].Most)
        {
            throw new RefusedFileException(line, $"{name} comes too often in {parent}");
        }

        return sequence[at];
    }

    /// <summary>A child of a choice.</summary>
    public Shape Among(string name, string ofSpace, long line)
    {
        OfTheSchema(name, ofSpace, line);
        return Array.Find(sequence, s => s.Name == name) ?? throw NotExpected(name, line);
    }

    public void End(long line)
    {
        for (; at < sequence.Length; at++, times = 0)
        {
            Leave(line);
        }
    }

    private void OfTheSchema(string name, string ofSpace, long line)
    {
        if (ofSpace != space)
        {
            throw new RefusedFileException(line, $"{name} in {parent} is of another namespace");
        }
    }

    private RefusedFileException NotExpected(string name, long line) => new(line, $"{name} is not expected here in {parent}");

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

    private (Currency Currency, long Amount)? Opening => stated.TryGetValue("OPBD", out var opening) || stated.TryGetValue("PRCD", out opening) ? opening : null;

    /// <summary>An entry could not be read: then the closing balance cannot come out, and says nothing.</summary>
    public bool Uncertain { get; set; }

    public void Add(XElement balance, string space, long line)
    {
        try
        {
            Shape.Hold(balance, Shape.Balance, line);
            var code = balance.Element(XName.Get("Tp", space))!.Element(XName.Get("CdOrPrtry", space))!.Value.Trim();
            stated.TryAdd(code, Camt053.AmountOf(balance, space));
        }
        catch (UnreadableException e)
        {
            throw new RefusedFileException(line, $"a balance: {e.Column} {e.Message}");
        }
    }

    public void Booked(Currency currency, long amount)
    {
        if (Opening is { } opening && !opening.Currency.Equals(currency))
        {
            throw new UnreadableException("Amt/@Ccy", "is not the currency of the account");
        }

        booked = checked(booked + amount);
    }

    public void Close(long line)
    {
        if (Opening is not { } opening || !stated.TryGetValue("CLBD", out var closing))
        {
            throw new RefusedFileException(line, "the statement needs an opening (OPBD or PRCD) and a closing (CLBD) balance");
        }

        var comesTo = checked(opening.Amount + booked);
        if (!opening.Currency.Equals(closing.Currency) || (!Uncertain && comesTo != closing.Amount))
        {
            throw new RefusedFileException(line, $"opening balance and entries come to {new Money(comesTo, opening.Currency)}, the closing balance says {new Money(closing.Amount, closing.Currency)}");
        }
    }
}
