namespace Payments.Core;

/// <summary>A merchant.</summary>
public readonly record struct MerchantId(Guid Value) : IId<MerchantId>
{
    public static string Prefix => "mer";

    public static MerchantId From(Guid value) => new(value);

    public override string ToString() => Id.Format(Prefix, Value);
}

/// <summary>A payment.</summary>
public readonly record struct PaymentId(Guid Value) : IId<PaymentId>
{
    public static string Prefix => "pay";

    public static PaymentId From(Guid value) => new(value);

    public override string ToString() => Id.Format(Prefix, Value);
}

/// <summary>An operation of a payment: authorize, capture, void or refund.</summary>
public readonly record struct OperationId(Guid Value) : IId<OperationId>
{
    public static string Prefix => "op";

    public static OperationId From(Guid value) => new(value);

    public override string ToString() => Id.Format(Prefix, Value);
}

/// <summary>A refund as merchants see it: the same number as its <see cref="OperationId"/>.</summary>
public readonly record struct RefundId(Guid Value) : IId<RefundId>
{
    public static string Prefix => "re";

    public static RefundId From(Guid value) => new(value);

    public override string ToString() => Id.Format(Prefix, Value);
}

/// <summary>One call to one provider; its text is the provider's idempotency key.</summary>
public readonly record struct AttemptId(Guid Value) : IId<AttemptId>
{
    public static string Prefix => "att";

    public static AttemptId From(Guid value) => new(value);

    public override string ToString() => Id.Format(Prefix, Value);
}

/// <summary>A card token.</summary>
public readonly record struct TokenId(Guid Value) : IId<TokenId>
{
    public static string Prefix => "tok";

    public static TokenId From(Guid value) => new(value);

    public override string ToString() => Id.Format(Prefix, Value);
}

/// <summary>An event of the outbox, also the id of the CloudEvent and of the merchant's webhook.</summary>
public readonly record struct EventId(Guid Value) : IId<EventId>
{
    public static string Prefix => "evt";

    public static EventId From(Guid value) => new(value);

    public override string ToString() => Id.Format(Prefix, Value);
}

/// <summary>An API key (not the key itself).</summary>
public readonly record struct ApiKeyId(Guid Value) : IId<ApiKeyId>
{
    public static string Prefix => "key";

    public static ApiKeyId From(Guid value) => new(value);

    public override string ToString() => Id.Format(Prefix, Value);
}

/// <summary>A ledger journal.</summary>
public readonly record struct JournalId(Guid Value) : IId<JournalId>
{
    public static string Prefix => "jrn";

    public static JournalId From(Guid value) => new(value);

    public override string ToString() => Id.Format(Prefix, Value);
}

/// <summary>A ledger account.</summary>
public readonly record struct AccountId(Guid Value) : IId<AccountId>
{
    public static string Prefix => "acc";

    public static AccountId From(Guid value) => new(value);

    public override string ToString() => Id.Format(Prefix, Value);
}

/// <summary>A merchant's webhook endpoint.</summary>
public readonly record struct WebhookEndpointId(Guid Value) : IId<WebhookEndpointId>
{
    public static string Prefix => "we";

    public static WebhookEndpointId From(Guid value) => new(value);

    public override string ToString() => Id.Format(Prefix, Value);
}

/// <summary>A delivery of an event to an endpoint.</summary>
public readonly record struct DeliveryId(Guid Value) : IId<DeliveryId>
{
    public static string Prefix => "whd";

    public static DeliveryId From(Guid value) => new(value);

    public override string ToString() => Id.Format(Prefix, Value);
}

/// <summary>One HTTP request.</summary>
public readonly record struct RequestId(Guid Value) : IId<RequestId>
{
    public static string Prefix => "req";

    public static RequestId From(Guid value) => new(value);

    public override string ToString() => Id.Format(Prefix, Value);
}

/// <summary>Something a person must look at.</summary>
public readonly record struct IncidentId(Guid Value) : IId<IncidentId>
{
    public static string Prefix => "inc";

    public static IncidentId From(Guid value) => new(value);

    public override string ToString() => Id.Format(Prefix, Value);
}

/// <summary>A charge in suspense.</summary>
public readonly record struct BreakId(Guid Value) : IId<BreakId>
{
    public static string Prefix => "brk";

    public static BreakId From(Guid value) => new(value);

    public override string ToString() => Id.Format(Prefix, Value);
}

/// <summary>What somebody wrote about an incident.</summary>
public readonly record struct IncidentNoteId(Guid Value) : IId<IncidentNoteId>
{
    public static string Prefix => "note";

    public static IncidentNoteId From(Guid value) => new(value);

    public override string ToString() => Id.Format(Prefix, Value);
}

