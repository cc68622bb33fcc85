using System.Text.Json;
using Npgsql;
using Payments.Core;
using Payments.Core.Events;
using Payments.Platform.Postgres;

namespace Payments.Api.Recovery;

/// <summary>
/// Writes charges in suspense of a restored database as their events show them: the listing of the provider's charges then knows them,
/// and nobody puts them into suspense a second time.
/// </summary>
internal sealed class ReinstatedBreaks(NpgsqlDataSource database, IdSource ids)
{
    public async Task BringUpAsync(PaymentEvent told, string reason, CancellationToken cancellationToken)
    {
        await (told.Type == PaymentEventTypes.Unattributed ? OpenAsync(told, cancellationToken) : CloseAsync(told, reason, cancellationToken));
    }

    private async Task OpenAsync(PaymentEvent told, CancellationToken cancellationToken)
    {
        var (view, fact) = (told.Data.Payment, told.Data.Operation ?? throw new InvariantException("a charge in suspense has an amount"));
        var taken = fact.Kind == OperationKind.Capture;
        Invariant.Holds(fact.Provider is not null && fact.ProviderReference is not null, "a charge in suspense has its provider's name");
        var charge = new ProviderCharge(
            fact.Provider!.Value, told.Mode, fact.ProviderReference!, view.Amount, view.Currency, taken ? ChargeState.Taken : ChargeState.Held, view.CreatedAt)
        {
            CapturedMinor = taken ? fact.AmountMinor : 0,
            CaptureMethod = view.CaptureMethod,
            Card = view.PaymentMethod,
            Description = view.Description,
        };
        const string sql = """
            INSERT INTO breaks (id, provider, mode, reference, payment_id, kind, amount, currency, charge, detail)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'Put back from its event after a restore.') ON CONFLICT DO NOTHING
            """;
        await using var command = database.CreateCommand(sql).With(
            ids.New<BreakId>().Value, Words.Of(charge.Provider), Words.Of(charge.Mode), charge.Reference, told.PaymentId.Value, Words.Of(taken ? BreakKind.Charge : BreakKind.Hold),
            fact.AmountMinor, view.Currency, JsonSerializer.Serialize(charge, Json.Options));
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task CloseAsync(PaymentEvent told, string reason, CancellationToken cancellationToken)
    {
        const string sql = """
            UPDATE breaks SET status = 'closed', merchant_id = $2, closed_at = now(), closed_by = 'restore', close_reason = $3
            WHERE payment_id = $1 AND status = 'open'
            """;
        await using var command = database.CreateCommand(sql).With(told.PaymentId.Value, told.MerchantId.Value, reason);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
