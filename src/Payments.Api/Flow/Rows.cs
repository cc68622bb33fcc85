using System.Collections.Immutable;
using System.Text.Json;
using Npgsql;
using Payments.Core;
using Payments.Core.Seams;

namespace Payments.Api.Flow;

/// <summary>
/// A row of <c>payments</c>: the columns that queries and constraints need, the rest as texts. What is written of the rows here is a
/// <c>written_…</c> of the database, member by member (see <see cref="CommitChanges"/>).
/// </summary>
internal sealed record PaymentRow
{
    /// <summary>The number of its change in the commit, from 1.</summary>
    public int Item { get; init; }
    public required Guid MerchantId { get; init; }
    public required string Mode { get; init; }
    public required Guid Id { get; init; }
    public required long Version { get; init; }
    public required string Status { get; init; }
    public required string Currency { get; init; }
    public required long Amount { get; init; }
    public required long Authorized { get; init; }
    public required long Captured { get; init; }
    public required long CapturePending { get; init; }
    public required long Released { get; init; }
    public required long VoidPending { get; init; }
    public required long Refunded { get; init; }
    public required long RefundPending { get; init; }
    public required long CaptureReversed { get; init; }
    public required long CaptureExcess { get; init; }
    public required long RefundExcess { get; init; }
    public string? Provider { get; init; }
    public string? ProviderReference { get; init; }
    public string? OrderId { get; init; }
    public required bool HeldForReview { get; init; }
    public Guid? TokenId { get; init; }
    public DateTimeOffset? AuthorizedAt { get; init; }
    public DateTimeOffset? CapturedAt { get; init; }
    public DateTimeOffset? CaptureBefore { get; init; }
    public string? AvsResult { get; init; }
    public string? CvcResult { get; init; }
    public string? Risk { get; init; }
    public string? Details { get; init; }
    public string? Authentication { get; init; }
    public string? Review { get; init; }
    public string? Disputes { get; init; }

    /// <param name="isNew">Whether what never changes is written too.</param>
    public static PaymentRow Of(PaymentState payment, bool isNew = true, int item = 0)
    {
        var amounts = payment.Amounts;
        var attempt = payment.AuthorizingAttempt;
        Invariant.Holds(
            Core.Id.TryParse<TokenId>(payment.Details.PaymentMethod.Token, out var token) || payment.Details is { PaymentMethod.Token: null, Origin: PaymentOrigin.Recovered },
            "a payment is made with a token, unless it was made of a provider's record");
        return new PaymentRow
        {
            Item = item,
            MerchantId = payment.MerchantId.Value,
            Mode = Words.Of(payment.Mode),
            Id = payment.Id.Value,
            Version = payment.Version,
            Status = Words.Of(payment.Status),
            Currency = payment.Amount.Currency.Code,
            Amount = payment.Amount.Minor,
            Authorized = amounts.AuthorizedMinor,
            Captured = amounts.CapturedMinor,
            CapturePending = amounts.CapturePendingMinor,
            Released = amounts.ReleasedMinor,
            VoidPending = amounts.VoidPendingMinor,
            Refunded = amounts.RefundedMinor,
            RefundPending = amounts.RefundPendingMinor,
            CaptureReversed = amounts.CaptureReversedMinor,
            CaptureExcess = amounts.CaptureExcessMinor,
            RefundExcess = amounts.RefundExcessMinor,
            Provider = attempt is null ? null : Words.Of(attempt.Provider),
            ProviderReference = attempt?.PaymentReference,
            OrderId = payment.Details.OrderId,
            HeldForReview = payment.HeldForReview,
            TokenId = payment.Details.PaymentMethod.Token is null ? null : token.Value,
            AuthorizedAt = payment.AuthorizedAt?.ToUniversalTime(),
            CapturedAt = payment.CapturedAt?.ToUniversalTime(),
            CaptureBefore = payment.CaptureBefore?.ToUniversalTime(),
            AvsResult = payment.AvsResult,
            CvcResult = payment.CvcResult,
            Risk = payment.Risk is null || !isNew ? null : JsonSerializer.Serialize(payment.Risk, Json.Options),
            Details = isNew ? JsonSerializer.Serialize(payment.Details, Json.Options) : null,
            Authentication = payment.Authentication is null ? null : JsonSerializer.Serialize(payment.Authentication, Json.Options),
            Review = payment.Review is null ? null : JsonSerializer.Serialize(payment.Review, Json.Options),
            Disputes = payment.Disputes.IsEmpty ? null : JsonSerializer.Serialize(payment.Disputes, Json.Options),
        };
    }

