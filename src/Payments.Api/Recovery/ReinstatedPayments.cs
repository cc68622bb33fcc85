using System.Text.Json;
using System.Text.Json.Serialization;
using Npgsql;
using NpgsqlTypes;
using Payments.Api.Flow;
using Payments.Api.Merchants;
using Payments.Connectors;
using Payments.Core;
using Payments.Core.Events;
using Payments.Platform.Inbox;
using Payments.Platform.Outbox;
using EventId = Payments.Core.EventId;

namespace Payments.Api.Recovery;

/// <summary>
/// Writes payments of a restored database as their later events show them, with the answers that merchants have had: a key that was used
/// stays used. Repeating it writes nothing twice.
/// </summary>
/// <param name="database">Sessions that may write while the event log is closed.</param>
internal sealed class ReinstatedPayments(
    NpgsqlDataSource database, IMerchants merchants, Deadlines deadlines, OutboxSignal signal, Recoveries recoveries, IdSource ids, TimeProvider time)
{
    private static readonly JsonSerializerOptions Rows = new(Json.Options) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };
    private static readonly FeePlan UnknownPlan = new(
        1, new CardPrice(PlanPrice.DefaultCredit.RatePerMillion, PlanPrice.DefaultCredit.FixedUsCents), new CardPrice(PlanPrice.DefaultDebit.RatePerMillion, PlanPrice.DefaultDebit.FixedUsCents));

    private readonly PaymentStore store = new(database);
    private readonly ReinstatedBreaks breaks = new(database, ids);
    private readonly CommitChanges commit = new(database, deadlines, signal);

    /// <summary>Brings the payments of these events up to them; returns how many changed.</summary>
    public async Task<int> BringUpAsync(IReadOnlyList<OutboxRow> rows, string actor, string reason, CancellationToken cancellationToken)
    {
        var events = rows.Select(r => EventReading.Read(r).Event).ToArray();
        foreach (var suspended in events.Where(e => e.Type is PaymentEventTypes.Unattributed or PaymentEventTypes.Attributed))
        {
            await breaks.BringUpAsync(suspended, reason, cancellationToken);
        }

        // What nobody was found for is no payment yet.
        var told = events.Where(e => e.Type != PaymentEventTypes.Unattributed).GroupBy(e => new PaymentKey(e.MerchantId, e.Mode, e.PaymentId)).ToArray();
        var found = (await store.ReadAsync([.. told.Select(g => g.Key)], cancellationToken)).ToDictionary(PaymentKey.Of);
        var changed = 0;
        foreach (var payment in told)
        {
            var before = found.GetValueOrDefault(payment.Key);
            if (payment.Where(e => e.Version > (before?.Version ?? 0)).ToArray() is { Length: > 0 } later)
            {
                await BringUpAsync(before, later, actor, reason, cancellationToken);
                changed++;
            }
        }

        return changed;
    }

    private async Task BringUpAsync(PaymentState? before, PaymentEvent[] later, string actor, string reason, CancellationToken cancellationToken)
    {
        var view = later[0].Data.Payment;
        var method = view.PaymentMethod;
        var amount = new Money(view.Amount, Currency.Of(view.Currency));
        var plan = (await merchants.FindAsync(later[0].MerchantId, cancellationToken))?.Plan ?? UnknownPlan;
        var after = later.Aggregate(before, (state, told) => Reinstating.Apply(
            state, told, (plan.Version, plan.PriceOf(method, amount)),
            provider => ProviderCosts.PriceOf(provider, method, amount)))!;

        foreach (var operation in after.Operations.Where(o => o.RequestKey is not null))
        {
            await AnswerAsync(after, operation, cancellationToken);
        }

        // A row first, so that what follows is a change like any other, however old the payment is.
        var first = before ?? after with { Version = 1, Operations = [] };
        if (before is null)
        {
            await InsertAsync(after with { Version = 1 }, cancellationToken);
        }

        if (after.Version > first.Version)
        {
            var subject = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{after.Id}/{after.Version}");
            var recovered = Recovered.Of(ids.New<RecoveryId>(), RecoveryKinds.PaymentReinstated, subject, actor, reason, first, after);
            var change = new Change(first.Version, after, after.Operations, [])
            {
                Disputes = after.Disputes,
                Volume = before is null or { Operations.IsEmpty: true } && after.Authorization is not { State: OperationState.Failed } ? Changes.VolumeOf(after, after.Amount.Minor, null) : null,
                Recoveries = [recovered],
            };
            var verdicts = await commit.WriteAsync(ids.New<EventId>().Value, [PreparedChange.Of(change, ids, time)], cancellationToken);
            Invariant.Holds(verdicts is [Verdict.Committed], "nobody else writes payments while the event log is closed");
            recoveries.Tell(recovered);
        }
    }

    /// <summary>A payment that is not there, as a row without operations.</summary>
    private async Task InsertAsync(PaymentState payment, CancellationToken cancellationToken)
    {
        const string sql = "INSERT INTO payments SELECT p.* FROM jsonb_populate_record(NULL::payments, $1) AS p ON CONFLICT DO NOTHING";
        await using var command = database.CreateCommand(sql);
        command.Parameters.Add(new() { Value = JsonSerializer.Serialize(PaymentRow.Of(payment), Rows), NpgsqlDbType = NpgsqlDbType.Jsonb });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>The body that came with the key is not known any more: an empty fingerprint fits any.</summary>
    private async Task AnswerAsync(PaymentState payment, Operation operation, CancellationToken cancellationToken)
    {
        if (Answers.Of(payment, operation) is not { } answer || Answers.IsReleased(operation))
        {
            return;
        }

        const string sql = """
            INSERT INTO payment_requests AS r (merchant_id, mode, key_class, key, fingerprint, payment_id, operation_id, state, status, body, finished_at)
            VALUES ($1, $2, $3, $4, ''::bytea, $5, $6, CASE WHEN $8::bytea IS NULL THEN 'unresolved' ELSE 'final' END, $7, $8, CASE WHEN $8::bytea IS NULL THEN NULL ELSE now() END)
            ON CONFLICT (merchant_id, mode, key_class, key) DO UPDATE
                SET state = excluded.state, status = excluded.status, body = excluded.body, finished_at = excluded.finished_at
                WHERE r.payment_id = excluded.payment_id AND r.state <> 'final'
            """;
        await using var command = database.CreateCommand(sql);
        command.Parameters.Add(new() { Value = payment.MerchantId.Value });
        command.Parameters.Add(new() { Value = Words.Of(payment.Mode) });
        command.Parameters.Add(new() { Value = Words.Of(answer.Key.Class) });
        command.Parameters.Add(new() { Value = answer.Key.Text });
        command.Parameters.Add(new() { Value = payment.Id.Value });
        command.Parameters.Add(new() { Value = operation.Id.Value });
        command.Parameters.Add(new() { Value = (object?)answer.Status ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Integer });
        command.Parameters.Add(new() { Value = (object?)answer.Body ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bytea });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
