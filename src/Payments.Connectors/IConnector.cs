using Payments.Core;
using Payments.Core.Seams;

namespace Payments.Connectors;

/// <summary>
/// One payment provider. Every call carries an attempt whose id is the provider's idempotency key and was durable before the call;
/// no call throws for what a network or a provider does: that is an <see cref="OutcomeKind"/>.
/// </summary>
public interface IConnector
{
    Provider Provider { get; }

    /// <summary>Whose credentials this connector holds; a call of another mode is a bug.</summary>
    Mode Mode { get; }

    Capabilities Capabilities { get; }

    Task<Outcome> AuthorizeAsync(AuthorizeCall call, CancellationToken cancellationToken);

    /// <summary>
    /// Finishes a challenge with what the customer's browser brought back to the return page: <see cref="Outcome"/> as of an
    /// authorization. Safe to repeat, and to call where the customer never finished or the query is forged: the outcome then still is
    /// <see cref="OutcomeKind.NeedsAction"/>, without a URL. Never <see cref="OutcomeKind.NotProcessed"/>: that this call did not arrive
    /// says nothing about the authorization.
    /// </summary>
    Task<Outcome> CompleteChallengeAsync(ChallengeCall call, CancellationToken cancellationToken);

    Task<Outcome> CaptureAsync(ModifyCall call, CancellationToken cancellationToken);

    /// <summary>Releases what is still held.</summary>
    Task<Outcome> VoidAsync(ModifyCall call, CancellationToken cancellationToken);

    Task<Outcome> RefundAsync(ModifyCall call, CancellationToken cancellationToken);

    /// <summary>Asks the provider, by whatever it offers and without side effect, what became of an attempt.</summary>
    Task<ReadBack> ReadAsync(ReadCall call, CancellationToken cancellationToken);

    /// <summary>One page of the provider's charges of a stretch of time, where it <see cref="Capabilities.ListsCharges"/>.</summary>
    Task<ChargePage> ListChargesAsync(ChargeListCall call, CancellationToken cancellationToken);

    /// <summary>Reads one charge in full, by the provider's name of the payment, where it <see cref="Capabilities.ListsCharges"/>.</summary>
    Task<ChargeReading> ReadChargeAsync(string reference, CancellationToken cancellationToken);

    /// <summary>Submits evidence against a dispute, or accepts it. Repeated under the same key it is done once.</summary>
    Task<Outcome> AnswerDisputeAsync(DisputeCall call, CancellationToken cancellationToken);

    /// <summary>Asks, without side effect, whether a dispute was answered so: found or not found.</summary>
    Task<ReadBack> ReadDisputeAsync(DisputeCall call, CancellationToken cancellationToken);

    /// <summary>Stores a card or bank account at the provider. Only the vault calls this; such data goes nowhere else.</summary>
    Task<Tokenisation> TokeniseAsync(TokeniseCall call, CancellationToken cancellationToken);

    /// <summary>Removes a stored card from the provider; true also where it was already gone.</summary>
    Task<bool> DetachAsync(Mode mode, string providerToken, CancellationToken cancellationToken);

    /// <summary>A cheap call without effect: does the provider answer now?</summary>
    Task<bool> ProbeAsync(CancellationToken cancellationToken);

    /// <summary>Verifies a webhook's signature over the raw body and reads its facts; null where the signature is wrong.</summary>
    ProviderNotice? ReadWebhook(IReadOnlyDictionary<string, string> headers, ReadOnlyMemory<byte> body);
}

/// <summary>What a provider can do. What is missing is refused by name before any call.</summary>
/// <param name="OverCapture">More may be captured than was authorized.</param>
/// <param name="ListsCharges">Its charges can be listed by time and read in full.</param>
public sealed record Capabilities(bool PartialCapture, bool MultipleCaptures, bool OverCapture, bool VoidAfterPartialCapture, bool ListsCharges)
{
    /// <summary>Evidence may be texts; else it takes documents only.</summary>
    public bool TakesEvidenceTexts { get; init; }

    /// <summary>It debits bank accounts (ACH).</summary>
    public bool BankDebits { get; init; }
}

