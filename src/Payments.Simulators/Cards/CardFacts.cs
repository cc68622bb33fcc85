namespace Payments.Simulators.Cards;

/// <summary>What is left of a card once it was read: never its number, never its CVC.</summary>
public sealed record CardFacts
{
    public required string Brand { get; init; }

    public required string Last4 { get; init; }

    public required string Bin { get; init; }

    public required int ExpMonth { get; init; }

    public required int ExpYear { get; init; }

    public required string Country { get; init; }

    public required string Funding { get; init; }

    public required string Fingerprint { get; init; }

    /// <summary>Name of its row in <see cref="Behaviours"/>.</summary>
    public required string Behaviour { get; init; }

    /// <summary>It is a bank account: brand <c>us_bank_account</c>, and nothing that only cards have.</summary>
    public BankFacts? Bank { get; init; }

    public Behaviour Acts => Behaviours.Named(Behaviour);
}

/// <summary>What is left of a bank account once it was read: never its number.</summary>
public sealed record BankFacts(string RoutingNumber, string AccountType, string HolderType, string BankName);
