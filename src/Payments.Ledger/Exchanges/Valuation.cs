using Payments.Core;
using Payments.Ledger.Books;
using Payments.Ledger.Settlement;

namespace Payments.Ledger.Exchanges;

/// <summary>What stands on <c>fx_clearing</c> in one currency.</summary>
/// <param name="Balance">In minor units, debits less credits: positive is what exchanges took in and did not give on.</param>
/// <param name="Rate">How many major units of the book currency one is worth; null for the book currency itself.</param>
/// <param name="Worth">In minor units of the book currency.</param>
public sealed record FxPosition(string Currency, long Balance, decimal? Rate, long Worth);

/// <summary>What the open position of all exchanges is worth at our rates; a function of balances and rates alone.</summary>
/// <param name="Gain">What has been won since the last revaluation, in minor units of the book currency; negative: lost.</param>
public sealed record Valuation(Currency Book, IReadOnlyList<FxPosition> Positions, long Gain)
{
    public const string EventType = "fx.revalued";

    /// <summary>
    /// Each exchange put as much into the account in one currency as it took out in another, at the rate of its time. So at the rates of now the
    /// position is worth what rates have moved by since, and nothing once that is booked. Without a foreign balance all of it is realised.
    /// </summary>
    /// <exception cref="InvariantException">A foreign currency has no rate: callers check first.</exception>
    public static Valuation Of(Currency book, IReadOnlyDictionary<Currency, long> balances, IReadOnlyDictionary<Currency, decimal> rates)
    {
        ArgumentNullException.ThrowIfNull(balances);
        ArgumentNullException.ThrowIfNull(rates);
        var positions = balances.Where(b => b.Value != 0).OrderBy(b => b.Key.Code, StringComparer.Ordinal).Select(b =>
        {
            if (b.Key == book)
            {
                return new FxPosition(book.Code, b.Value, null, b.Value);
            }

            Invariant.Holds(rates.TryGetValue(b.Key, out var rate), "a position is valued where its rate is known");
            return new FxPosition(b.Key.Code, b.Value, rate, FxRates.Convert(b.Value, b.Key, book, rate));
        }).ToList();
        return new(book, positions, checked(-positions.Sum(p => p.Worth)));
    }

    /// <summary>After it the position is worth nothing. None where nothing was won or lost.</summary>
    public IReadOnlyList<JournalLine> Lines() =>
        [.. HouseJournal.Signed(LineKind.Revaluation, new(Account.Platform, AccountKind.FxClearing), new(Account.Platform, AccountKind.FxGainLoss), Gain, Book)];
}