/// <param name="AttemptId">Also the idempotency key.</param>
/// <param name="ProviderToken">The connector's own text from <see cref="Tokenisation"/>.</param>
/// <param name="ThreeDSecure">What is asked for; the provider and the issuer may demand more.</param>
/// <param name="ReturnUrl">Where the customer's browser comes back to after a challenge.</param>
public sealed record AuthorizeCall(
    AttemptId AttemptId,
    PaymentId PaymentId,
    MerchantId MerchantId,
    Mode Mode,
    Money Amount,
    bool CaptureNow,
    ThreeDSecureRequest ThreeDSecure,
    string ProviderToken,
    string? Description,
    string? StatementDescriptor,
    string ReturnUrl)
{
    /// <summary>False for a merchant-initiated payment: a challenge is then a decline, since nobody could answer it.</summary>
    public bool CustomerPresent { get; init; } = true;

    /// <summary>Why the customer need not be authenticated, where the provider lets us say so.</summary>
    public ScaExemption? Exemption { get; init; }

    /// <summary>Of a debit of a bank account: its holder's authorization. Null for a card.</summary>
    public Mandate? Mandate { get; init; }
}

/// <param name="AttemptId">The attempt that authorizes.</param>
/// <param name="PaymentReference">The provider's reference, where one is known before the challenge ends.</param>
/// <param name="Query">Query parameters (or form fields) that the browser brought to the return page.</param>
public sealed record ChallengeCall(
    AttemptId AttemptId,
    PaymentId PaymentId,
    Mode Mode,
    Money Amount,
    bool CaptureNow,
    string? PaymentReference,
    IReadOnlyDictionary<string, string> Query);

/// <summary>A capture, void or refund of an earlier authorization.</summary>
/// <param name="PaymentReference">
/// The provider's reference of the authorization. For a void at a provider that can cancel by our own reference, the text of the
/// authorizing attempt's id, where the provider's reference never arrived.
/// </param>
/// <param name="Amount">What to capture or refund; what is still held, for a void.</param>
/// <param name="Final">A capture after which no other follows, so that the rest is released.</param>
public sealed record ModifyCall(
    AttemptId AttemptId,
    PaymentId PaymentId,
    OperationId OperationId,
    Mode Mode,
    string PaymentReference,
    Money Amount,
    bool Final,
    string? Reason);

/// <param name="PaymentReference">The provider's reference of the authorization, where one is known.</param>
/// <param name="OpenedAt">When the attempt was written (database time): bounds a search by time.</param>
public sealed record ReadCall(
    OperationKind Kind,
    AttemptId AttemptId,
    PaymentId PaymentId,
    Mode Mode,
    Money Amount,
    string? PaymentReference,
    string? ModificationReference,
    DateTimeOffset OpenedAt)
{
    /// <summary>The token that was charged, where known: narrows a search at the provider to one card.</summary>
    public string? ProviderToken { get; init; }
}

/// <summary>How a provider call ended. Timeouts are <see cref="Unknown"/>, never declined.</summary>
public enum OutcomeKind
{
    Approved,
    Declined,

    /// <summary>The customer must act; <see cref="Outcome.ActionUrl"/> says where.</summary>
    NeedsAction,

    /// <summary>Accepted; the outcome comes later by webhook.</summary>
    Pending,

    /// <summary>
    /// This call was certainly not executed (connection refused, 429, circuit open): safe elsewhere and safe to open a new attempt,
    /// unless the same attempt was sent before, about which it says nothing.
    /// </summary>
    NotProcessed,

    /// <summary>May or may not have been executed (timeout, reset, 5xx or unreadable answer after sending).</summary>
    Unknown,
}

public sealed record Outcome(OutcomeKind Kind)
{
    /// <summary>The provider's reference of the payment (PaymentIntent, pspReference).</summary>
    public string? PaymentReference { get; init; }

    /// <summary>The provider's reference of this capture, void or refund.</summary>
    public string? ModificationReference { get; init; }

    /// <summary>The authorization was captured in the same call.</summary>
    public bool Captured { get; init; }

    public Decline? Decline { get; init; }

    public string? ActionUrl { get; init; }

    /// <summary>The provider's own limit for capturing this authorization.</summary>
    public DateTimeOffset? CaptureBefore { get; init; }

    /// <summary>Results of the issuer's address and security code checks, as normalised words.</summary>
    public string? AvsResult { get; init; }

    public string? CvcResult { get; init; }

    /// <summary>How the customer was authenticated, where anybody tried.</summary>
    public AuthenticationOutcome? Authentication { get; init; }

    /// <summary>Why, in words for operators: exception kind, HTTP status. Never holds card data or keys.</summary>
    public string? Detail { get; init; }

    /// <summary>The provider works and answered, although the outcome is not settled: not a failure to a circuit breaker.</summary>
    internal bool ProviderIsWell { get; init; }
}

/// <summary>A normalised decline: one row of the decline table.</summary>
/// <param name="Code">Ours: <c>insufficient_funds</c>, <c>expired_card</c>…</param>
/// <param name="MayCascade">The other provider may be tried within the same request.</param>
public sealed record Decline(string Code, DeclineKind Kind, bool MayCascade, string? ProviderCode, string Message);