    /// <summary>Columns of <see cref="Read"/>, in its order.</summary>
    public const string Columns =
        "p.id, p.merchant_id, p.mode, p.amount, p.currency, p.details, p.version, p.risk, p.held_for_review, p.authorized_at, p.captured_at, p.capture_before, p.avs_result, p.cvc_result, p.authentication, p.review, p.disputes";

    public static PaymentState Read(NpgsqlDataReader row) => new(
        PaymentId.From(row.GetGuid(0)),
        Core.MerchantId.From(row.GetGuid(1)),
        Words.Parse<Mode>(row.GetString(2)),
        new Money(row.GetInt64(3), Core.Currency.Of(row.GetString(4))),
        JsonSerializer.Deserialize<PaymentDetails>(row.GetString(5), Json.Options)!)
    {
        Version = row.GetInt64(6),
        Risk = row.IsDBNull(7) ? null : JsonSerializer.Deserialize<RiskView>(row.GetString(7), Json.Options),
        HeldForReview = row.GetBoolean(8),
        AuthorizedAt = row.Instant(9),
        CapturedAt = row.Instant(10),
        CaptureBefore = row.Instant(11),
        AvsResult = row.Text(12),
        CvcResult = row.Text(13),
        Authentication = row.Text(14) is { } authentication ? JsonSerializer.Deserialize<AuthenticationOutcome>(authentication, Json.Options) : null,
        Review = row.Text(15) is { } review ? JsonSerializer.Deserialize<ReviewDecision>(review, Json.Options) : null,
        Disputes = row.Text(16) is { } disputes ? JsonSerializer.Deserialize<ImmutableArray<Dispute>>(disputes, Json.Options) : [],
    };
}

internal sealed record OperationRow(
    int Item,
    Guid Id,
    int Position,
    string Kind,
    string State,
    long Amount,
    long Suspense,
    long Released,
    bool Final,
    string Origin,
    string? Reason,
    string? ProviderReference,
    int? PlanVersion,
    long? Commission,
    long? ProviderCost,
    string? KeyClass,
    string? Key,
    DateTimeOffset CreatedAt,
    DateTimeOffset ChangedAt,
    DateTimeOffset? ProviderTime)
{
    public static OperationRow Of(int item, PaymentState payment, Operation o) => new(
        item, o.Id.Value, payment.Operations.IndexOf(payment.Operations.First(other => other.Id == o.Id)), Words.Of(o.Kind), Words.Of(o.State), o.AmountMinor,
        o.SuspenseMinor, o.ReleasedMinor, o.Final, Words.Of(o.Origin), o.Reason, o.ProviderReference, o.Fees?.PlanVersion, o.Fees?.CommissionMinor,
        o.Fees?.ProviderCostMinor, o.RequestKey is { } key ? Words.Of(key.Class) : null, o.RequestKey?.Text, o.CreatedAt.ToUniversalTime(), o.ChangedAt.ToUniversalTime(),
        o.ProviderTime?.ToUniversalTime());

    /// <summary>Columns of <see cref="Read"/>, in its order.</summary>
    public const string Columns =
        "o.payment_id, o.id, o.kind, o.state, o.amount, o.suspense, o.released, o.final, o.origin, o.reason, o.provider_reference, o.plan_version, o.commission, o.provider_cost, o.key_class, o.key, o.created_at, o.changed_at, o.provider_time";

    public static (PaymentId Payment, Operation Operation) Read(NpgsqlDataReader row) => (
        PaymentId.From(row.GetGuid(0)),
        new Operation(OperationId.From(row.GetGuid(1)), Words.Parse<OperationKind>(row.GetString(2)), Words.Parse<OperationState>(row.GetString(3)), row.GetInt64(4))
        {
            SuspenseMinor = row.GetInt64(5),
            ReleasedMinor = row.GetInt64(6),
            Final = row.GetBoolean(7),
            Origin = Words.Parse<OperationOrigin>(row.GetString(8)),
            Reason = row.Text(9),
            ProviderReference = row.Text(10),
            Fees = row.IsDBNull(11) ? null : new CaptureFees(row.GetInt32(11), row.GetInt64(12), row.GetInt64(13)),
            RequestKey = row.IsDBNull(14) ? null : new RequestKey(Words.Parse<KeyClass>(row.GetString(14)), row.GetString(15)),
            CreatedAt = row.Instant(16)!.Value,
            ChangedAt = row.Instant(17)!.Value,
            ProviderTime = row.Instant(18),
        });
}

