using System.Text.Json;
using Payments.Core;

namespace Payments.Api.Recovery;

/// <summary>The record of something put right: who did it, why, and how it stood before and after.</summary>
/// <param name="Kind">One of <see cref="RecoveryKinds"/>.</param>
/// <param name="Subject">What it is about, in its own id's text: a kind happens to a subject once.</param>
/// <param name="Actor">The worker's name, or an operator's key.</param>
/// <param name="Before">As JSON; never card data or keys.</param>
public sealed record Recovered(RecoveryId Id, string Kind, string Subject, string Actor, string Reason, JsonElement Before, JsonElement After)
{
    public MerchantId? MerchantId { get; init; }

    public Mode? Mode { get; init; }

    public PaymentId? PaymentId { get; init; }

    public AttemptId? AttemptId { get; init; }

    public static Recovered Of<TBefore, TAfter>(RecoveryId id, string kind, string subject, string actor, string reason, TBefore before, TAfter after) =>
        new(id, kind, subject, actor, reason, JsonSerializer.SerializeToElement(before, Json.Options), JsonSerializer.SerializeToElement(after, Json.Options));

    /// <summary>Of a payment that changed: its status and amounts, and how the operation concerned stands.</summary>
    public static Recovered Of(
        RecoveryId id, string kind, string subject, string actor, string reason, PaymentState before, PaymentState after, OperationId? operation = null, AttemptId? attempt = null)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        return Of(id, kind, subject, actor, reason, Shown(before), Shown(after)) with
        {
            MerchantId = after.MerchantId,
            Mode = after.Mode,
            PaymentId = after.Id,
            AttemptId = attempt,
        };

        Snapshot Shown(PaymentState payment)
        {
            var concerned = payment.Operations.FirstOrDefault(o => o.Id == operation);
            var view = payment.View();
            return new Snapshot(
                payment.Version, view.Status, view.AmountCapturable, view.AmountCaptured, view.AmountRefunded, view.Currency, concerned?.Id.ToString(), concerned?.Kind,
                concerned?.State, concerned?.Current?.Id.ToString(), concerned?.Current?.State);
        }
    }

    private sealed record Snapshot(
        long Version, PaymentStatus Status, long AmountCapturable, long AmountCaptured, long AmountRefunded, string Currency, string? OperationId, OperationKind? Operation,
        OperationState? OperationState, string? AttemptId, AttemptState? AttemptState);
}
