using System.Collections.Frozen;
using Payments.Core;
using Payments.Simulators.Books;
using Payments.Simulators.Cards;
using Payments.Simulators.Disputes;

namespace Payments.Simulators.Settlement;

internal enum SettledKind
{
    Capture,
    Refund,
    RefundReversal,
    Chargeback,
    SecondChargeback,
    ChargebackReversal,
}

/// <summary>Money that a provider moved, as it settles it: one line of its report.</summary>
/// <param name="Payment">Stripe's payment intent, Adyen's PSP reference.</param>
/// <param name="Reference">The movement's own: charge or refund at Stripe, the modification at Adyen.</param>
/// <param name="Amount">Signed, minor units.</param>
/// <param name="Fee">What the provider keeps.</param>
/// <param name="Rate">Into <paramref name="PaidOutIn"/>; null where it is paid out as it was taken.</param>
internal sealed record SettledMovement(
    SettledKind Kind, string Transaction, string Payment, string Reference, string? MerchantReference, string Brand, Currency Currency, long Amount, long Fee, DateTimeOffset At,
    Currency PaidOutIn, decimal? Rate)
{
    public long PaidGross => Rate is { } rate ? Exchanged(Amount, rate) : Amount;

    public long PaidFee => Rate is { } rate ? Exchanged(Fee, rate) : Fee;

    public long PaidNet => PaidGross - PaidFee;

    private long Exchanged(long amount, decimal rate)
    {
        var scale = 1m;
        for (var i = 0; i < Math.Abs(PaidOutIn.Exponent - Currency.Exponent); i++)
        {
            scale *= 10;
        }

        var exact = PaidOutIn.Exponent >= Currency.Exponent ? amount * rate * scale : amount * rate / scale;
        return (long)Math.Round(exact, 0, MidpointRounding.AwayFromZero);
    }
}

/// <summary>What the books of a provider come to in settlement.</summary>
internal static class SettledMovements
{
    /// <summary>Everything that moved from the first day to the last (UTC), in the order of the books.</summary>
    public static IReadOnlyList<SettledMovement> Read(BookStore books, string provider, DateOnly from, DateOnly through) => books.Read(b => Within(b, provider, from, through));

    /// <summary>The same for who holds the books already.</summary>
    public static IReadOnlyList<SettledMovement> Within(BookStore books, string provider, DateOnly from, DateOnly through)
    {
        var moved = provider == Providers.Stripe ? OfStripe(books) : OfAdyen(books).Concat(OfAdyenDisputes(books));
        return [.. moved.Where(m => DateOnly.FromDateTime(m.At.UtcDateTime) is var day && day >= from && day <= through).OrderBy(m => m.At).ThenBy(m => m.Transaction, StringComparer.Ordinal)];
    }

    private static IEnumerable<SettledMovement> OfStripe(BookStore books)
    {
        foreach (var transaction in books.BalanceTransactions.NewestFirst().Reverse())
        {
            if (transaction.Type is "dispute" or "dispute_reversal")
            {
                if (books.Disputes.Find(transaction.Source) is { } dispute && books.Charges.Find(dispute.Charge) is { } disputed && Currency.TryFind(disputed.Currency.ToUpperInvariant(), out var taken))
                {
                    var step = transaction.Type == "dispute" ? SettledKind.Chargeback : SettledKind.ChargebackReversal;
                    yield return new(step, transaction.Id, disputed.PaymentIntent ?? disputed.Id, dispute.Id, disputed.Reference, disputed.Card.Brand, taken, transaction.Amount, transaction.Fee, transaction.Created, taken, null);
                }

                continue;
            }

            var isCapture = transaction.Type == "charge";
            var charge = books.Charges.Find(isCapture ? transaction.Source : books.ChargeOfRefund.GetValueOrDefault(transaction.Source));
            if (charge is null || !Currency.TryFind(charge.Currency.ToUpperInvariant(), out var currency))
            {
                continue;
            }

            var kind = isCapture ? SettledKind.Capture : transaction.Type == "refund" ? SettledKind.Refund : SettledKind.RefundReversal;
            var fee = isCapture ? ProviderPrices.Of(Providers.Stripe, charge, currency).Of(transaction.Amount, withFixedPart: charge.BalanceTransaction == transaction.Id) : 0;
            yield return new(kind, transaction.Id, charge.PaymentIntent ?? charge.Id, transaction.Source, charge.Reference, charge.Card.Brand, currency, transaction.Amount, fee, transaction.Created, currency, null);
        }
    }

