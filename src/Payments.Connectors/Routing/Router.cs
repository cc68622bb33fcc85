using System.Buffers.Binary;
using System.Security.Cryptography;
using Payments.Core;

namespace Payments.Connectors;

/// <summary>What the router is asked about one payment.</summary>
/// <param name="TokenisedAt">Providers that hold the card.</param>
/// <param name="Preferred">The merchant's own choice, which comes before cost and split.</param>
public sealed record RouteQuestion(
    PaymentId PaymentId,
    Mode Mode,
    Money Amount,
    string? Brand,
    string? Country,
    string? Funding,
    IReadOnlyCollection<Provider> TokenisedAt,
    Provider? Preferred);

/// <summary>How a provider stands at the moment of the question. Providers without credentials in this mode are absent.</summary>
public sealed record ProviderStanding(Provider Provider, CircuitState State, int SharePercent);

/// <param name="Reason">preferred, cheapest, warm_traffic, ramp, fallback.</param>
public sealed record RouteCandidate(Provider Provider, string Reason, long EstimatedCostMinor);

/// <param name="Reason">not_configured, no_token, circuit_open, amount_not_supported.</param>
public sealed record RouteExclusion(Provider Provider, string Reason);

/// <summary>Whom to try, in order, and whom not. No candidate means that nobody can take the payment now.</summary>
public sealed record RoutePlan(IReadOnlyList<RouteCandidate> Candidates, IReadOnlyList<RouteExclusion> Excluded)
{
    /// <summary>Nobody can take it now, but somebody could once a circuit closes.</summary>
    public bool MayHelpToWait => Candidates.Count == 0 && Excluded.Any(e => e.Reason == RouteReasons.CircuitOpen);
}

public static class RouteReasons
{
    public const string Preferred = "preferred";
    public const string Cheapest = "cheapest";
    public const string WarmTraffic = "warm_traffic";
    public const string Ramp = "ramp";
    public const string Fallback = "fallback";
    public const string NotConfigured = "not_configured";
    public const string NoToken = "no_token";
    public const string CircuitOpen = "circuit_open";
    public const string AmountNotSupported = "amount_not_supported";
}

/// <summary>
/// Chooses the order of providers for a payment. The decision is a pure function of the question and of the providers' standing;
/// what looks like chance (warm traffic, the ramp) is drawn from the payment's id, so that asking again answers the same.
/// </summary>
public sealed class Router(ConnectorRegistry registry)
{
    /// <summary>Percent of payments that go to the second choice first, so that it is known to work when it is needed.</summary>
    public const int WarmPercent = 5;

    public RoutePlan Plan(RouteQuestion question)
    {
        ArgumentNullException.ThrowIfNull(question);
        return Plan(question, registry.Standing(question.Mode));
    }

    public static RoutePlan Plan(RouteQuestion question, IReadOnlyList<ProviderStanding> standing)
    {
        ArgumentNullException.ThrowIfNull(question);
        ArgumentNullException.ThrowIfNull(standing);

        var excluded = new List<RouteExclusion>();
        var able = new List<(ProviderStanding Standing, long Cost)>();
        foreach (var provider in Enum.GetValues<Provider>())
        {
            var stands = standing.FirstOrDefault(s => s.Provider == provider);
            if (WhyNot(question, provider, stands) is { } reason)
            {
                excluded.Add(new RouteExclusion(provider, reason));
            }
            else
            {
                able.Add((stands!, ProviderCosts.Estimate(provider, question.Brand, question.Country, question.Funding, question.Amount)));
            }
        }

        return new RoutePlan(Order(question, able), excluded);
    }

    private static string? WhyNot(RouteQuestion question, Provider provider, ProviderStanding? standing)
    {
        if (standing is null)
        {
            return RouteReasons.NotConfigured;
        }

        if (!question.TokenisedAt.Contains(provider))
        {
            return RouteReasons.NoToken;
        }

        if (question.Amount.Minor % AmountSteps.Of(provider, question.Amount.Currency) != 0)
        {
            return RouteReasons.AmountNotSupported;
        }

        return standing.State == CircuitState.Open ? RouteReasons.CircuitOpen : null;
    }

    private static List<RouteCandidate> Order(RouteQuestion question, List<(ProviderStanding Standing, long Cost)> able)
    {
        var ranked = able.OrderBy(a => a.Standing.Provider != question.Preferred).ThenBy(a => a.Cost).ThenBy(a => a.Standing.Provider).ToList();
        if (ranked.Count == 0)
        {
            return [];
        }

        var first = ranked[0].Standing;
        var isPreferred = first.Provider == question.Preferred;
        var reason = isPreferred ? RouteReasons.Preferred : RouteReasons.Cheapest;
        if (ranked.Count > 1)
        {
            var (warm, ramp) = Draw(question.PaymentId);
            if (first.State == CircuitState.Ramping && ramp >= first.SharePercent)
            {
                (ranked[0], ranked[1]) = (ranked[1], ranked[0]);
                reason = RouteReasons.Ramp;
            }
            else if (!isPreferred && warm < WarmPercent)
            {
                (ranked[0], ranked[1]) = (ranked[1], ranked[0]);
                reason = RouteReasons.WarmTraffic;
            }
        }

        return [.. ranked.Select((r, i) => new RouteCandidate(r.Standing.Provider, i == 0 ? reason : RouteReasons.Fallback, r.Cost))];
    }

    /// <summary>Two independent numbers from 0 to 99, the same for the same payment for ever.</summary>
    private static (int Warm, int Ramp) Draw(PaymentId payment)
    {
        Span<byte> id = stackalloc byte[16];
        payment.Value.TryWriteBytes(id, bigEndian: true, out _);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(id, hash);
        return ((int)(BinaryPrimitives.ReadUInt64BigEndian(hash) % 100), (int)(BinaryPrimitives.ReadUInt64BigEndian(hash[8..]) % 100));
    }
}