public enum ReadBackKind
{
    /// <summary>The provider has it: <see cref="ReadBack.Outcome"/> says how it stands.</summary>
    Found,

    /// <summary>The provider answered, and does not have it at this time.</summary>
    NotFound,

    /// <summary>The provider offers no way to ask.</summary>
    CannotAsk,

    /// <summary>The provider did not answer.</summary>
    Unanswered,
}

public sealed record ReadBack(ReadBackKind Kind, Outcome? Outcome = null);

/// <summary>Card data on its way to a provider. Lives for one call, is never stored, logged or compared.</summary>
public sealed record CardData(string Number, int ExpMonth, int ExpYear, string Cvc, string? Name)
{
    /// <summary>Never prints card data.</summary>
    public override string ToString() => "CardData";
}

/// <summary>A bank account on its way to a provider. Lives for one call, is never stored, logged or compared.</summary>
public sealed record BankAccountData(string RoutingNumber, string AccountNumber, BankAccountType AccountType, BankHolderType HolderType, string HolderName)
{
    /// <summary>Never prints account data.</summary>
    public override string ToString() => "BankAccountData";
}

/// <param name="Card">Null where it is a bank account.</param>
public sealed record TokeniseCall(TokenId TokenId, MerchantId MerchantId, Mode Mode, CardData? Card)
{
    /// <summary>Only for providers with <see cref="Capabilities.BankDebits"/>.</summary>
    public BankAccountData? BankAccount { get; init; }
}

/// <param name="Kind">Approved with a token, Declined, NotProcessed or Unknown.</param>
public sealed record Tokenisation(OutcomeKind Kind)
{
    public string? ProviderToken { get; init; }
    public string? Brand { get; init; }

    /// <summary>ISO 3166 alpha-2 of the issuer.</summary>
    public string? Country { get; init; }

    /// <summary>credit, debit, prepaid or unknown.</summary>
    public string? Funding { get; init; }

    /// <summary>Of a bank account.</summary>
    public string? BankName { get; init; }

    public Decline? Decline { get; init; }
}

/// <summary>A verified webhook: one or more facts, each with an id that the provider repeats when it sends it again.</summary>
public sealed record ProviderNotice(Provider Provider, Mode Mode, IReadOnlyList<ProviderFact> Facts);

public enum ProviderFactKind
{
    AuthorizationApproved,
    AuthorizationDeclined,
    AuthorizationNeedsAction,

    /// <summary>What was held is released: by our void, by the provider's dashboard or because it ran out.</summary>
    AuthorizationCancelled,

    CaptureSucceeded,
    CaptureFailed,
    VoidSucceeded,
    VoidFailed,
    RefundSucceeded,
    RefundFailed,

    /// <summary>The provider or an issuer holds the charge for fraudulent; nothing has become of it yet.</summary>
    FraudWarning,

    /// <summary>A customer's bank disputes the charge: <see cref="ProviderFact.Dispute"/> says how it stands.</summary>
    Dispute,

    /// <summary>A report is there to be fetched; it is named where a payment's reference stands otherwise.</summary>
    ReportAvailable,

    /// <summary>Known and of no consequence for a payment's state.</summary>
    Other,
}

/// <param name="NoticeId">The provider's id of this notification, for deduplication.</param>
/// <param name="PaymentReference">The provider's reference of the authorization.</param>
/// <param name="AttemptId">
/// Where the provider echoes what we sent along: the attempt of this very operation, or absent. For the automatic capture of an
/// authorization it is the authorizing attempt.
/// </param>
public sealed record ProviderFact(string NoticeId, ProviderFactKind Kind, string PaymentReference)
{
    public string? ModificationReference { get; init; }
    public AttemptId? AttemptId { get; init; }
    public PaymentId? PaymentId { get; init; }
    public Money? Amount { get; init; }

    /// <summary>
    /// True where the provider says that the amount is captured, or was before it was taken back. False on an approval may also mean that it does not say: an
    /// authorization with automatic capture that is approved is captured at every provider.
    /// </summary>
    public bool Captured { get; init; }

    public Decline? Decline { get; init; }

    /// <summary>Of an authorization, where the notice tells.</summary>
    public AuthenticationOutcome? Authentication { get; init; }

    public DateTimeOffset? OccurredAt { get; init; }

    /// <summary>The provider's own name of what happened.</summary>
    public string? RawType { get; init; }

    public DisputeFact? Dispute { get; init; }

    /// <summary>The charge in full, of an approval by a provider that cannot be asked for it.</summary>
    public ProviderCharge? Charge { get; init; }
}
