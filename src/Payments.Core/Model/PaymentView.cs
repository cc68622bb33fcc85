namespace Payments.Core;

/// <summary>
/// The payment object as merchants read it from the API, as events carry it and as webhooks deliver it. Amounts are minor units
/// of <see cref="Currency"/>.
/// </summary>
public sealed record PaymentView
{
    public required string Id { get; init; }
    public string Object { get; init; } = "payment";
    public required string MerchantId { get; init; }
    public required Mode Mode { get; init; }
    public required PaymentStatus Status { get; init; }
    public required long Amount { get; init; }
    public required long AmountCapturable { get; init; }
    public required long AmountCaptured { get; init; }
    public required long AmountRefunded { get; init; }
    public required string Currency { get; init; }
    public required CaptureMethod CaptureMethod { get; init; }
    public required PaymentMethodView PaymentMethod { get; init; }
    public Provider? Provider { get; init; }
    public string? ProviderReference { get; init; }
    public RiskView? Risk { get; init; }

    /// <summary>Null where the payment was made of a provider's record.</summary>
    public AuthenticationView? Authentication { get; init; }

    /// <summary>Null where nobody had, or has, to decide about it.</summary>
    public ReviewView? Review { get; init; }
    public NextActionView? NextAction { get; init; }
    public DeclineView? Decline { get; init; }
    public string? OrderId { get; init; }
    public string? Description { get; init; }
    public string? StatementDescriptor { get; init; }
    public string? ReceiptEmail { get; init; }
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();

    /// <summary><see cref="PaymentOrigin.Recovered"/>: made of the provider's record of a charge that we did not have.</summary>
    public PaymentOrigin Origin { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? AuthorizedAt { get; init; }
    public DateTimeOffset? CapturedAt { get; init; }

    /// <summary>Grows with every change; lets a receiver of unordered webhooks tell old from new.</summary>
    public required long Version { get; init; }
}

/// <summary>Types of <see cref="PaymentMethodView"/>.</summary>
public static class PaymentMethodTypes
{
    public const string Card = "card";

    /// <summary>A debit of a bank account in the United States.</summary>
    public const string Ach = "ach";
}

public sealed record PaymentMethodView(string Type, string? Brand, string? Last4, string? Country, string? Funding, string? Token);

public sealed record RiskView(int Score, FraudVerdict Decision, IReadOnlyList<string> Factors);

/// <summary>What the customer must do next; <see cref="Url"/> is where to send the browser.</summary>
public sealed record NextActionView(string Type, string Url);

public sealed record DeclineView(string Code, DeclineKind Kind, string? ProviderCode, string Message);
