using Npgsql;
using Payments.Core;

namespace Payments.Api.Flow;

/// <summary>An attempt that the resolver holds for a while. Ages are database time.</summary>
/// <param name="Fence">Grows with every taking: whoever took it before can change its schedule no more.</param>
/// <param name="MissingFor">Since when the provider says that it does not have it.</param>
/// <param name="IsHandedOver">The result of its challenge may have been handed to the provider.</param>
public sealed record DueAttempt(PaymentKey Payment, AttemptId AttemptId, long Fence, int Readings, TimeSpan Age, TimeSpan? MissingFor, bool IsHandedOver);

/// <summary>
/// The schedule of unsettled attempts. A lease only saves double work: what is learned is written on the payment's version, and a
/// repeated call carries the attempt's own key.
/// </summary>
public sealed class DueAttempts(NpgsqlDataSource database)
{
    private const string Returning = "RETURNING a.merchant_id, a.mode, a.payment_id, a.id, a.fence, a.readings, now() - a.opened_at, now() - a.missing_since, a.handed_over > 0";

    /// <summary>Takes what is due at one provider: while one is down, the other's attempts do not wait behind its time limits.</summary>
    public async Task<IReadOnlyList<DueAttempt>> TakeAsync(Provider provider, int atMost, CancellationToken cancellationToken)
    {
        const string sql = $"""
            UPDATE attempts AS a SET leased_until = now() + interval '60 seconds', fence = a.fence + 1, readings = a.readings + 1
            FROM (
                SELECT merchant_id, mode, payment_id, id FROM attempts
                WHERE due_at <= now() AND (leased_until IS NULL OR leased_until < now()) AND provider = $2
                ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
            ) AS due
            WHERE a.merchant_id = due.merchant_id AND a.mode = due.mode AND a.payment_id = due.payment_id AND a.id = due.id
            {Returning}
            """;
        await using var command = database.CreateCommand(sql);
        command.Parameters.Add(new() { Value = atMost });
        command.Parameters.Add(new() { Value = Words.Of(provider) });
        return await ReadAsync(command, cancellationToken);
    }

    /// <summary>Takes one operation's current attempt if it is due and nobody has it.</summary>
    public async Task<DueAttempt?> TakeAsync(PaymentKey payment, OperationId operation, CancellationToken cancellationToken)
    {
        const string sql = $"""
            UPDATE attempts AS a SET leased_until = now() + interval '60 seconds', fence = a.fence + 1, readings = a.readings + 1
            WHERE a.merchant_id = $1 AND a.mode = $2 AND a.payment_id = $3 AND a.operation_id = $4
              AND a.due_at <= now() AND (a.leased_until IS NULL OR a.leased_until < now())
            {Returning}
            """;
        await using var command = database.CreateCommand(sql);
        command.Parameters.Add(new() { Value = payment.MerchantId.Value });
        command.Parameters.Add(new() { Value = Words.Of(payment.Mode) });
        command.Parameters.Add(new() { Value = payment.Id.Value });
        command.Parameters.Add(new() { Value = operation.Value });
        return await ReadAsync(command, cancellationToken) is [var taken, ..] ? taken : null;
    }

    /// <param name="delay">Until the next look; null: never again.</param>
    public Task PostponeAsync(DueAttempt taken, TimeSpan? delay) => RescheduleAsync(taken, delay, "missing_since");

    /// <summary>The provider answered that it does not have it; asked again after the spacing.</summary>
    public Task NoteMissingAsync(DueAttempt taken, TimeSpan spacing) => RescheduleAsync(taken, spacing, "now()");

    /// <summary>
    /// Notes that the result of a challenge will be handed to the provider. False where the payment has changed since it was read: then
    /// it may be cancelled already, and nothing may be handed over.
    /// </summary>
    public async Task<bool> HandOverAsync(PaymentState payment, AttemptId attempt, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(payment);
        await using var command = database.CreateCommand("""
            WITH unchanged AS (SELECT FROM payments WHERE merchant_id = $1 AND mode = $2 AND id = $3 AND version = $5 FOR SHARE)
            UPDATE attempts SET handed_over = handed_over + 1
            WHERE merchant_id = $1 AND mode = $2 AND payment_id = $3 AND id = $4 AND EXISTS (SELECT FROM unchanged)
            """);
        command.Parameters.Add(new() { Value = payment.MerchantId.Value });
        command.Parameters.Add(new() { Value = Words.Of(payment.Mode) });
        command.Parameters.Add(new() { Value = payment.Id.Value });
        command.Parameters.Add(new() { Value = attempt.Value });
        command.Parameters.Add(new() { Value = payment.Version });
        return await command.ExecuteNonQueryAsync(cancellationToken) > 0;
    }

    /// <summary>The provider has answered that it did nothing with the result, or it never got there.</summary>
    public async Task TakeBackAsync(PaymentState payment, AttemptId attempt)
    {
        ArgumentNullException.ThrowIfNull(payment);
        await using var command = database.CreateCommand(
            "UPDATE attempts SET handed_over = handed_over - 1 WHERE merchant_id = $1 AND mode = $2 AND payment_id = $3 AND id = $4 AND handed_over > 0");
        command.Parameters.Add(new() { Value = payment.MerchantId.Value });
        command.Parameters.Add(new() { Value = Words.Of(payment.Mode) });
        command.Parameters.Add(new() { Value = payment.Id.Value });
        command.Parameters.Add(new() { Value = attempt.Value });
        await command.ExecuteNonQueryAsync(CancellationToken.None);
    }

    private async Task RescheduleAsync(DueAttempt taken, TimeSpan? delay, string missingSince)
    {
        ArgumentNullException.ThrowIfNull(taken);
        await using var command = database.CreateCommand($"""
            UPDATE attempts SET due_at = now() + $6, leased_until = NULL, missing_since = {missingSince}
            WHERE merchant_id = $1 AND mode = $2 AND payment_id = $3 AND id = $4 AND fence = $5 AND due_at IS NOT NULL
            """);
        command.Parameters.Add(new() { Value = taken.Payment.MerchantId.Value });
        command.Parameters.Add(new() { Value = Words.Of(taken.Payment.Mode) });
        command.Parameters.Add(new() { Value = taken.Payment.Id.Value });
        command.Parameters.Add(new() { Value = taken.AttemptId.Value });
        command.Parameters.Add(new() { Value = taken.Fence });
        command.Parameters.Add(new() { Value = (object?)delay ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Interval });
        await command.ExecuteNonQueryAsync(CancellationToken.None);
    }

    private static async Task<IReadOnlyList<DueAttempt>> ReadAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var taken = new List<DueAttempt>();
        while (await row.ReadAsync(cancellationToken))
        {
            taken.Add(new DueAttempt(
                new PaymentKey(MerchantId.From(row.GetGuid(0)), Words.Parse<Mode>(row.GetString(1)), PaymentId.From(row.GetGuid(2))),
                AttemptId.From(row.GetGuid(3)), row.GetInt64(4), row.GetInt32(5), row.GetFieldValue<TimeSpan>(6),
                row.IsDBNull(7) ? null : row.GetFieldValue<TimeSpan>(7), row.GetBoolean(8)));
        }

        return taken;
    }
}