/// <param name="DueIn">Seconds of database time until the resolver looks; absent: never.</param>
internal sealed record AttemptRow(
    int Item,
    Guid OperationId,
    Guid Id,
    int Position,
    string Provider,
    string State,
    int CostRate,
    long CostFixed,
    string? PaymentReference,
    string? ModificationReference,
    string? ActionUrl,
    string? Decline,
    string? Detail,
    DateTimeOffset? ClosedAt,
    double? DueIn)
{
    public static AttemptRow Of(int item, Operation operation, Attempt a, int position, Deadlines deadlines) => new(
        item, operation.Id.Value, a.Id.Value, position, Words.Of(a.Provider), Words.Of(a.State), a.Cost.RatePerMillion, a.Cost.FixedMinor, a.PaymentReference,
        a.ModificationReference, a.ActionUrl, a.Decline is null ? null : JsonSerializer.Serialize(a.Decline, Json.Options), a.Detail, a.ClosedAt?.ToUniversalTime(),
        deadlines.DueIn(operation, a, position)?.TotalSeconds);

    /// <summary>Columns of <see cref="Read"/>, in its order.</summary>
    public const string Columns =
        "a.payment_id, a.operation_id, a.id, a.provider, a.state, a.cost_rate, a.cost_fixed, a.payment_reference, a.modification_reference, a.action_url, a.decline, a.detail, a.opened_at, a.closed_at";

    public static (PaymentId Payment, OperationId Operation, Attempt Attempt) Read(NpgsqlDataReader row) => (
        PaymentId.From(row.GetGuid(0)),
        Core.OperationId.From(row.GetGuid(1)),
        new Attempt(AttemptId.From(row.GetGuid(2)), Words.Parse<Provider>(row.GetString(3)), Words.Parse<AttemptState>(row.GetString(4)), new Price(row.GetInt32(5), row.GetInt64(6)))
        {
            PaymentReference = row.Text(7),
            ModificationReference = row.Text(8),
            ActionUrl = row.Text(9),
            Decline = row.IsDBNull(10) ? null : JsonSerializer.Deserialize<DeclineView>(row.GetString(10), Json.Options),
            Detail = row.Text(11),
            OpenedAt = row.Instant(12)!.Value,
            ClosedAt = row.Instant(13),
        });
}

/// <summary>A row of <c>disputes</c>: what lists, deadlines and the provider's name need; the whole stands with its payment.</summary>
internal sealed record DisputeRow(
    Guid Id,
    Provider Provider,
    string Reference,
    DisputeStatus Status,
    long Amount,
    long Withheld,
    long Suspense,
    long Fee,
    DisputeReason Reason,
    bool TakesEvidence,
    DateTimeOffset? EvidenceDueBy,
    DateTimeOffset OpenedAt,
    DateTimeOffset ChangedAt,
    DateTimeOffset? DueAt,
    double? DueIn)
{
    public static DisputeRow Of(Dispute dispute, Deadlines deadlines) => new(
        dispute.Id.Value, dispute.Provider, dispute.Reference, dispute.Status, dispute.AmountMinor, dispute.WithheldMinor, dispute.WithheldMinor - dispute.BookedMinor,
        dispute.FeeMinor, dispute.Reason, dispute.TakesEvidence, dispute.EvidenceDueBy, dispute.OpenedAt, dispute.ChangedAt,
        dispute is { TakesEvidence: true, EvidenceDueBy: { } due } ? due : null,
        dispute.Submission switch
        {
            { State: OperationState.Open } => deadlines.Open.TotalSeconds,
            { State: OperationState.Unknown } => deadlines.Unknown.TotalSeconds,
            _ => null,
        });
}

internal static class RowReading
{
    public static string? Text(this NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    public static DateTimeOffset? Instant(this NpgsqlDataReader row, int column) =>
        row.IsDBNull(column) ? null : row.GetFieldValue<DateTimeOffset>(column);
}