    private static IEnumerable<SettledMovement> OfAdyen(BookStore books)
    {
        foreach (var charge in books.Charges.NewestFirst().Reverse().Where(c => c.Provider == Providers.Adyen))
        {
            if (!Currency.TryFind(charge.Currency.ToUpperInvariant(), out var currency))
            {
                continue;
            }

            var isFirst = true;
            foreach (var capture in charge.Captures.Where(c => c.Status == MovementStatus.Succeeded))
            {
                var fee = ProviderPrices.Of(Providers.Adyen, charge.Card, currency).Of(capture.Amount, isFirst);
                isFirst = false;
                yield return Of(charge, capture, SettledKind.Capture, currency, capture.Amount, fee);
            }

            foreach (var refund in charge.Refunds)
            {
                // One that failed after it had succeeded is on the report twice; one that never did is not on it.
                var cameBack = refund is { Status: MovementStatus.Failed, FailureReason: "Refund Failed" };
                if (refund.Status == MovementStatus.Succeeded || cameBack)
                {
                    yield return Of(charge, refund, SettledKind.Refund, currency, -refund.Amount, 0);
                }

                if (cameBack)
                {
                    yield return Of(charge, refund, SettledKind.RefundReversal, currency, refund.Amount, 0);
                }
            }
        }
    }

    private static IEnumerable<SettledMovement> OfAdyenDisputes(BookStore books)
    {
        foreach (var dispute in books.Disputes.NewestFirst().Reverse().Where(d => d.Provider == Providers.Adyen))
        {
            if (books.Charges.Find(dispute.Charge) is { } charge && Currency.TryFind(charge.Currency.ToUpperInvariant(), out var currency))
            {
                foreach (var move in dispute.Moves)
                {
                    var kind = move.Kind switch { DisputedMoney.Withdrawn => SettledKind.Chargeback, DisputedMoney.WithdrawnAgain => SettledKind.SecondChargeback, _ => SettledKind.ChargebackReversal };
                    yield return new(kind, move.Id, charge.Id, dispute.Id, charge.Reference, charge.Card.Brand, currency, move.Amount, move.Fee, move.Created, currency, null);
                }
            }
        }
    }

    private static SettledMovement Of(Charge charge, Movement movement, SettledKind kind, Currency currency, long amount, long fee) =>
        new(kind, $"{movement.Id}:{kind}", charge.Id, movement.Id, charge.Reference, charge.Card.Brand, currency, amount, fee, movement.Created, currency, null);
}

/// <summary>The vendors' price lists, as the contracts of the simulated accounts have them.</summary>
internal static class ProviderPrices
{
    private static readonly FrozenSet<string> Europe = "AT BE BG CY CZ DE DK EE ES FI FR GB GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK".Split(' ').ToFrozenSet();

    // A debit: 0.8 %, at most 5 US dollars.
    private static readonly CappedPrice OfDebits = new(8_000, 500);

    public static Price Of(string provider, Charge charge, Currency currency) =>
        charge.Card.Bank is null ? Of(provider, charge.Card, currency) : OfDebits.Of(charge.Amount);

    public static Price Of(string provider, CardFacts card, Currency currency)
    {
        var (rate, cents) = (provider, card.Brand, card.Country, card.Funding) switch
        {
            (Providers.Stripe, _, "US", _) => (29_000, 30),
            (Providers.Stripe, _, var country, _) => (Europe.Contains(country) ? 32_500 : 44_000, 30),
            (_, "amex", _, _) => (33_000, 23),
            (_, _, "US", "debit") => (18_000, 34),
            (_, _, "US", _) => (30_500, 23),
            (_, _, var country, var funding) when Europe.Contains(country) => (funding == "debit" ? 8_000 : 9_000, 13),
            _ => (30_000, 23),
        };
        return new Price(rate, InCurrency(cents, currency));
    }

    /// <summary>What a dispute costs; Stripe gives it back with the money, Adyen does not, and takes it once.</summary>
    public static long OfDispute(string provider, Currency currency, DisputedMoney kind) => (provider, kind) switch
    {
        (Providers.Stripe, DisputedMoney.Withdrawn) => InCurrency(1_500, currency),
        (Providers.Stripe, DisputedMoney.Reinstated) => -InCurrency(1_500, currency),
        (Providers.Adyen, DisputedMoney.Withdrawn) => InCurrency(1_000, currency),
        _ => 0,
    };

    private static long InCurrency(long cents, Currency currency) => ((cents * currency.LargestPayment) + 50_000_000) / 100_000_000;
}
