using Microsoft.Extensions.Options;
using Npgsql;
using Payments.Api.Flow;
using Payments.Connectors;
using Payments.Core;
using Payments.Platform;
using Payments.Platform.Postgres;

namespace Payments.Api.Recovery;

/// <summary>
/// Releases authorizations that nobody will capture. What is orphaned is decided by <see cref="Holding.Orphaned"/>; a capture that
/// comes at the same time wins in the database, because the void is written on the payment's version.
/// </summary>
public sealed class OrphanedHolds(
    NpgsqlDataSource database, PaymentStore store, PaymentWriter writer, ProviderCalls calls, Execution execution, NoticeStore notices, Recoveries recoveries, IdSource ids,
    TimeProvider time, ILogger<OrphanedHolds> logger)
{
    public const string Actor = "hold_sweep";

    private const int AtOnce = 50;

    /// <summary>A provider that has refused so often will go on to do so: a person is told.</summary>
    private const int MostRefusals = 3;

    /// <summary>A hold that could not be released is looked at again at the next sweep after this.</summary>
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(10);

    /// <summary>Releases what is orphaned now; returns how many voids were begun.</summary>
    public async Task<int> SweepAsync(CancellationToken cancellationToken)
    {
        await ForgetReleasedAsync(cancellationToken);
        var begun = 0;
        while (await TakeAsync(cancellationToken) is { Count: > 0 } taken)
        {
            foreach (var hold in taken)
            {
                begun += await TryReleaseAsync(hold) ? 1 : 0;
            }
        }

        return begun;
    }

    private async Task<bool> TryReleaseAsync(TakenHold taken)
    {
        try
        {
            return await ReleaseAsync(taken);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // One hold must not keep the others.
            Log.HoldNotReleased(logger, e, taken.Payment.Id);
            Recoveries.Count(RecoveryKinds.OrphanedHold, Recoveries.Failed);
            return false;
        }
    }

    private async Task<bool> ReleaseAsync(TakenHold taken)
    {
        using var span = Recoveries.Start(RecoveryKinds.OrphanedHold, taken.Payment.Id);
        while (await store.FindAsync(taken.Payment, CancellationToken.None) is { } payment)
        {
            if (Holding.Orphaned(payment, taken.HoldOf(payment)) is not { } reason)
            {
                return false;
            }

            if (Refusals(payment) >= MostRefusals)
            {
                await StuckAsync(payment, "The provider has refused to cancel it several times.");
                return false;
            }

            var opened = new NewOperation(ids.New<OperationId>(), ids.New<AttemptId>(), time.GetUtcNow()) { Reason = Words.Of(reason) };
            var decision = Opening.Void(payment, calls.LimitsOf(payment), opened, Holding.OriginOf(reason));
            if (decision.Payment is not { } voiding)
            {
                await RefusedAsync(payment, decision.Refusal!);
                return false;
            }

            var recovered = Recovered.Of(ids.New<RecoveryId>(), RecoveryKinds.OrphanedHold, opened.Id.ToString(), Actor, Sentence(reason, taken), payment, voiding, opened.Id, opened.AttemptId);
            if (await writer.WriteAsync(Changes.Between(payment, voiding, []) with { Recoveries = [recovered] }) == Verdict.Committed)
            {
                recoveries.Tell(recovered);
                await execution.RunAsync(voiding, opened.Id, null, []);
                return true;
            }
        }

        return false;
    }

    /// <summary>A capture or void under way decides by itself. What the provider cannot release, a person must know of.</summary>
    private Task RefusedAsync(PaymentState payment, Refusal refusal) => refusal.Kind == RefusalKind.NotSupported ? StuckAsync(payment, refusal.Detail) : Task.CompletedTask;

    private Task StuckAsync(PaymentState payment, string why)
    {
        Recoveries.Count(RecoveryKinds.OrphanedHold, Recoveries.Failed);
        var incident = new Incident(ids.New<IncidentId>(), IncidentKinds.OrphanedHoldStuck, null, $"What is left of the hold is orphaned and cannot be released. {why} It ends when the provider lets it expire.");
        return notices.RaiseAsync(payment.MerchantId, payment.Mode, payment.Id, incident, CancellationToken.None);
    }

    private static int Refusals(PaymentState payment) =>
        payment.Operations.Count(o => o is { Kind: OperationKind.Void, State: OperationState.Failed, RequestKey: null, Current.State: AttemptState.Declined });

    private static string Sentence(OrphanReason reason, TakenHold taken) => reason switch
    {
        OrphanReason.OrderCancelled => "the merchant gave the order up",
        OrphanReason.VoidAsked => "the merchant had asked for the void, which failed",
        OrphanReason.CaptureWindow => $"nobody captured it within the merchant's {taken.Window.TotalDays:0} days",
        OrphanReason.ProviderLimit => "the provider takes no capture of it any more",
        _ => throw new InvariantException($"the reason {reason} has a sentence"),
    };

    /// <summary>Candidates; the decision itself is made on the payment as it stands.</summary>
    private async Task<List<TakenHold>> TakeAsync(CancellationToken cancellationToken)
    {
        const string sql = """
            UPDATE holds AS h SET leased_until = now() + $4
            FROM (
                SELECT held.merchant_id, held.mode, held.payment_id, p.capture_before, m.capture_window_days, c.order_id IS NOT NULL AS cancelled
                FROM holds AS held
                JOIN payments AS p ON p.merchant_id = held.merchant_id AND p.mode = held.mode AND p.id = held.payment_id
                LEFT JOIN merchants AS m ON m.id = held.merchant_id
                LEFT JOIN cancelled_orders AS c ON c.merchant_id = held.merchant_id AND c.mode = held.mode AND c.order_id = p.order_id
                    AND c.cancelled_at >= uuid_time(held.payment_id)
                WHERE held.held_since <= now() - $1 AND (held.leased_until IS NULL OR held.leased_until < now())
                  AND p.authorized > p.captured + p.capture_pending + p.released + p.void_pending
                  AND (c.order_id IS NOT NULL OR p.capture_before <= now()
                    OR held.held_since <= now() - least(
                        make_interval(days => coalesce(m.capture_window_days, 7)), CASE WHEN p.details::jsonb->>'initiator' = 'merchant' THEN $5 ELSE $2 END)
                    OR EXISTS (
                        SELECT FROM operations AS o
                        WHERE o.merchant_id = held.merchant_id AND o.mode = held.mode AND o.payment_id = held.payment_id
                          AND o.kind = 'void' AND o.origin = 'merchant' AND o.state = 'failed'))
                ORDER BY held.held_since LIMIT $3 FOR UPDATE OF held SKIP LOCKED
            ) AS due
            WHERE h.merchant_id = due.merchant_id AND h.mode = due.mode AND h.payment_id = due.payment_id
            RETURNING h.merchant_id, h.mode, h.payment_id, now() - h.held_since, coalesce(due.capture_window_days, 7), due.capture_before - h.held_since, due.cancelled
            """;
        await using var command = database.CreateCommand(sql).With(
            Holding.Grace, CaptureLimits.Shortest(customerPresent: true), AtOnce, Lease, CaptureLimits.Shortest(customerPresent: false));
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var taken = new List<TakenHold>();
        while (await row.ReadAsync(cancellationToken))
        {
            taken.Add(new TakenHold(
                new PaymentKey(MerchantId.From(row.GetGuid(0)), Words.Parse<Mode>(row.GetString(1)), PaymentId.From(row.GetGuid(2))), row.GetTimeSpan(3),
                TimeSpan.FromDays(row.GetInt32(4)), row.IsDBNull(5) ? null : row.GetTimeSpan(5), row.GetBoolean(6)));
        }

        return taken;
    }

    private async Task ForgetReleasedAsync(CancellationToken cancellationToken)
    {
        const string sql = """
            DELETE FROM holds AS h USING payments AS p
            WHERE p.merchant_id = h.merchant_id AND p.mode = h.mode AND p.id = h.payment_id AND p.authorized <= p.captured + p.released
            """;
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private sealed record TakenHold(PaymentKey Payment, TimeSpan HeldFor, TimeSpan Window, TimeSpan? Told, bool IsOrderCancelled)
    {
        public Hold HoldOf(PaymentState payment) => new(HeldFor, Window, Told ?? CaptureLimits.Of(payment), IsOrderCancelled);
    }
}

/// <summary>Sweeps now and then: often enough that a hold is released within an hour of becoming orphaned.</summary>
public sealed class HoldSweep(OrphanedHolds holds, TimeProvider time, IOptions<FlowOptions> options, ILogger<HoldSweep> logger) : BackgroundService
{
    // At the start, too: a service that is deployed often would otherwise never come to it.
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Rounds.RunAsync(TimeSpan.FromMilliseconds(options.Value.HoldSweepMilliseconds), time, holds.SweepAsync, e => Log.SweepFailed(logger, e), stoppingToken);
}
