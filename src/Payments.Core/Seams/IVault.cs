using System.Text.Json.Serialization;

namespace Payments.Core.Seams;

/// <summary>The token vault as other services see it: tokens in, provider tokens and card facts out, never a card number.</summary>
public interface IVault
{
    /// <summary>Null where the token does not exist, was deleted, or belongs to another merchant or mode.</summary>
    Task<CardToken?> FindAsync(MerchantId merchant, Mode mode, TokenId token, CancellationToken cancellationToken);

    /// <summary>Erases what was told of the browsers that made tokens; the tokens stay. Answers how many that were; a repeat finds none.</summary>
    Task<long> EraseAsync(MerchantId merchant, Mode mode, ContextErasure erasure, CancellationToken cancellationToken);
}

/// <summary>A token as those who ask for several name it.</summary>
public sealed record TokenKey(MerchantId Merchant, Mode Mode, TokenId Token);

/// <summary>Tokens that are asked for together: at most <see cref="Most"/>, of any merchants.</summary>
public sealed record TokenQuestions(IReadOnlyList<TokenKey> Tokens)
{
    public const int Most = 64;
}

/// <summary>What was found, in the order of the questions; null as in <see cref="IVault.FindAsync"/>.</summary>
public sealed record TokenAnswers(IReadOnlyList<CardToken?> Tokens);

/// <summary>Whose circumstances a vault is to forget.</summary>
/// <param name="EmailHash">Keyed hash of the person's e-mail address within the merchant and mode, in base64: who it is, is not told.</param>
public sealed record ContextErasure(IReadOnlyList<TokenId> Tokens, string? EmailHash);

/// <summary>A tokenised card or bank account: what the vault stores, and all that it stores.</summary>
/// <param name="Fingerprint">Keyed hash of the number: equal for one card or account, useless without the vault's key.</param>
/// <param name="Brand">Of a bank account: <c>ach</c>.</param>
/// <param name="Bin">First six digits; of a bank account empty, as its expiry is 0.</param>
/// <param name="Country">ISO 3166 alpha-2 of the issuer, as the provider told it.</param>
/// <param name="Funding">credit, debit, prepaid or unknown, as the provider told it.</param>
/// <param name="ProviderTokens">What each provider calls this card; opaque, made and read by that provider's connector.</param>
public sealed record CardToken(
    TokenId Id,
    MerchantId MerchantId,
    Mode Mode,
    string Fingerprint,
    string Brand,
    string Bin,
    string Last4,
    int ExpMonth,
    int ExpYear,
    string? Country,
    string? Funding,
    IReadOnlyDictionary<Provider, string> ProviderTokens)
{
    /// <summary>What was told of the browser that made it, until somebody has it erased. Personal data.</summary>
    public RiskContext? Context { get; init; }

    /// <summary>Null for a card.</summary>
    public BankAccount? BankAccount { get; init; }

    /// <summary>As payments name it (<see cref="PaymentMethodTypes"/>).</summary>
    [JsonIgnore]
    public string Type => BankAccount is null ? PaymentMethodTypes.Card : PaymentMethodTypes.Ach;
}

/// <summary>What is kept of a bank account beside its last four digits: never its number.</summary>
/// <param name="RoutingLast4">Last four digits of the bank's routing number.</param>
/// <param name="BankName">As the provider told it.</param>
public sealed record BankAccount(string RoutingLast4, BankAccountType AccountType, BankHolderType HolderType, string? BankName, Mandate Mandate);

public enum BankAccountType
{
    Checking,
    Savings,
}

public enum BankHolderType
{
    Individual,
    Company,
}

/// <summary>The holder's authorization of debits, with what proves it. Personal data, kept for as long as a debit may be contested.</summary>
public sealed record Mandate(DateTimeOffset AcceptedAt, string Ip, string UserAgent)
{
    /// <summary>Never prints personal data.</summary>
    public override string ToString() => "Mandate";
}
