namespace Payments.TrafficGenerator;

/// <summary>What a payment really is. Only the generator knows.</summary>
public enum FraudKind
{
    None,

    /// <summary>A list of stolen cards is tried out: many cards, few addresses, small amounts, most declined.</summary>
    CardTesting,

    /// <summary>One stolen card is used at several merchants within hours.</summary>
    StolenCard,

    /// <summary>Somebody else is in a customer's account: known customer and card, new device, address and shipping address.</summary>
    AccountTakeover,

    /// <summary>A customer like any other who later says it was not him. Nothing tells at the time of the payment.</summary>
    FriendlyFraud,

    /// <summary>A merchant that was harmless for weeks takes many large payments, then is gone.</summary>
    BustOut,
}

/// <summary>What each kind of fraud makes up, as a share of the number of good payments; each is the mean of a random process.</summary>
public sealed record FraudShares(double CardTesting = .003, double StolenCard = .002, double AccountTakeover = .0012, double FriendlyFraud = .0012, double BustOut = .001)
{
    public static FraudShares None { get; } = new(0, 0, 0, 0, 0);

    public double Of(FraudKind kind) => kind switch
    {
        FraudKind.CardTesting => CardTesting,
        FraudKind.StolenCard => StolenCard,
        FraudKind.AccountTakeover => AccountTakeover,
        FraudKind.FriendlyFraud => FriendlyFraud,
        FraudKind.BustOut => BustOut,
        _ => 0,
    };
}

/// <summary>One attack at a given time, besides those that come by themselves.</summary>
/// <param name="Payments">Attempts, for a card testing; the others have sizes of their own.</param>
/// <param name="Addresses">IP addresses that a card testing comes from.</param>
public sealed record PlannedAttack(FraudKind Kind, DateTimeOffset StartsAt, TimeSpan Duration, int Payments = 500, int Addresses = 20);

/// <summary>All that a stream follows from. The same options make the same stream.</summary>
/// <param name="Start">A midnight UTC.</param>
/// <param name="PaymentsPerDay">Good first attempts, in the mean over a week.</param>
/// <param name="Customers">Those there are at the start; a fifth of them joins within a year.</param>
public sealed record TrafficOptions(
    long Seed = 1, DateTimeOffset? Start = null, double PaymentsPerDay = 20_000, int Customers = 100_000, int Merchants = 400)
{
    public static readonly DateTimeOffset DefaultStart = new(2026, 1, 5, 0, 0, 0, TimeSpan.Zero);

    public DateTimeOffset Begins => Start ?? DefaultStart;

    public FraudShares Shares { get; init; } = new();

    public IReadOnlyList<PlannedAttack> Planned { get; init; } = [];
}
