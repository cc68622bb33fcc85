using System.Text.Json.Serialization;
using Payments.Simulators.Adyen;
using Payments.Simulators.Disputes;
using Payments.Simulators.Stripe;
using Payments.Simulators.Webhooks;
using Payments.Simulators.Wire;

namespace Payments.Simulators.Books;

/// <summary>
/// Something a provider remembers. Entities are immutable and written whole: the journal is the sequence of their versions,
/// and the last one counts.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "is")]
[JsonDerivedType(typeof(Charge), "charge")]
[JsonDerivedType(typeof(StoredCard), "card")]
[JsonDerivedType(typeof(StoredAnswer), "answer")]
[JsonDerivedType(typeof(PendingTurn), "turn")]
[JsonDerivedType(typeof(Delivery), "delivery")]
[JsonDerivedType(typeof(PaymentIntent), "stripe_payment_intent")]
[JsonDerivedType(typeof(StripeCustomer), "stripe_customer")]
[JsonDerivedType(typeof(StripeEvent), "stripe_event")]
[JsonDerivedType(typeof(BalanceTransaction), "stripe_balance_transaction")]
[JsonDerivedType(typeof(AdyenNotification), "adyen_notification")]
[JsonDerivedType(typeof(AdyenSession), "adyen_session")]
[JsonDerivedType(typeof(IssuerDispute), "dispute")]
[JsonDerivedType(typeof(EvidenceFile), "evidence_file")]
public abstract record Entity
{
    public required string Id { get; init; }

    /// <summary>True for the last version of something that is then forgotten.</summary>
    [JsonIgnore]
    public virtual bool IsGone => false;
}

/// <summary>A change that comes by itself after a while: an asynchronous outcome, a refund that bounces.</summary>
public sealed record PendingTurn : Entity
{
    public required string Provider { get; init; }

    public required string Kind { get; init; }

    /// <summary>The charge it is about, or the merchant's reference of one that is yet to be found.</summary>
    public required string Charge { get; init; }

    /// <summary>The capture, refund or void it is about.</summary>
    public string? Movement { get; init; }

    /// <summary>The merchant's reference of the request behind it, and its key, where no movement holds them yet.</summary>
    public string? Reference { get; init; }

    public string? IdempotencyKey { get; init; }

    public required DateTimeOffset DueAt { get; init; }

    public bool Done { get; init; }

    [JsonIgnore]
    public override bool IsGone => Done;
}
