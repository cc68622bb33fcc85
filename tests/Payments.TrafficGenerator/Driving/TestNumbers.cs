using Payments.Simulators.Cards;
using Payments.TrafficGenerator.Population;

namespace Payments.TrafficGenerator.Driving;

/// <summary>
/// Test card numbers for the cards of a stream: a distinct one for each card, of its country where the simulators have numbers of it,
/// that acts as the issuer does in the stream.
/// </summary>
internal static class TestNumbers
{
    private static readonly Dictionary<string, string> ByCountry = TestCards.All
        .Where(c => c is { StripeName.Length: 10, Behaviour: "succeeds" } && c.Number.StartsWith("400000", StringComparison.Ordinal))
        .GroupBy(c => c.Country).ToDictionary(g => g.Key, g => g.First().Number[..9]);

    public static string Of(TrafficPayment payment)
    {
        var prefix = payment.Decline switch
        {
            null => payment.Card.Country != "US" && ByCountry.TryGetValue(payment.Card.Country, out var country) ? country : payment.Card.Brand == "mastercard" ? "555555" : "424242",
            "insufficient_funds" => "400097",
            _ => "400098",
        };

        // Past the numbers of the vendors' own cards, which act in ways of their own.
        return TestCards.InRange(prefix, 100_000 + PlaceOf(payment.Card));
    }

    private static long PlaceOf(Card card) => Convert.ToInt64(card.Fingerprint[..12], 16) % 800_000;
}
