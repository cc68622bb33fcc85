using Npgsql;
using Payments.Core;
using Payments.Core.Events;
using Payments.Platform.Http;
using Payments.Platform.Inbox;
using Payments.Platform.Postgres;
using static Payments.Core.Events.PaymentEventTypes;

namespace Payments.Reconciliation.Intake;

/// <summary>
/// What an event of a payment puts into suspense because it is beyond our books: what the ledger posts as <c>dispute_suspense</c>, <c>refund_suspense</c> and
/// <c>capture_suspense</c>. Charges that nobody has are breaks of the payment path, and second ones are undone there.
/// </summary>
/// <param name="Subject">Of the dispute, or of the operation: what gives it back has the same.</param>
/// <param name="Amount">In minor units; negative: taken from suspense, which then is owed it.</param>
public sealed record SuspendedMoney(Guid Id, Guid Subject, Mode Mode, string Provider, string Currency, long Amount, Guid PaymentId, Guid MerchantId, DateTimeOffset OccurredAt)
{
    // event, state of its operation → with which sign
    private static readonly Dictionary<(string Type, OperationState State), int> Signs = new()
    {
        [(Captured, OperationState.Succeeded)] = 1,
        [(CaptureFailed, OperationState.Reversed)] = -1,
        [(Refunded, OperationState.Succeeded)] = -1,
        [(RefundFailed, OperationState.Reversed)] = 1,
    };

    /// <summary>Null for events that leave nothing in suspense.</summary>
    public static SuspendedMoney? Of(PaymentEvent happened)
    {
        ArgumentNullException.ThrowIfNull(happened);
        if (happened.Data is { Dispute: { } dispute, Moved: { } moved })
        {
            var ofMerchant = moved.MerchantBearsFee ?? moved.AmountMinor > moved.SuspenseMinor;
            return Of(happened, Core.Id.TryParse<DisputeId>(dispute.Id, out var subject) ? subject.Value : null, Words.Of(dispute.Provider), moved.Currency, (moved.IsWithdrawal ? -1 : 1) * checked(moved.SuspenseMinor + (ofMerchant ? 0 : moved.FeeMinor)));
        }

        return happened.Data.Operation is { } operation && Signs.TryGetValue((happened.Type, operation.State), out var sign)
            && (operation.Provider ?? happened.Data.Payment.Provider) is { } provider
            ? Of(happened, Core.Id.TryParse<OperationId>(operation.Id, out var moving) ? moving.Value : null, Words.Of(provider), operation.Currency, sign * operation.SuspenseMinor)
            : null;
    }

    /// <summary>Adds what is not known yet, and raises the breaks of what it is about.</summary>
    public static async Task AddAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, IEnumerable<ReceivedEvent> batch, CancellationToken cancellationToken)
    {
        var found = batch.Select(r => Of(r.Event)).OfType<SuspendedMoney>().OrderBy(s => s.Subject).ThenBy(s => s.Id).ToList();
        foreach (var money in found)
        {
            await using var add = new NpgsqlCommand("""
                INSERT INTO recon.suspended (event_id, subject, mode, provider, currency, amount, payment_id, merchant_id, occurred_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING
                """, connection, transaction).With(
                money.Id, money.Subject, ModeNames.Of(money.Mode), money.Provider, money.Currency, money.Amount, money.PaymentId, money.MerchantId, money.OccurredAt.ToUniversalTime());
            await add.ExecuteNonQueryAsync(cancellationToken);
        }

        if (found.Count > 0)
        {
            await RaiseAsync(connection, transaction, [.. found.Select(s => s.Subject).Distinct()], cancellationToken);
        }
    }

    /// <param name="subjects">Null: all.</param>
    public static async Task RaiseAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, Guid[]? subjects, CancellationToken cancellationToken)
    {
        await using var raise = new NpgsqlCommand("SELECT recon.raise_suspended($1)", connection, transaction);
        raise.Parameters.Add(new() { Value = (object?)subjects ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Array | NpgsqlTypes.NpgsqlDbType.Uuid });
        await raise.ExecuteNonQueryAsync(cancellationToken);
    }

    private static SuspendedMoney? Of(PaymentEvent happened, Guid? subject, string provider, string currency, long amount) => amount == 0
        ? null
        : new(
            happened.Id.Value, subject ?? throw new InvariantException($"event {happened.Id} names what it is about"), happened.Mode, provider, currency, amount, happened.PaymentId.Value,
            happened.MerchantId.Value, happened.OccurredAt);
}