/// <summary>An event that a consumer could not apply.</summary>
public readonly record struct DeadLetterId(Guid Value) : IId<DeadLetterId>
{
    public static string Prefix => "dl";

    public static DeadLetterId From(Guid value) => new(value);

    public override string ToString() => Id.Format(Prefix, Value);
}

/// <summary>A receipt e-mail.</summary>
public readonly record struct ReceiptId(Guid Value) : IId<ReceiptId>
{
    public static string Prefix => "rct";

    public static ReceiptId From(Guid value) => new(value);

    public override string ToString() => Id.Format(Prefix, Value);
}

/// <summary>An operator's key (not the key itself).</summary>
public readonly record struct OperatorKeyId(Guid Value) : IId<OperatorKeyId>
{
    public static string Prefix => "opk";

    public static OperatorKeyId From(Guid value) => new(value);

    public override string ToString() => Id.Format(Prefix, Value);
}

/// <summary>An entry of an allow or block list of fraud decisions.</summary>
public readonly record struct RiskListEntryId(Guid Value) : IId<RiskListEntryId>
{
    public static string Prefix => "rle";

    public static RiskListEntryId From(Guid value) => new(value);

    public override string ToString() => Id.Format(Prefix, Value);
}

/// <summary>A rule of fraud decisions.</summary>
public readonly record struct RiskRuleId(Guid Value) : IId<RiskRuleId>
{
    public static string Prefix => "rul";

    public static RiskRuleId From(Guid value) => new(value);

    public override string ToString() => Id.Format(Prefix, Value);
}

/// <summary>Something that was put right after it had gone wrong.</summary>
public readonly record struct RecoveryId(Guid Value) : IId<RecoveryId>
{
    public static string Prefix => "rcv";

    public static RecoveryId From(Guid value) => new(value);

    public override string ToString() => Id.Format(Prefix, Value);
}

/// <summary>An erasure of personal data.</summary>
public readonly record struct ErasureId(Guid Value) : IId<ErasureId>
{
    public static string Prefix => "ers";

    public static ErasureId From(Guid value) => new(value);

    public override string ToString() => Id.Format(Prefix, Value);
}

/// <summary>A review: the same number as its <see cref="PaymentId"/>.</summary>
public readonly record struct ReviewId(Guid Value) : IId<ReviewId>
{
    public static string Prefix => "rev";

    public static ReviewId From(Guid value) => new(value);

    public override string ToString() => Id.Format(Prefix, Value);
}

/// <summary>A note about a review.</summary>
public readonly record struct ReviewNoteId(Guid Value) : IId<ReviewNoteId>
{
    public static string Prefix => "rvn";

    public static ReviewNoteId From(Guid value) => new(value);

    public override string ToString() => Id.Format(Prefix, Value);
}

/// <summary>A fraud model in the registry.</summary>
public readonly record struct FraudModelId(Guid Value) : IId<FraudModelId>
{
    public static string Prefix => "mdl";

    public static FraudModelId From(Guid value) => new(value);

    public override string ToString() => Id.Format(Prefix, Value);
}

/// <summary>A difference between our books and a provider's or the bank's that somebody has to look at.</summary>
public readonly record struct ReconciliationBreakId(Guid Value) : IId<ReconciliationBreakId>
{
    public static string Prefix => "rbk";

    public static ReconciliationBreakId From(Guid value) => new(value);

    public override string ToString() => Id.Format(Prefix, Value);
}

/// <summary>A dispute of a payment.</summary>
public readonly record struct DisputeId(Guid Value) : IId<DisputeId>
{
    public static string Prefix => "dsp";

    public static DisputeId From(Guid value) => new(value);

    public override string ToString() => Id.Format(Prefix, Value);
}

/// <summary>A provider's settlement with us, as the ledger books it.</summary>
public readonly record struct ProviderSettlementId(Guid Value) : IId<ProviderSettlementId>
{
    public static string Prefix => "pst";

    public static ProviderSettlementId From(Guid value) => new(value);

    public override string ToString() => Id.Format(Prefix, Value);
}

/// <summary>A journal that closes a break of reconciliation.</summary>
public readonly record struct LedgerCorrectionId(Guid Value) : IId<LedgerCorrectionId>
{
    public static string Prefix => "cor";

    public static LedgerCorrectionId From(Guid value) => new(value);

    public override string ToString() => Id.Format(Prefix, Value);
}

/// <summary>A payment of what is payable to a merchant's bank account.</summary>
public readonly record struct PayoutId(Guid Value) : IId<PayoutId>
{
    public static string Prefix => "po";

    public static PayoutId From(Guid value) => new(value);

    public override string ToString() => Id.Format(Prefix, Value);
}
