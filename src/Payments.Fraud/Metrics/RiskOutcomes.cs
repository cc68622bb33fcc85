using Npgsql;
using NpgsqlTypes;
using Payments.Core;
using Payments.Core.Events;
using Payments.Core.Seams;
using Payments.Fraud.Scoring;
using Payments.Platform.Http;
using Payments.Platform.Inbox;

namespace Payments.Fraud.Metrics;

/// <summary>Keeps of each payment what the risk metrics need, as its newest event tells it.</summary>
internal static class RiskOutcomes
{
    /// <summary>Within the transaction that advances the consumer's checkpoint. The same events again change nothing.</summary>
    public static async Task ApplyAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, IReadOnlyList<ReceivedEvent> batch, CancellationToken cancellationToken)
    {
        // A charge in suspense has no merchant yet; what it was decided on nobody knows.
        var payments = batch.Select(r => r.Event).Where(e => e.Type != PaymentEventTypes.Unattributed).GroupBy(e => e.PaymentId).ToArray();
        if (payments.Length == 0)
        {
            return;
        }

        const string sql = """
            INSERT INTO risk_outcomes AS known (
                payment_id, mode, merchant_id, created_at, version, verdict, score, without_service, without_model, authorization_is, amount, captured,
                asked, authenticated, challenged, review_opened_at, review_decided_at, review_outcome, review_automatic)
            SELECT * FROM unnest(
                $1::uuid[], $2::text[], $3::uuid[], $4::timestamptz[], $5::bigint[], $6::text[], $7::smallint[], $8::boolean[], $9::boolean[], $10::text[], $11::bigint[], $12::bigint[],
                $13::text[], $14::text[], $15::boolean[], $16::timestamptz[], $17::timestamptz[], $18::text[], $19::boolean[])
            ON CONFLICT (payment_id) DO UPDATE SET
                version = EXCLUDED.version,
                authorization_is = EXCLUDED.authorization_is,
                captured = EXCLUDED.captured,
                asked = EXCLUDED.asked,
                authenticated = EXCLUDED.authenticated,
                challenged = known.challenged OR EXCLUDED.challenged,
                review_opened_at = COALESCE(known.review_opened_at, EXCLUDED.review_opened_at),
                review_decided_at = EXCLUDED.review_decided_at,
                review_outcome = EXCLUDED.review_outcome,
                review_automatic = EXCLUDED.review_automatic
            WHERE known.version < EXCLUDED.version
            """;
        await using var command = new NpgsqlCommand(sql, connection, transaction);
        var rows = payments.Select(p => Row.Of([.. p])).ToArray();
        Add(NpgsqlDbType.Uuid, r => r.PaymentId);
        Add(NpgsqlDbType.Text, r => r.Mode);
        Add(NpgsqlDbType.Uuid, r => r.MerchantId);
        Add(NpgsqlDbType.TimestampTz, r => r.CreatedAt);
        Add(NpgsqlDbType.Bigint, r => r.Version);
        Add(NpgsqlDbType.Text, r => r.Verdict);
        Add(NpgsqlDbType.Smallint, r => r.Score);
        Add(NpgsqlDbType.Boolean, r => r.WithoutService);
        Add(NpgsqlDbType.Boolean, r => r.WithoutModel);
        Add(NpgsqlDbType.Text, r => r.Authorization);
        Add(NpgsqlDbType.Bigint, r => r.Amount);
        Add(NpgsqlDbType.Bigint, r => r.Captured);
        Add(NpgsqlDbType.Text, r => r.Asked);
        Add(NpgsqlDbType.Text, r => r.Authenticated);
        Add(NpgsqlDbType.Boolean, r => r.Challenged);
        Add(NpgsqlDbType.TimestampTz, r => r.ReviewOpenedAt);
        Add(NpgsqlDbType.TimestampTz, r => r.ReviewDecidedAt);
        Add(NpgsqlDbType.Text, r => r.ReviewOutcome);
        Add(NpgsqlDbType.Boolean, r => r.ReviewAutomatic);
        await command.ExecuteNonQueryAsync(cancellationToken);

        void Add<T>(NpgsqlDbType type, Func<Row, T> of) => command.Parameters.Add(new NpgsqlParameter { Value = rows.Select(of).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | type });
    }

    private sealed record Row(
        Guid PaymentId, string Mode, Guid MerchantId, DateTimeOffset CreatedAt, long Version, string? Verdict, short? Score, bool WithoutService, bool WithoutModel, string Authorization,
        long Amount, long Captured, string? Asked, string? Authenticated, bool Challenged, DateTimeOffset? ReviewOpenedAt, DateTimeOffset? ReviewDecidedAt, string? ReviewOutcome,
        bool? ReviewAutomatic)
    {
        /// <param name="events">Of one payment, in their order.</param>
        public static Row Of(IReadOnlyList<PaymentEvent> events)
        {
            var newest = events[^1];
            var payment = newest.Data.Payment;
            var factors = payment.Risk?.Factors ?? [];
            var decided = payment.Review is { DecidedAt: not null } or { Status: ReviewStatus.Lapsed } ? payment.Review : null;
            return new(
                newest.PaymentId.Value,
                ModeNames.Of(newest.Mode),
                newest.MerchantId.Value,
                payment.CreatedAt.ToUniversalTime(),
                payment.Version,
                payment.Risk is { } risk ? Words.Of(risk.Decision) : null,
                (short?)payment.Risk?.Score,
                factors.Contains(FraudFallback.Factor),
                factors.Contains(ModelWithinLimit.Mark),
                AuthorizationOf(payment),
                Cents(payment.Amount, payment.Currency),
                Cents(payment.AmountCaptured, payment.Currency),
                payment.Authentication is { } authentication ? Words.Of(authentication.Requested) : null,
                payment.Authentication?.Result is { } result ? Words.Of(result) : null,
                payment.Authentication?.Flow == AuthenticationFlow.Challenge || events.Any(e => e.Type == PaymentEventTypes.RequiresAction),
                events.FirstOrDefault(e => e.Data.Payment.Review is not null)?.OccurredAt.ToUniversalTime(),
                decided?.DecidedAt?.ToUniversalTime(),
                decided is null ? null : Words.Of(decided.Status),
                decided?.Automatic);
        }

        private static string AuthorizationOf(PaymentView payment) => payment switch
        {
            { AuthorizedAt: not null } => "approved",
            { Status: PaymentStatus.Declined } => "declined",
            { Status: PaymentStatus.Failed } => "failed",
            { Status: PaymentStatus.Rejected } => "none",
            _ => "open",
        };

        private static long Cents(long minor, string currency) => (long)Math.Round(RiskAmounts.InUsCents(minor, currency));
    }
}
